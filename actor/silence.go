package actor

import (
	"fmt"
	"time"
)

// silence is since when nobody has sent anything to an actor. It is owned by the
// goroutine that runs the mailbox. A clock is read for actors with idle timers only.
type silence struct {
	watched bool
	since   time.Time
}

// broken notes that a message was handled.
func (s *silence) broken() {
	if s.watched {
		s.since = time.Now()
	}
}

// Idle handles m when for d nobody has sent anything to the actor, and again after
// each further d of silence. Messages of others break the silence when they have
// been handled; the actor's own timers, answers to AskThen and results of Go do not.
func (c *Context[M]) Idle(d time.Duration, m M) Timer {
	if d <= 0 {
		panic(fmt.Sprintf("actor: Idle(%v): the interval must be positive", d))
	}
	return c.cell.idle(d, m)
}

func (c *cell[M]) idle(d time.Duration, m M) Timer {
	t, set := c.newTimer(0), time.Now()
	sig := &signal{gen: c.gen, run: func() {
		if !t.due() {
			return
		}
		since := set
		if heard := c.x.silence.since; heard.After(since) {
			since = heard
		}
		if left := d - time.Since(since); left > 0 {
			t.again(left)
			return
		}
		set = time.Now()
		t.again(d)
		c.handleThen(m)
	}}
	t.post = func() { c.post(sig) }
	c.x.silence.watched = true
	t.start(d)
	return Timer{t}
}

// again sets the clock anew, unless the timer was stopped.
func (t *timer) again(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.clock.Reset(d)
	}
}
