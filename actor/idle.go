package actor

import (
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// idleTimer measures how long an actor has heard nothing. A message costs it a
// look at the clock; the timer itself is not touched before it fires.
type idleTimer struct {
	core  *core
	after time.Duration
	fire  func() // in the actor
	last  time.Time
	clock *time.Timer
	gone  bool
}

// newIdleTimer delivers *pa.ReceiveTimeout after each d of silence.
func newIdleTimer(c *core, d time.Duration) *idleTimer {
	return startIdle(c, d, func() {
		c.user, c.msg = true, receiveTimeout
		c.dispatch()
		c.user = false
		c.drop()
	})
}

var receiveTimeout = &pa.ReceiveTimeout{}

func startIdle(c *core, d time.Duration, fire func()) *idleTimer {
	t := &idleTimer{core: c, after: d, fire: fire, last: time.Now()}
	due := &signal{gen: anyGen, run: t.due}
	t.clock = time.AfterFunc(d, func() { c.post(due) })
	return t
}

// touch notes a sign of life.
func (t *idleTimer) touch(msg any) {
	if _, ok := msg.(pa.NotInfluenceReceiveTimeout); !ok {
		t.last = time.Now()
	}
}

// due runs in the actor when the clock has rung, which may be too early.
func (t *idleTimer) due() {
	if t.gone {
		return
	}
	if left := t.after - time.Since(t.last); left > 0 {
		t.clock.Reset(left)
		return
	}
	t.last = time.Now()
	t.clock.Reset(t.after)
	t.fire()
}

// stop ends it; what is queued already does nothing.
func (t *idleTimer) stop() {
	if t != nil {
		t.gone = true
		t.clock.Stop()
	}
}
