// Package member holds what a cluster knows of its members: nodes and their
// incarnations, statuses, the cluster's identity, the facts that travel by
// gossip ([Record]) and the views that are decided ([View]).
//
// Facts merge in any order and any number of times with the same result, so
// they may be lost, repeated and reordered on their way:
//
//	r := member.Merge(mine, theirs) // commutes, associates, is idempotent
//
// Views do not merge. View k+1 follows view k by the acknowledgement of a
// quorum of k's voters; see package engine.
//
// All values are immutable once they are published: share the pointers, never
// write through them. Everything is safe for concurrent reading.
//
// The package is pure and imports the standard library only.
package member
