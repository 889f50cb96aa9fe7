package actor

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// calm is how long an actor must run without failing to be as good as new.
const calm = 10 * time.Second

// maxHistory is how many failures of an actor are remembered one by one.
const maxHistory = 256

// panicError is a panic that was caught.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

// Unwrap shows what an asker is told.
func (e *panicError) Unwrap() error { return &Failure{Code: "panic", Text: e.Error()} }

// catch is deferred around calls of the user's code.
func catch(err *error) {
	if r := recover(); r != nil {
		*err = &panicError{value: r, stack: debug.Stack()}
	}
}

// fault is a failure of a typed actor as a protoactor parent gets to see it.
type fault struct{ Fault }

func (f *fault) Error() string { return f.Err.Error() }
func (f *fault) Unwrap() error { return f.Err }

// supervision is how one actor is supervised. It is used by the parent's
// goroutine and by the actor's own. A nil one is that of an actor that never failed.
type supervision struct {
	mu     sync.Mutex
	last   Fault
	begun  time.Time   // when it was last restarted
	timer  *time.Timer // of a restart to come
	ended  bool        // the actor has stopped
	gaveUp bool        // stopped because it failed
}

// enter counts a failure and completes what is known of it.
func (v *supervision) enter(f Fault) Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if v.begun.IsZero() || now.Sub(v.begun) < calm {
		f.Failures = v.last.Failures + 1
	} else {
		f.Failures = 1
	}
	f.history = append(v.last.history, lapse{v.begun, now})
	if n := len(f.history) - maxHistory; n > 0 {
		f.history = append([]lapse(nil), f.history[n:]...)
	}
	v.last = f
	return f
}

func (v *supervision) fault() Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// started notes the time from which the actor must keep calm.
func (v *supervision) started() {
	if v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.begun = time.Now()
	}
}

// after plans a restart, unless the actor has stopped meanwhile.
func (v *supervision) after(d time.Duration, restart func()) {
	if d <= 0 {
		restart()
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ended {
		v.timer = time.AfterFunc(d, restart)
	}
}

func (v *supervision) end() {
	if v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.ended = true
		if v.timer != nil {
			v.timer.Stop()
		}
	}
}

func (v *supervision) giveUp() {
	if v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.gaveUp = true
	}
}

func (v *supervision) hasGivenUp() bool {
	if v == nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gaveUp
}

// fail hands a failure to the supervising side. reason is what a protoactor
// strategy gets, nil for a *fault; msg is what the actor failed at.
func (c *core) fail(err error, reason, msg any) {
	if c.phase != running {
		c.sys.log.Error("actor failed while stopping", "actor", c.sys.format(c.self()), "err", err)
		return
	}
	if c.sup == nil {
		c.sup = &supervision{}
	}
	f := Fault{Ref: c.sys.format(c.self()), Message: msg, Err: err}
	if p, ok := err.(*panicError); ok {
		f.Stack = string(p.stack)
	}
	f = c.sup.enter(f)
	c.report(f)
	c.sys.announce(&f)
	if c.failed {
		return // a decision is on its way
	}
	x := c.extra()
	c.failed, x.cause = true, err
	c.postSystem(suspendMessage)
	c.escalate(x, f, reason, msg)
}

func (c *core) escalate(x *extra, f Fault, reason, msg any) {
	if x.rs == nil || x.rs.FailureCount() > maxHistory {
		x.rs = pa.NewRestartStatistics()
	}
	if reason == nil {
		reason = &fault{f}
	}
	c.sys.sendSystem(c.parent, &pa.Failure{Who: c.self(), Reason: reason, RestartStats: x.rs, Message: msg})
}

// childFailed leaves the decision to the strategy that the actor was given, or
// is; else to the child's own supervisor.
func (c *core) childFailed(m *pa.Failure) {
	strategy := c.plan.children
	if s, ok := c.h.actor().(pa.SupervisorStrategy); ok {
		strategy = s
	}
	if strategy != nil {
		strategy.HandleFailure(c.sys.proto, c, m.Who, m.RestartStats, m.Reason, m.Message)
		return
	}
	c.sys.supervise(c, m, func(err error) {
		x := c.extra()
		x.pending = append(x.pending, m.Who)
		c.fail(err, nil, nil)
	})
}

// supervise carries out what the child's supervisor decides; up makes the parent
// fail. parent is nil at the top.
func (s *System) supervise(parent *core, m *pa.Failure, up func(error)) {
	child := s.coreOf(m.Who)
	if child == nil {
		s.supervisePlain(m.Who, m.RestartStats)
		return
	}
	f := child.sup.fault()
	d := child.plan.supervisor.Decide(f)
	all := []*pa.PID{m.Who}
	if d.all && parent != nil {
		all = parent.Children()
	}
	switch d.action {
	case resume:
		s.sendSystem(m.Who, resumeMessage)
	case stop:
		child.sup.giveUp()
		s.sendAll(all, stopMessage)
	case escalate:
		up(fmt.Errorf("child %s failed: %w", f.Ref, f.Err))
	default:
		child.sup.after(d.after, func() { s.sendAll(all, restartMessage) })
	}
}

// supervisePlain restarts a child that runs under protoactor's own context.
func (s *System) supervisePlain(child *pa.PID, rs *pa.RestartStatistics) {
	n := 1
	if rs != nil {
		if rs.NumberOfFailures(calm) == 0 || rs.FailureCount() > 100 {
			rs.Reset()
		}
		rs.Fail()
		n = rs.FailureCount()
	}
	time.AfterFunc(Backoff{}.pause(n), func() { s.sendSystem(child, restartMessage) })
}

// report logs a failure: with the stack for the first of its kind, by a count that
// doubles for those that follow.
func (c *core) report(f Fault) {
	kind, x := fmt.Sprintf("%T", f.Message), c.extra()
	if x.poison == nil {
		x.poison = map[string]int{}
	}
	x.poison[kind]++
	n := x.poison[kind]
	if n&(n-1) != 0 {
		return
	}
	attrs := []any{slog.String("actor", f.Ref), slog.String("message", kind), slog.Any("err", f.Err)}
	if n > 1 {
		c.sys.log.Warn("actor keeps failing", append(attrs, slog.Int("times", n))...)
		return
	}
	if f.Stack != "" {
		attrs = append(attrs, slog.String("stack", f.Stack))
	}
	c.sys.log.Error("actor failed", attrs...)
}
