// Package slots places keys: a key has one of 16384 slots, and a slot has one
// winner among a set of nodes. It is pure: functions of their arguments alone,
// so that every node comes to the same answer without asking.
//
// [Of] is Redis Cluster's function, hash tags included: keys that share the
// text between the first "{" and the next "}" share a slot. [Assign] gives
// each slot to the node with the highest hash of (node, slot), called
// rendezvous or highest-random-weight hashing: when a node comes, slots move to
// it and nowhere else, and when it goes, its slots alone move.
//
//	where := slots.Assign([]string{"10.0.0.1:7001", "10.0.0.2:7001"})
//	address, ok := where.Winner(slots.Of("{user1000}.cart"))
//
// [Set] is a set of slots that fits in a message.
//
// Values of this package are not safe for concurrent change; an [Assignment]
// never changes and may be shared.
//
// # Not promised
//
// Balance is that of a hash: with few nodes a node's share is within a few per
// cent of even. The planner, which balances within one slot, is not yet here.
package slots
