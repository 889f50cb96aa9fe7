// Package reliable delivers messages at least once between two actors on any nodes,
// with flow control, and survives broken connections and the restart of either side.
//
// A message that an actor tells another is delivered at most once: what is under way
// when a node dies is lost. A [Producer] keeps each message until its consumer has
// confirmed it, and repeats it until then:
//
//	ledger, err := actor.Spawn(sys, "ledger", reliable.Consumer(reliable.Func(
//		func(c *reliable.Context, m *shoppb.Payment) error {
//			return book(m) // nil confirms
//		}), reliable.ConsumerConfig{}))
//	...
//	payments, err := reliable.NewProducer[*shoppb.Payment](sys, "shop", ledger, reliable.Config{})
//	...
//	err = payments.Send(ctx, &shoppb.Payment{Cents: 1250}) // waits while the ledger is behind
//
// The two sides may live on different nodes; the ledger's ref is then the one of its
// name, by actor.ParseRef. [NewPool] sends each message to one of many workers, which
// pull. docs/delivery.md draws the protocol.
//
// # What is promised
//
//   - A message for which Send returned nil is handled at least once, if its queue
//     lives and a consumer bears the name again and again.
//   - As long as the consumer's actor lives, it is given each message of a producer
//     once, in the order of sending. After it has restarted, what it had not
//     confirmed is delivered again, in that order.
//   - At most Config.Buffer messages wait at the producer, at most
//     ConsumerConfig.Window of them are under way or in the consumer's hands.
//
// # Concurrency
//
// A Producer and a [Confirmation] may be used from any goroutine; a [Context] during
// the call that it is passed to. Handlers and queues are called by one goroutine at
// a time. The package starts no goroutines: producers and consumers are actors.
//
// # Not promised
//
// Exactly once: a consumer that dies between doing and confirming does it again, and
// so does another worker. Order between workers. Survival of the producer's process,
// unless its [Queue] is one that does. Two producers with one id at one consumer
// confuse it. Who sends letters is not proven beyond what the transport proves: a
// node that is let in may confirm or send in the name of another.
package reliable
