package mailbox

import pa "github.com/asynkron/protoactor-go/actor"

// run works for one turn of the dispatcher. What is left then waits behind the
// other mailboxes, which is what makes the throughput limit fair.
func (b *Box) run(w *worker) {
	var current any // what a panic is blamed on
	more, returned := true, false
	b.enter(w)
	defer func() {
		if !returned {
			b.escalate(recover(), current)
		}
		if more {
			b.leave()
			b.wiring.to.schedule(b, b.lane, true)
		}
	}()
	more = b.turn(max(1, b.wiring.to.Throughput()), &current)
	returned = true
}

// enter notes where the mailbox runs.
func (b *Box) enter(w *worker) {
	if w != nil && w.lane != 0 && w.lane != b.lane {
		b.lane = w.lane
	}
	if b.state&limited != 0 {
		b.wiring.limit.enter(w)
	}
}

// leave is the end of a turn, while the mailbox is still this runner's.
func (b *Box) leave() {
	b.tell()
	if b.state&limited != 0 {
		b.wiring.limit.leave()
	}
}

// escalate hands a failure to the supervision. If that panics in its turn, there
// is nobody left to tell, and the actor goes on with its next message.
func (b *Box) escalate(reason, msg any) {
	defer func() { _ = recover() }()
	if reason == nil {
		reason = ErrGoexit
	}
	b.invoker.EscalateFailure(reason, msg)
}

// turn handles up to limit messages and tells whether there may be more.
func (b *Box) turn(limit int, current *any) (more bool) {
	for limit > 0 {
		if b.urgent.Load() {
			b.invokeSystem(current)
			limit--
			continue
		}
		var msg any
		if b.out != nil && !b.apart {
			msg = b.popOut()
		} else {
			var found finding
			if msg, found = b.next(current); found == idle {
				return false
			} else if found == again {
				continue
			}
		}
		limit--
		*current = msg
		if a, ok := msg.(*asked); ok {
			b.invokeAsked(a, current)
		} else {
			b.invoker.InvokeUserMessage(msg)
		}
	}
	return true
}

// finding is what the runner came upon.
type finding uint8

const (
	idle    finding = iota // nothing; the mailbox is not scheduled any more
	message                // a user message
	again                  // a system message has come: look again
)

// next finds the runner's next user message when out has none.
func (b *Box) next(current *any) (any, finding) {
	if b.state&ordered != 0 {
		return b.nextOrdered(current)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if found := b.look(b.user.n > 0); found != message {
		return nil, found
	}
	if b.state&limited != 0 {
		return b.takeOne(), message
	}
	return b.takeAll(), message
}

// look tells what there is to do; if nothing, the mailbox is idle from then on.
// It is called under mu.
func (b *Box) look(some bool) finding {
	switch {
	case b.system.tail != nil:
		return again
	case some && b.state.is(0, suspended):
		return message
	}
	b.leave()
	b.state &^= scheduled
	return idle
}

// takeAll makes all waiting messages the runner's own, and returns the oldest. An
// unlimited queue is never popped but here, so its oldest message is in first.
func (b *Box) takeAll() any {
	msg := b.user.first
	if b.user.n > 1 {
		b.left.Add(b.user.n - 1)
		b.out = b.user.chain.take()
	}
	b.user = fifo{}
	return msg
}

// popOut takes the oldest message of those that the runner took.
func (b *Box) popOut() any {
	k := b.out
	msg := k.pop()
	if k.r == k.w {
		b.recycle(k)
	}
	return msg
}

// recycle gives up the first chunk of out, which is empty.
func (b *Box) recycle(k *chunk) {
	b.tell()
	b.out = k.next
	b.wiring.chunks.put(k)
}

// tell brings left up to date, which for speed is not done message by message.
func (b *Box) tell() {
	if k := b.out; k != nil && k.told != k.r {
		b.left.Add(int32(k.told) - int32(k.r))
		k.told = k.r
	}
}

func (b *Box) invokeSystem(current *any) {
	b.mu.Lock()
	msg := b.system.pop(b.wiring.chunks)
	if b.system.tail == nil {
		b.urgent.Store(false)
	}
	switch msg.(type) {
	case *pa.SuspendMailbox:
		b.state |= suspended
		b.apart = true
		b.mu.Unlock()
	case *pa.ResumeMailbox:
		b.state &^= suspended
		b.apart = b.state&ordered != 0
		b.mu.Unlock()
	default:
		b.mu.Unlock()
		*current = msg
		b.invoker.InvokeSystemMessage(msg)
	}
}
