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
	of    *timers
	every time.Duration // 0 = once
	post  func()        // queues the message

	mu      sync.Mutex
	clock   *time.Timer
	queued  bool // the message waits in the mailbox
	stopped bool
}

// timers are those of one behavior that may still ring.
type timers struct {
	mu   sync.Mutex
	live map[*timer]struct{}
}

func (s *timers) add(t *timer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[t] = struct{}{}
}

func (s *timers) drop(t *timer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, t)
}

// stop is the end of the behavior.
func (s *timers) stop() {
	if s == nil {
		return
	}
	s.mu.Lock()
	all := s.live
	s.live = nil
	s.mu.Unlock()
	for t := range all { // order: each is stopped alike
		t.halt()
	}
}

// newTimer makes one of the behavior's.
func (c *core) newTimer(every time.Duration) *timer {
	x := c.extra()
	if x.timers == nil {
		x.timers = &timers{live: map[*timer]struct{}{}}
	}
	t := &timer{of: x.timers, every: every}
	t.of.add(t)
	return t
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

// stop also forgets it: an actor that sets a timer for each message, and stops
// most of them, must not keep them all.
func (t *timer) stop() {
	t.halt()
	t.of.drop(t)
}

func (t *timer) halt() {
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
	t := c.newTimer(every)
	sig := &signal{gen: c.gen, run: func() {
		if every == 0 {
			t.of.drop(t)
		}
		if t.due() {
			c.handleThen(m)
		}
	}}
	t.post = func() { c.post(sig) }
	t.start(d)
	return Timer{t}
}
