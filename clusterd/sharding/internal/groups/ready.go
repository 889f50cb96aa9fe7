package groups

import "time"

// Ready is everything the machine wants done, of all shards together, in this
// order: apply nothing before what was handed over earlier is applied; send
// Packets at any time (none depends on a write that was not yet reported with
// Persisted); make Writes durable as one batch.
type Ready struct {
	// Batch is the number of this batch of writes, to be reported with
	// Persisted; 0: nothing to write. Several batches may be open.
	Batch uint64
	// Sync says that the batch must be durable (fsync) before Persisted.
	// Without it the batch holds only what may be lost in a crash; it may then
	// be reported as soon as it is queued behind the earlier ones.
	Sync bool
	// Writes are to be applied to the storage in order, all or none.
	Writes []Write
	// Packets go to other nodes. Loss, repetition, delay and disorder are
	// allowed; a transport that keeps order wastes less.
	Packets []Packet
	// Installs replace the whole state of a shard. They stand before Applies
	// and come after the batch that made them durable was reported, but for the
	// empty state of a Create.
	Installs []Install
	// Applies are committed commands, in order within each shard.
	Applies []Apply
	// Acks end proposals, each exactly once, after the Applies and before the
	// Roles: those of a primary that ends its term may come with the news of that.
	Acks []Ack
	// Roles are changes of what this node is to a shard; they take effect after
	// the Applies.
	Roles []RoleChange
	// Snapshots ask the shell to take snapshots.
	Snapshots []SnapshotRequest
	// Reads ask for parts of snapshots that were taken.
	Reads []SnapshotRead
	// Drops name snapshots that nobody needs any more.
	Drops []SnapshotDrop
	// Rows are what changed in the slot table, to be gossiped.
	Rows []Row
	// Failures are replicas that had to be stopped, to be shown to an operator.
	Failures []Failure
	// Wake is when Tick is due at the latest.
	Wake time.Time
}

// Write is one change of what is stored of a shard. Fields are applied in the
// order in which they stand.
type Write struct {
	Shard uint32
	Group uint64
	// Destroy deletes snapshots, staged parts and log; Group and the hard state
	// stay: a node that is added again must remember how it voted.
	Destroy bool
	// Part adds a piece to the staged snapshot Part.Index; a part at offset 0,
	// or of another index, begins anew.
	Part *StagedPart
	// Install makes the staged snapshot (or the empty state, if Size is 0) the
	// only one and deletes the whole log.
	Install *SnapshotMeta
	// Taken makes a snapshot that SnapshotReady reported the one to start from:
	// it stores the description that the shell does not know.
	Taken *SnapshotMeta
	// Term, Vote and Commit are the hard state, if Hard is set.
	Term, Vote, Commit uint64
	Hard               bool
	// Entries are to be appended after deleting all with the same or a higher
	// index than the first.
	Entries []Entry
	// Compact: entries with a lower index are not needed any more; 0: none.
	Compact uint64
}

// StagedPart is a piece of a snapshot that is on its way to this node.
type StagedPart struct {
	Index, Offset uint64
	Data          []byte
}

// Packet is for one other node.
type Packet struct {
	To uint64
	// Data is the encoded packet, not referenced by the machine any more.
	Data []byte
}

// Install says: the state of Shard is now the snapshot Index, which is durable
// in the storage. Index 1 of a new group is the empty state.
type Install struct {
	Shard uint32
	SnapshotMeta
}

// Apply is one committed command.
type Apply struct {
	Shard       uint32
	Index, Term uint64
	Data        []byte
	// ID is the proposal's if it was made here in this term, else 0.
	ID uint64
}

// RoleChange says what this node now is to a shard.
type RoleChange struct {
	Shard uint32
	Role  Role
	// Term is the epoch: it grows with every change of primary.
	Term uint64
	// Primary is the node that leads, 0 if not known.
	Primary uint64
}

// Result is how a proposal ended.
type Result uint8

const (
	// Done: the proposal's level was reached.
	Done Result = iota + 1
	// Unknown: this node lost the shard first. The command may be lost or may
	// yet be committed by the next primary; only the next primary's state tells.
	Unknown
)

// Ack ends a proposal.
type Ack struct {
	Shard  uint32
	ID     uint64
	Result Result
	// Index and Term are the place of the command in the log; an Unknown that
	// never came so far has none.
	Index, Term uint64
}

// SnapshotRequest asks for a snapshot of all that the shell has applied of a
// shard; answered by SnapshotReady.
type SnapshotRequest struct {
	Shard uint32
	// Index is the least that the snapshot must contain.
	Index uint64
}

// SnapshotRead asks for a piece of a taken or installed snapshot; answered by
// SnapshotPart with the same Shard, Index, To and Offset.
type SnapshotRead struct {
	Shard  uint32
	Index  uint64
	To     uint64
	Offset uint64
	Max    int
}

// SnapshotDrop says that all snapshots of a shard below Index can be deleted.
type SnapshotDrop struct {
	Shard uint32
	Index uint64
}

// Row is the state of one shard for the slot table; of two rows the one with
// the higher epoch holds, and in one epoch the one with the higher Index.
type Row struct {
	Shard uint32
	// Epoch is the Raft term.
	Epoch uint64
	// Index is that of the configuration within the log.
	Index   uint64
	Primary uint64
	// Replicas are the voters, the primary among them, growing.
	Replicas []uint64
	// Learners are replicas that catch up, growing.
	Learners []uint64
}

// Failure is a replica that was stopped because its data contradicts its group.
type Failure struct {
	Shard uint32
	Err   error
}
