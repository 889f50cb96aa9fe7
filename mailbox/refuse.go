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

// protoContext is what refuse needs of protoactor's context.
type protoContext interface {
	ActorSystem() *pa.ActorSystem
	Self() *pa.PID
}

// refuse hands on a message that is not taken.
func (b *Box) refuse(msg any, reason error) {
	switch inv := b.invoker.(type) {
	case Refuser:
		inv.Refuse(whole(msg), reason)
	case protoContext:
		sys := inv.ActorSystem()
		sys.DeadLetter.SendUserMessage(inv.Self(), whole(msg))
	}
}

// isExempt tells what no limit may cost.
func isExempt(msg any) bool {
	switch bare(msg).(type) {
	case *pa.PoisonPill, Exempt:
		return true
	}
	return false
}
