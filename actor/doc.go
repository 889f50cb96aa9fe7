// Package actor has typed actors on protoactor-go, which is imported as pa here:
// refs, asks, supervision, timers and dead letters.
//
//	type Hello struct{ Name string }
//
//	sys, err := actor.NewSystem(actor.Config{})
//	if err != nil {
//		return err
//	}
//	defer sys.Close(ctx)
//	greeter, err := actor.Spawn(sys, "greeter", actor.Func(func(c *actor.Context[Hello], m Hello) error {
//		c.Reply("hello " + m.Name)
//		return nil
//	}))
//	if err != nil {
//		return err
//	}
//	answer, err := actor.Ask[string](ctx, greeter.With(Hello{"Ada"}))
//
// # Order and delivery
//
// A message is delivered at most once. What one sender sends to one receiver
// arrives in the order in which it was sent, on this node and on others. What
// cannot be delivered is a [DeadLetter] with its reason; if somebody asked, the
// [Ask] ends with that reason. Between different senders there is no order.
//
// # Concurrency
//
// An actor handles one message at a time. A [Ref], a [System], a [Replier] and a
// [Timer] may be used from any goroutine; a [Context] only during the call that
// it was passed to. An actor may block: another goroutine takes its place in the
// pool. Messages are not copied: who has sent one must not change it.
//
// # The untyped side
//
// [System.Proto] is the protoactor system, and both sides talk to each other: a
// Ref has a PID, [RefOf] makes a Ref of one, [Props] makes a typed actor for
// protoactor's Spawn, [CellProps] runs an untyped actor on the cell of this package
// in place of protoactor's context. A protoactor actor answers an Ask with Respond. Typed actors
// get the raw message, or a *pa.MessageEnvelope when somebody waits for an answer;
// a message of another type than theirs is a dead letter.
//
// # Not promised
//
// Ask does not tell whether a message that was not answered has been handled. A
// message lost in the instant in which the system closes leaves no dead letter.
// Names are not reserved: an actor may find another's former name free.
//
// # Around actors
//
// [Pool] and [Group] share messages out to many actors behind one ref, [Adapt]
// translates messages on their way, and package actortest tests actors without
// sleeping. docs/actors.md begins at the beginning.
//
// # Not yet
//
// Persistence, and metrics by kind.
package actor
