// Package reach says who is reachable. Each node accuses those it monitors and
// has no answer from; its accusations are a [Row] that it alone writes and that
// travels as a fact. A member is unreachable when enough members accuse it:
//
//	count := reach.Count(rows, counts)
//	unreachable := count[subject] >= reach.Needed(heard)
//
// so one bad link never makes anybody unreachable, and silence is never a vote
// of health: a node cut off alone needs nobody else to see that all are gone.
//
// [Ring] says whom a node monitors.
//
// Everything here is a pure function of its arguments.
//
// What makes a node accuse is package phi's, and that helpers do not reach the
// subject either: then the observer would list it in [Row.Around] instead, as
// somebody who lives behind a broken link.
package reach
