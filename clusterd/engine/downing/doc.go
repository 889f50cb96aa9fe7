// Package downing says which side of a cut cluster lives and when the members
// that are unreachable are removed.
//
// A [Strategy] is a quorum system over the voters of the last decided view. A
// side that holds a quorum may decide the next view without the others; a side
// that holds none waits. Since any two quorums share a voter, never both sides
// go on.
//
// [Timers] keeps a timer per unreachable member: downing waits until the
// picture has been stable for a while.
//
// Everything here is a pure function of its arguments or, like Timers, a plain
// value for one goroutine.
//
// Not yet: static-quorum, keep-oldest, keep-referee, down-all, lease-majority.
package downing
