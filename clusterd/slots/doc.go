// Package slots places keys: a key has one of 16384 slots, and a slot has a
// place among a set of nodes. It is pure: functions of their arguments alone.
//
// [Of] is Redis Cluster's function, hash tags included: keys that share the
// text between the first "{" and the next "}" share a slot.
//
// [Planner] decides which nodes hold which slots, or which shards of
// neighbouring slots: evenly to within one, by weight, copies on different
// nodes and in different zones, and with as little to move from what is there
// now as can be.
//
//	next := slots.Planner{Copies: 3}.Plan(current, members)
//
// [Table] is what a node knows of the outcome: for each shard its epoch, its
// primary and its replicas. Tables merge by the highest epoch, compare by a
// digest of 512 bytes and exchange what differs.
//
//	table := slots.NewTable(256)
//	table.Merge(rows...)
//	primary := table.Lookup(slots.Of("{user1000}.cart")).Primary
//
// [Placement] is the interface behind which this and other ways to place keys,
// such as a ring of tokens, look alike. [Set] is a set of slots that fits in a
// message.
//
// Values of this package are not safe for concurrent change; a [Placed] never
// changes and may be shared.
//
// # Not promised
//
// [Planner] moves the least possible for single copies. For more than one copy
// it moves what histories of random joins and departures show to be within 2 %
// of a lower bound; with zones of different sizes the spread over zones comes
// before balance.
package slots
