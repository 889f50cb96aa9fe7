package actor

import (
	"sync"
	"time"
)

// Timer is a message to come. The zero Timer does nothing.
type Timer struct{ t *timer }

// Stop makes sure that the message does not come any more, not even if it is
// queued already. Any goroutine may call it; from another than the actor's, a
// message may be in hand at that moment.
func (t Timer) Stop() {
	if t.t != nil {
		t.t.stop()
	}
}

type timer struct {
	every time.Duration // 0 = once
	post  func()        // queues the message

	mu      sync.Mutex
	clock   *time.Timer
	queued  bool // the message waits in the mailbox
	stopped bool
}

func (t *timer) start(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock = time.AfterFunc(d, t.fire)
}

// fire is the clock's goroutine. A tick for which the last one still waits is
// left out, so that a slow actor is not buried in ticks.
func (t *timer) fire() {
	t.mu.Lock()
	post := !t.stopped && !t.queued
	t.queued = t.queued || post
	if t.every > 0 && !t.stopped {
		t.clock.Reset(t.every)
	}
	t.mu.Unlock()
	if post {
		t.post()
	}
}

func (t *timer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	t.clock.Stop()
}

// due is asked by the actor when the message's turn has come.
func (t *timer) due() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queued = false
	return !t.stopped
}

func (c *cell[M]) schedule(d, every time.Duration, m M) Timer {
	t := &timer{every: every}
	sig := &signal{gen: c.gen, run: func() {
		if every == 0 {
			delete(c.x.timers, t)
		}
		if t.due() {
			c.handleThen(m)
		}
	}}
	t.post = func() { c.post(sig) }
	x := c.extra()
	if x.timers == nil {
		x.timers = map[*timer]bool{}
	}
	x.timers[t] = true
	t.start(d)
	return Timer{t}
}
