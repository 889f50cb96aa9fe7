// Package engine is the pure membership core of one node: who is a member, who
// leads, who is reachable, which view is decided and which is active.
//
// An [Engine] is a function of its state, the input and now. Its caller owns
// the clock, the network and the goroutine:
//
//	e, err := engine.New(engine.Config{Self: self, Rand: rng})
//	err = e.Step(now, engine.Found{ID: id}) // or Expect, then a peer's Welcome
//	for {
//		rd := e.Ready()
//		// send rd.Messages, publish rd.Events, arm a timer for rd.Wake
//		// then wait for the next input, or the timer:
//		err = e.Step(now, input) // refused inputs change nothing
//		e.Tick(now)
//	}
//
// # What is decided, what is told
//
// Facts travel by gossip and merge in any order: who is joining, who wants to
// leave or is wanted out, who accuses whom. What is decided is a chain of
// numbered views. The leader, whom each node derives by itself, proposes the
// next one; it is decided by the acknowledgements of a quorum of the last
// view's voters and active when all its own voters know it. Members become Up,
// Leaving, Exiting and Removed in a view and nowhere else; events tell of
// active views. docs/membership.md has the states, the messages and the rules.
//
// # The lease
//
// What must run once in the cluster runs under a [Lease], which is made of a
// quorum's heartbeats. Check it against the real clock before each such step,
// and publish [Ready].Lease before sending [Ready].Messages:
//
//	if !lease.Valid(time.Now()) { /* pause until LeaseBack */ }
//
// # Concurrency
//
// An Engine is owned by one goroutine; it starts none and holds no lock. What
// it hands out (messages, events, snapshots, inspections) is immutable and may
// be shared with anybody. The same inputs in the same order give the same
// outputs to the byte.
//
// # Not promised
//
// Messages may be lost, repeated, late and out of order. SendFailed is a hint.
// Events tell of states: a member that went through two statuses between two
// calls of Ready may be told of once. A node that was cut off until nobody that
// it knows is a member any more learns nothing from its engine; its join
// machine asks the seeds.
package engine
