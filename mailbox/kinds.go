package mailbox

import (
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Producer makes one mailbox for one actor. There is no way to give an actor a
// mailbox that exists already, so two can never share one.
type Producer = pa.MailboxProducer

// produce makes the producer of a kind. own is called for each mailbox and adds
// what that one has alone; nil for a plain kind.
func produce(own func(*wiring)) Producer {
	c := new(chunks)
	if own == nil {
		plain := &wiring{chunks: c}
		return func() pa.Mailbox { return produced(plain) }
	}
	return func() pa.Mailbox {
		w := &wiring{chunks: c}
		own(w)
		return produced(w)
	}
}

func produced(w *wiring) *Box { return &(&alone{Box: Box{wiring: w}}).Box }

// Unbounded makes FIFO mailboxes without a limit. An idle one owns no buffer.
func Unbounded() Producer { return produce(nil) }

// Bounded makes FIFO mailboxes in which at most n messages wait, not counting the
// one in hand; less than 1 means 1. What becomes of more is p's affair. System
// messages, and those that are [Exempt], do not mind the limit.
func Bounded(n int, p Policy) Producer {
	most := int32(min(max(1, n), 1<<30))
	return produce(func(w *wiring) { w.limit = &limit{most: most, policy: p} })
}

// StablePriority makes mailboxes that hand out, of what waits, the message of the
// lowest level, and within a level the one that came first. level gives a message,
// without its envelope, a level from 0, the most urgent, to levels-1; what is
// beyond counts as the nearest. It is called on the actor's goroutine, once a
// message or not at all, and fails the actor if it panics.
func StablePriority(levelCount int, level func(msg any) int) Producer {
	return produce(func(w *wiring) {
		w.order = &levels{wiring: w, rank: level, queues: make([]fifo, max(1, levelCount))}
	})
}

// StablePriorityFunc is StablePriority with more levels than can be counted: less
// tells whether a must be handled before b, and must be a strict weak order. Taking
// a message costs about 2·log₂ n calls when n wait.
func StablePriorityFunc(less func(a, b any) bool) Producer {
	cache := new(sync.Pool)
	return produce(func(w *wiring) { w.order = &heap{less: less, cache: cache} })
}

// Control is a message that overtakes all others in a ControlAware mailbox.
type Control interface {
	// ControlMessage does nothing but mark the type.
	ControlMessage()
}

// ControlAware makes mailboxes in which control messages overtake the others and
// keep their order among themselves. isControl tells them; nil means those that
// are [Control]. It is called as a level of [StablePriority] is.
func ControlAware(isControl func(msg any) bool) Producer {
	if isControl == nil {
		isControl = func(msg any) bool { _, ok := msg.(Control); return ok }
	}
	return StablePriority(2, func(msg any) int {
		if isControl(msg) {
			return 0
		}
		return 1
	})
}
