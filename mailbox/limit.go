package mailbox

import (
	"container/list"
	"context"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Policy says what becomes of a message for which a bounded mailbox has no room.
// Whatever is not delivered goes to the [Refuser] with ErrFull, unless its sender
// is told so.
type Policy uint8

const (
	// DropNewest refuses the message. PostWait does not tell.
	DropNewest Policy = iota
	// DropOldest gives up the message that has waited longest, to make room.
	DropOldest
	// Fail refuses the message, and PostWait returns ErrFull.
	Fail
	// BackPressure has PostWait wait for room, first come first served. What is
	// posted without waiting is refused.
	BackPressure
)

// String is the policy in words.
func (p Policy) String() string {
	switch p {
	case DropNewest:
		return "drop newest"
	case DropOldest:
		return "drop oldest"
	case Fail:
		return "fail"
	case BackPressure:
		return "back-pressure"
	}
	return "unknown policy"
}

// Waiter is a mailbox whose senders can learn that there is no room, and wait.
// Every mailbox of this package is one.
type Waiter interface {
	// PostWait is PostUserMessage that waits for room in a BackPressure mailbox.
	// Errors: ErrFull in a Fail mailbox, ErrClosed, ErrSelfSend, ctx's; then the
	// message was not taken, and nobody else hears of it. Of a batch, the members
	// before the one that failed were taken.
	PostWait(ctx context.Context, msg any) error
}

// Exempt is a message, or a message in an envelope, that no limit may cost: it
// enters a full mailbox and is not displaced. protoactor's PoisonPill is treated
// likewise, or a full mailbox could not be stopped.
type Exempt interface {
	// ExemptFromLimit does nothing but mark the type.
	ExemptFromLimit()
}

// limit is what makes a mailbox bounded. Its fields but runner are under Box.mu.
type limit struct {
	most    int32
	policy  Policy
	waiters list.List     // of *waiter: those for whom there was no room
	runner  atomic.Uint64 // the goroutine that runs the mailbox, 0 if none does
}

// waiter is a sender that waits for room.
type waiter struct {
	msg  any
	done chan error // gets one value: nil when the message was queued
}

// postStrict posts to a mailbox that may refuse. It is entered with mu held and
// leaves it free.
func (b *Box) postStrict(msg any) {
	if b.state&closed != 0 {
		b.mu.Unlock()
		b.refuse(msg, ErrClosed)
		return
	}
	if b.hasRoom(msg) {
		b.admit(msg)
		return
	}
	if b.wiring.limit.policy == DropOldest && !isExempt(b.user.peek()) {
		oldest := b.user.pop(b.wiring.chunks)
		b.admit(msg)
		b.refuse(oldest, errDisplaced)
		return
	}
	b.mu.Unlock()
	b.refuse(msg, ErrFull)
}

func (b *Box) hasRoom(msg any) bool { return b.user.n < b.wiring.limit.most || isExempt(msg) }

// admit queues a message and leaves mu.
func (b *Box) admit(msg any) {
	b.user.push(b.wiring.chunks, msg)
	b.unlock(b.state.is(0, suspended))
}

// PostWait: see [Waiter].
func (b *Box) PostWait(ctx context.Context, msg any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	batch, ok := batchOf(msg)
	if !ok {
		return b.postWait(ctx, msg)
	}
	for _, m := range flatten(nil, batch) {
		if err := b.postWait(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// PostWaitFrom is [Box.PostFrom] as PostWait.
func (b *Box) PostWaitFrom(ctx context.Context, msg any, from *pa.PID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.postWait(ctx, b.wiring.chunks.ask(msg, from))
}

func (b *Box) postWait(ctx context.Context, msg any) error {
	b.mu.Lock()
	l := b.wiring.limit
	switch {
	case b.state&closed != 0:
		b.mu.Unlock()
		return ErrClosed
	case l == nil || b.hasRoom(msg):
		b.admit(msg)
		return nil
	case l.policy == Fail:
		b.mu.Unlock()
		return ErrFull
	case l.policy == BackPressure:
		b.mu.Unlock()
		return b.waitForRoom(ctx, msg)
	}
	b.postStrict(msg)
	return nil
}

// waitForRoom is entered without mu, since it must first find out which goroutine
// this is, which takes a microsecond.
func (b *Box) waitForRoom(ctx context.Context, msg any) error {
	l, self := b.wiring.limit, goroutineID()
	b.mu.Lock()
	switch {
	case b.state&closed != 0:
		b.mu.Unlock()
		return ErrClosed
	case b.hasRoom(msg):
		b.admit(msg)
		return nil
	case l.runner.Load() == self:
		b.mu.Unlock()
		return ErrSelfSend
	}
	w := &waiter{msg: msg, done: make(chan error, 1)}
	place := l.waiters.PushBack(w)
	b.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return b.giveUp(place, w, ctx)
	}
}

// giveUp takes a waiter out, unless it was served meanwhile.
func (b *Box) giveUp(place *list.Element, w *waiter, ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	default:
		b.wiring.limit.waiters.Remove(place)
		return ctx.Err()
	}
}

// takeOne takes the oldest message and gives its room to whoever waited longest.
// It is called under mu. A limited mailbox takes messages singly, so that its
// limit is exact and the oldest is always at hand.
func (b *Box) takeOne() any {
	msg := b.user.pop(b.wiring.chunks)
	l := b.wiring.limit
	for l.waiters.Len() > 0 && b.user.n < l.most {
		w := l.waiters.Remove(l.waiters.Front()).(*waiter)
		b.user.push(b.wiring.chunks, w.msg)
		w.done <- nil
	}
	return msg
}

// enter notes which goroutine runs the mailbox, if anybody is ever to ask.
func (l *limit) enter(w *worker) {
	if l.policy == BackPressure {
		l.runner.Store(w.goroutine())
	}
}

// leave is the end of a turn.
func (l *limit) leave() {
	if l.policy == BackPressure {
		l.runner.Store(0)
	}
}

// abandon hands over all who wait.
func (l *limit) abandon() (all []*waiter) {
	if l == nil {
		return nil
	}
	for l.waiters.Len() > 0 {
		all = append(all, l.waiters.Remove(l.waiters.Front()).(*waiter))
	}
	return all
}
