// Package mailbox has the queues in front of actors and the dispatchers that
// run them. Both plug into protoactor-go through its own interfaces, so a plain
// protoactor actor can use them too:
//
//	pool := mailbox.NewPool(0, 0)
//	defer pool.Close()
//	props := actor.PropsFromFunc(receive,
//		actor.WithMailbox(mailbox.Bounded(1000, mailbox.DropOldest)),
//		actor.WithDispatcher(pool))
//
// An actor with a struct of its own can embed a mailbox by value:
//
//	type cell struct {
//		mailbox.Box
//		…
//	}
//	c.Init(c, pool) // the cell is the MessageInvoker; it may be a [Refuser] too
//	c.Start()
//
// The kinds are [Unbounded], [Bounded] with a [Policy], [StablePriority],
// [StablePriorityFunc] and [ControlAware]. A [Pool] runs mailboxes on a fixed set
// of workers, an [Inline] at once and without goroutines, for tests.
//
// # Order
//
// What one goroutine posts is received in the order in which it was posted; in a
// priority mailbox that holds among messages of one level. System messages
// overtake user messages. A protoactor MessageBatch is received as its members and
// never as itself, in one piece unless the mailbox is bounded or has an order.
//
// # Concurrency
//
// Any goroutine may post at any time after Init, even before Start; nothing runs
// before Start, so the first thing an actor sees is that it was started. A mailbox
// runs on one goroutine at a time. A panic of the actor is handed to protoactor's
// supervision and never leaves the mailbox, nor does runtime.Goexit. No lock is
// held while anything of the user's is called.
//
// A [Pool] never runs more than its workers, except that a worker which blocks in
// an actor is replaced after one to two milliseconds, so that blocking actors
// never starve the others; when it returns, there is one too many until somebody's
// turn ends. A pool has no ticker: with nothing to do it holds parked goroutines
// only, and is therefore at home in a testing/synctest bubble.
//
// # The end
//
// An actor that stops calls [Box.Close] and gets what is left. Where nobody does,
// as with protoactor's own actors, the mailbox goes on and hands what is left to
// the invoker, if it is not suspended.
//
// # Not promised
//
// An unbounded mailbox grows with what is posted to it. Order between different
// senders is arrival order. An actor that computes for long without returning
// counts as blocked. Two actors that wait for room in each other's full mailboxes
// wait until a context ends. A less that panics when a message is taken fails the
// actor again and again.
package mailbox
