package groups

import "errors"

// What Step refuses; the machine is then unchanged.
var (
	// ErrNotPrimary: this node does not lead the shard, or not yet or no longer
	// with a lease. Nothing was appended; the newest row tells who may lead.
	ErrNotPrimary = errors.New("groups: not the shard's primary")
	// ErrMoving: the primary is handing the shard over. Nothing was appended;
	// try again at the new primary in a moment.
	ErrMoving = errors.New("groups: shard is being handed over")
	// ErrFull: too many proposals of this shard are open. Nothing was appended.
	ErrFull = errors.New("groups: too many open proposals")
	// ErrTooLarge: the command is empty or larger than Limits.CommandBytes.
	ErrTooLarge = errors.New("groups: command of this size")
	// ErrShard: there is no shard of this number.
	ErrShard = errors.New("groups: no such shard")
	// ErrExists: a replica of this shard is stored here already; rule 8: a group
	// is never created over stored data.
	ErrExists = errors.New("groups: shard has a stored configuration")
	// ErrNoReplica: this node holds no replica of the shard.
	ErrNoReplica = errors.New("groups: no replica of this shard")
	// ErrPacket: the bytes are no packet, or not one for this node.
	ErrPacket = errors.New("groups: bad packet")
	// ErrGroup: a message of another group that calls itself by the same shard.
	// Two authorities created the shard; an operator has to choose.
	ErrGroup = errors.New("groups: message of another group of this shard")
	// ErrBroken: the replica's log contradicts its group (a disk that lost what
	// it had acknowledged). The replica is stopped until the next start.
	ErrBroken = errors.New("groups: replica contradicts its group")
	// ErrBatch: Persisted named another batch than the oldest one open.
	ErrBatch = errors.New("groups: not the oldest open batch")
	// ErrPeers: more nodes than Limits.Peers.
	ErrPeers = errors.New("groups: too many peers")
	// ErrMember: Create or Plan with no member, one twice, or no node id.
	ErrMember = errors.New("groups: bad list of members")
	// ErrInput: an input that this machine does not know or did not ask for.
	ErrInput = errors.New("groups: unexpected input")
)
