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

// fault is the reason that protoactor carries to the supervising side.
type fault struct {
	Fault
	core *core
}

func (f *fault) Error() string { return f.Err.Error() }
func (f *fault) Unwrap() error { return f.Err }

// supervision is how one actor is supervised. It is used by the parent's
// goroutine and by the actor's own.
type supervision struct {
	policy Supervisor

	mu       sync.Mutex
	failures int
	last     time.Time   // when it was last started or restarted
	timer    *time.Timer // of a restart to come
	ended    bool        // the actor has stopped
	gaveUp   bool        // stopped because it failed
}

// count enters a failure.
func (v *supervision) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.last.IsZero() && time.Since(v.last) >= calm {
		v.failures = 0
	}
	v.failures++
	return v.failures
}

// started notes the time from which the actor must keep calm.
func (v *supervision) started() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = time.Now()
}

// restartAfter plans a restart, unless the actor has stopped meanwhile.
func (v *supervision) restartAfter(d time.Duration, restart func()) {
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
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
	if v.timer != nil {
		v.timer.Stop()
	}
}

func (v *supervision) giveUp() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gaveUp = true
}

func (v *supervision) hasGivenUp() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gaveUp
}

// supervise carries out what the child's supervisor decides; up makes the parent fail.
func (s *System) supervise(child *pa.PID, reason any, rs *pa.RestartStatistics, up func(error)) {
	f, ok := reason.(*fault)
	if !ok {
		s.supervisePlain(child, rs)
		return
	}
	v := &f.core.sup
	switch d := v.policy.Decide(f.Fault); d.action {
	case resume:
		s.sendSystem(child, &pa.ResumeMailbox{})
		s.send(child, &signal{run: f.core.resumed, gen: anyGen})
	case stop:
		v.giveUp()
		s.sendSystem(child, &pa.Stop{})
	case escalate:
		up(fmt.Errorf("child %s failed: %w", f.Ref, f.Err))
	default:
		v.restartAfter(d.after, func() { s.sendSystem(child, &pa.Restart{}) })
	}
}

// supervisePlain restarts a child that is a plain protoactor actor.
func (s *System) supervisePlain(child *pa.PID, rs *pa.RestartStatistics) {
	n := 1
	if rs != nil {
		if rs.NumberOfFailures(calm) == 0 || rs.FailureCount() > 100 {
			rs.Reset()
		}
		rs.Fail()
		n = rs.FailureCount()
	}
	time.AfterFunc(Backoff{}.pause(n), func() { s.sendSystem(child, &pa.Restart{}) })
}

// family is the protoactor strategy of a typed parent: each child is supervised
// by its own supervisor.
type family struct{ core *core }

// HandleFailure is called on the parent's goroutine.
func (f *family) HandleFailure(_ *pa.ActorSystem, _ pa.Supervisor, child *pa.PID, rs *pa.RestartStatistics, reason, _ any) {
	f.core.sys.supervise(child, reason, rs, func(err error) { f.core.fail(err, nil) })
}

// report logs a failure: with the stack for the first of its kind, by a count that
// doubles for those that follow.
func (c *core) report(f Fault) {
	kind := fmt.Sprintf("%T", f.Message)
	if c.poison == nil {
		c.poison = map[string]int{}
	}
	c.poison[kind]++
	n := c.poison[kind]
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
