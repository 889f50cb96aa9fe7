// Package mailbox has the queues in front of actors and the dispatchers that
// run them. Both plug into protoactor-go through its own interfaces, so a plain
// protoactor actor can use them too:
//
//	pool := mailbox.NewPool(0, 0)
//	defer pool.Close()
//	props := actor.PropsFromFunc(receive,
//		actor.WithMailbox(mailbox.Unbounded()),
//		actor.WithDispatcher(pool))
//
// # Order
//
// What one goroutine posts is received in the order in which it was posted.
// System messages overtake user messages. A protoactor MessageBatch is received
// as its members, in one piece, and never as itself.
//
// # Concurrency
//
// Any goroutine may post at any time, even before Start; nothing runs before
// Start, so the first thing an actor sees is that it was started. A mailbox runs
// on one goroutine at a time. A panic of the actor is handed to protoactor's
// supervision and never leaves the mailbox, nor does runtime.Goexit.
//
// A [Pool] never runs more than its workers, except that a worker which blocks in
// an actor is replaced after about a millisecond, so that blocking actors never
// starve the others. It has no ticker: a pool with nothing to do holds parked
// goroutines only, and is therefore at home in a testing/synctest bubble.
//
// # Not promised
//
// An unbounded mailbox grows with what is posted to it. Order between different
// senders is arrival order. An actor that computes for long without returning
// counts as blocked.
//
// # Not yet
//
// Bounded, priority and control-aware mailboxes; run queues per worker with
// stealing.
package mailbox
