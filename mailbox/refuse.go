package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// Refuser is a MessageInvoker that hears of what its mailbox does not take. The
// one who owns dead letters implements it. Without it, the invoker being
// protoactor's own context, the message becomes one of protoactor's dead letters.
type Refuser interface {
	// Refuse is called on the sender's goroutine, at any time, without a lock. The
	// reason matches ErrFull or ErrClosed. It must not block.
	Refuse(msg any, reason error)
}

// Answerer is a MessageInvoker to which messages that were posted with who waits
// for an answer come without an envelope, and so without an allocation.
type Answerer interface {
	// InvokeFrom is InvokeUserMessage of an envelope with msg and from.
	InvokeFrom(msg any, from *pa.PID)
}

// protoContext is what refuse needs of protoactor's context.
type protoContext interface {
	ActorSystem() *pa.ActorSystem
	Self() *pa.PID
}

// refuse hands on a message that is not taken.
func (b *Box) refuse(m letter, reason error) {
	switch inv := b.invoker.(type) {
	case Refuser:
		inv.Refuse(m.whole(), reason)
	case protoContext:
		sys := inv.ActorSystem()
		sys.DeadLetter.SendUserMessage(inv.Self(), m.whole())
	}
}

// isExempt tells what no limit may cost.
func isExempt(m letter) bool {
	switch bare(m.msg).(type) {
	case *pa.PoisonPill, Exempt:
		return true
	}
	return false
}
