// Package groups holds the replica groups of durable shards: all shard replicas
// of one node as one pure state machine. Each shard is a Raft group of its own
// (go.etcd.io/raft, its RawNode without ticks); what the groups of a node have
// in common is done once: one heartbeat per pair of nodes, one durable batch
// for all that is written at a moment, one packet per peer.
//
// A shell, with one goroutine, does this (the example of [Machine] compiles):
//
//   - [Machine.Step] for each input: a packet, a proposal, the report that a
//     batch is durable; [Machine.Tick] when [Ready.Wake] has come;
//   - then [Machine.Ready], and what it asks for: send Packets, store Writes as
//     one batch and report it with [Persisted], apply Installs and Applies, see
//     Roles and Acks, take and read snapshots.
//
// docs/durable.md draws the protocol: elections by log position with votes that
// are stored first, changes of one replica at a time, the primary's lease, moves.
//
// # What is promised
//
// A proposal gets exactly one Ack. At Quorum, Done means that the command is
// durable on a majority of the present configuration's voters and is never
// lost as long as a majority of each configuration keeps its disks. Applies are
// the same sequence on every replica. [Machine.CanServe] is true at one node at
// most, for one shard and moment, as long as clocks err by no more than
// Timing.Drift. None of it depends on the plan: that proposes only.
//
// # What is not
//
// An Unknown tells neither that the command is lost nor that it is not. Reads
// are the shell's: at the primary, under CanServe. A restart forgets who holds
// a lease, so that it costs one Timing.Guard. Members that are lost for good
// are replaced only while a majority of their group lives.
//
// # Concurrency
//
// A Machine has one owner and starts nothing. It is a function of its inputs,
// their times and Config.Seed: the same inputs give the same outputs.
package groups
