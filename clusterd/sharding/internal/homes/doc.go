// Package homes decides where a slot of a kind may run. It is a pure state
// machine, one a node: [Machine.Step] takes an input, [Machine.Tick] tells that
// time has passed, [Machine.Ready] hands over what there is to send and to do.
//
// The right to run a slot is a token (kind, slot, epoch). It is nobody's own
// conclusion: a node has a token because the issuer issued it or because its
// former holder handed it over.
//
//   - Plan: the issuer of a view tells each member which slots it ought to have.
//     A holder that its plan does not name stops what runs and hands over, a few
//     slots at a time. Without a plan of the active view it keeps what it has.
//   - Hand-over: [Part] carries the token and its cargo until [Got]; until then
//     the sender keeps the token in transit, runs nothing and takes it back
//     only when a view without the receiver is active. [Done] tells the
//     receiver that the sender has let go; before it, the receiver runs the
//     slot but does not hand it on, so that a token is in the custody of two
//     neighbours at most and both know it.
//   - Issue: one node of each view, its [View.Issuer], asks all members that
//     host anything what they hold ([Census], [Claims]). When all have answered
//     for that very view, it makes the plan ([Plan]), and what nobody claims is
//     issued to its owners ([Issue]) with an epoch above all earlier ones.
//   - Table: every node, host or not, knows for each slot a place and an epoch.
//     The higher epoch is newer ([Learn]). Tables only say where to send.
//
// # Why there is one token
//
// A message from a newer view than the receiver's waits until the receiver has
// that view, and a claim for view v names whatever was in custody at any time
// since the node entered v. Suppose nobody claims a token for v that a member
// has. Then one custodian let it go before it entered v, and the next took it
// after it answered for v; so the acknowledgement that made the first let go
// came from a node in v or later, and the first processed it before it was in
// v: it cannot have. A custodian removed in v cannot hand over any more, since
// each member of v refuses what comes from it.
//
// The machine holds no lock, clock or channel. One goroutine calls it.
package homes
