// Package downing says which side of a cut cluster lives and when the members
// that are unreachable are removed.
//
// A [Strategy] is a quorum system over the voters of the last decided view. A
// side that holds a quorum may decide the next view without the others; a side
// that holds none waits. Since any two quorums share a voter, never both sides
// go on.
//
//	strategy, err := downing.Parse("static-quorum:3")
//	if strategy.Quorum(view, reachable) {
//		// this side goes on
//	}
//
// [Timers] keeps a timer per unreachable member: downing waits until the
// picture has been stable for a while. [Cover] says who would have to go where links
// broke between members that others still reach.
//
// Everything here is a pure function of its arguments or, like Timers, a plain
// value for one goroutine.
//
// Not promised: that any side lives. A cut into three parts can leave all
// below a quorum, and so can the loss of the one node that keep-oldest or
// keep-referee builds on. Such sides wait, paused, for the heal or for an
// operator.
package downing
