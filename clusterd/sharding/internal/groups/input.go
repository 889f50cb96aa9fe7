package groups

import "time"

// Input is one of the structs of this file that [Machine.Step] takes.
type Input interface{ input() }

// Create makes an empty group. The issuer sends the same Create to each of
// Members, and only when no stored configuration of the shard exists anywhere
// (rule 8). A member that misses it learns of the group from the others.
type Create struct {
	Shard uint32
	// Group is the identity of the group: another number for each creation, so
	// that two groups that were created for one shard never mix. Not 0; small
	// numbers are shorter on the wire.
	Group uint64
	// Members are the first replicas. The first of them stands for election at
	// once, the others only if it fails to.
	Members []uint64
}

// Plan says where replicas and primaries of shards should be. Each node gets
// each plan; a group's present primary walks to it one replica at a time.
type Plan struct {
	// View and Number order plans: one that is older than the last is ignored.
	View, Number uint64
	// Rows are the shards that the plan speaks of; others keep what an earlier
	// plan said of them.
	Rows []PlanRow
}

// PlanRow is the wish for one shard.
type PlanRow struct {
	Shard uint32
	// Members are the wanted replicas, not empty.
	Members []uint64
	// Primary is the preferred primary, one of Members; 0: whoever leads.
	Primary uint64
}

// Level is when a proposal is acknowledged.
type Level uint8

const (
	// Async: appended at the primary; lost if the primary dies right then.
	Async Level = iota + 1
	// Quorum: durable on a majority of the group's voters, and applied.
	Quorum
	// All: durable on every voter of the present configuration, and applied.
	All
)

// Propose appends a command to a shard's log. Refused with ErrNotPrimary,
// ErrMoving, ErrFull or ErrTooLarge nothing has happened; otherwise exactly
// one Ack with this ID comes.
type Propose struct {
	Shard uint32
	// ID comes back in the Ack and in the Apply; the caller chooses it, unique
	// among its open proposals.
	ID    uint64
	Level Level
	// Data is the command, 1 to Limits.CommandBytes bytes, kept by the machine:
	// do not change it afterwards.
	Data []byte
}

// Receive is a packet from another node.
type Receive struct {
	// From is the node id that the transport vouches for.
	From uint64
	// Data is Packet.Data as it was sent, kept by the machine.
	Data []byte
}

// Persisted says that a batch of writes is durable. Batches are persisted and
// reported in their order; nothing of a batch that was reported may be lost.
type Persisted struct{ Batch uint64 }

// SnapshotReady answers a SnapshotRequest: a snapshot of the shard's state is
// durable and can be read with SnapshotRead until a SnapshotDrop.
type SnapshotReady struct {
	Shard uint32
	// Index is that of the last command in it: what was applied when it was
	// taken, not below the request's.
	Index uint64
	// Size is the length of the snapshot in bytes.
	Size uint64
}

// SnapshotPart answers a SnapshotRead.
type SnapshotPart struct {
	Shard  uint32
	Index  uint64
	To     uint64
	Offset uint64
	// Data is what stands at Offset, as long as the read asked unless the
	// snapshot ends before; nil: it cannot be read, and the transfer fails.
	Data []byte
}

// Transfer asks the primary to hand the shard to another voter, as before a
// node leaves. Refused with ErrNotPrimary; success shows as a Role.
type Transfer struct {
	Shard uint32
	To    uint64
}

// Unreachable tells that packets for a node were lost or could not be sent.
// Optional: it spares the wait for the next heartbeat's answer.
type Unreachable struct{ Node uint64 }

func (Create) input()        {}
func (Plan) input()          {}
func (Propose) input()       {}
func (Receive) input()       {}
func (Persisted) input()     {}
func (SnapshotReady) input() {}
func (SnapshotPart) input()  {}
func (Transfer) input()      {}
func (Unreachable) input()   {}

// Stored is what the storage holds of one shard when the node starts.
type Stored struct {
	Shard uint32
	Group uint64
	// Term, Vote and Commit are the newest hard state written.
	Term, Vote, Commit uint64
	// Snapshot is the newest installed or taken snapshot; zero in a replica
	// that was destroyed, of which Group, Term and Vote remain.
	Snapshot SnapshotMeta
	// Entries is the log in order, as far as it was written and not compacted.
	// It begins at or before the entry that follows the snapshot.
	Entries []Entry
}

// SnapshotMeta describes a snapshot.
type SnapshotMeta struct {
	// Index and Term are those of the last entry in it.
	Index, Term uint64
	// Voters and Learners are the group's configuration at Index.
	Voters, Learners []uint64
	// Size is its length in bytes; 0 for the empty state of a new group.
	Size uint64
}

// Kind tells commands from what the group says to itself.
type Kind uint8

const (
	// Command is a proposal's entry, or the empty one that begins a term.
	Command Kind = iota
	// Change is an entry that changes the configuration.
	Change
)

// Entry is one entry of a shard's log.
type Entry struct {
	Index, Term uint64
	Kind        Kind
	Data        []byte
}

// Role is what this node is to a shard.
type Role uint8

const (
	// None: no replica here, or no more: its state is to be forgotten.
	None Role = iota
	// Replica: a voter that follows.
	Replica
	// Learner: a replica without a vote. It catches up, or was taken out and has
	// not yet been told that it is not needed any more.
	Learner
	// Primary: leads, has applied all that was committed before its term, and
	// may serve while [Machine.CanServe] says so.
	Primary
)

// never is a moment that does not come: the lease of a group of one.
var never = time.Unix(1<<40, 0)
