package actor

import (
	"math/rand/v2"
	"time"
)

// Supervisor says what becomes of an actor that failed. It serves any number of
// actors and goroutines at a time, so it keeps no state of its own.
type Supervisor interface {
	// Decide is called on a goroutine of the system and must not block.
	Decide(f Fault) Decision
}

// SupervisorFunc is a function as a Supervisor.
type SupervisorFunc func(Fault) Decision

// Decide calls f.
func (f SupervisorFunc) Decide(fault Fault) Decision { return f(fault) }

// Fault is a failure of an actor. A pointer to it is published on
// Proto().EventStream for each one.
type Fault struct {
	Ref     string // the actor
	Message any    // what it failed at; nil if that was no message
	Err     error  // what Receive returned, or what tells of the panic
	Stack   string // of a panic, else empty
	// Failures counts this one and those before it, back to the last time the
	// actor ran for ten seconds without failing.
	Failures int

	history []lapse // the last failures, this one included, oldest first
}

// lapse is the time from a restart to the failure that followed. The first one
// has no beginning.
type lapse struct{ begun, failed time.Time }

// Within counts the failures in the last d, this one included; at most 256.
func (f Fault) Within(d time.Duration) int {
	n := len(f.history)
	for i, l := range f.history {
		if f.history[n-1].failed.Sub(l.failed) < d {
			return n - i
		}
	}
	return 0
}

// Streak counts this failure and those before it, back to the last time the actor
// ran for as long as calm without failing; at most 256.
func (f Fault) Streak(calm time.Duration) (n int) {
	for i := len(f.history) - 1; i >= 0; i-- {
		n++
		if l := f.history[i]; l.begun.IsZero() || l.failed.Sub(l.begun) >= calm {
			break
		}
	}
	return n
}

// Decision is what a Supervisor decides: the result of Restart, Resume, StopIt or
// Escalate. The zero Decision is Restart(0).
type Decision struct {
	action action
	after  time.Duration
	all    bool
}

// ForAll extends Restart and StopIt to all children of the failed actor's parent.
// At the top, where actors have nothing to do with each other, it changes nothing.
func (d Decision) ForAll() Decision {
	d.all = true
	return d
}

type action uint8

const (
	restartIt action = iota
	resume
	stop
	escalate
)

// Restart replaces the behavior by a new one after a while. What arrives
// meanwhile waits; stashed messages come first; children are stopped.
func Restart(after time.Duration) Decision { return Decision{action: restartIt, after: after} }

// Resume goes on with the next message and the behavior as it is.
func Resume() Decision { return Decision{action: resume} }

// StopIt stops the actor.
func StopIt() Decision { return Decision{action: stop} }

// Escalate makes the parent fail in turn. Without a parent the actor is stopped.
func Escalate() Decision { return Decision{action: escalate} }

// Backoff restarts an actor, after a pause that doubles with each failure.
type Backoff struct {
	Min    time.Duration // first pause; 0 = 10 ms
	Max    time.Duration // longest pause; 0 = 10 s
	Jitter float64       // each pause is changed by up to this share of it; 0 = 0.2, negative = none
	// Reset is how long the actor must run without failing for its failures to be
	// forgotten; 0 = 10 s.
	Reset time.Duration
	// Limit is how many failures are forgiven; with one more the actor is stopped,
	// or Escalate says otherwise. 0 = no limit. At most 255 if Within or Reset is set.
	Limit int
	// Within is the window in which the Limit holds; 0 = since the last Reset.
	Within time.Duration
	// Escalate makes the parent fail beyond the limit, in place of a stop.
	Escalate bool
}

// Decide is Restart, or the end beyond the limit.
func (b Backoff) Decide(f Fault) Decision {
	row := f.Failures
	if b.Reset > 0 {
		row = f.Streak(b.Reset)
	}
	counted := row
	if b.Within > 0 {
		counted = f.Within(b.Within)
	}
	switch {
	case b.Limit <= 0 || counted <= b.Limit:
		return Restart(b.pause(row))
	case b.Escalate:
		return Escalate()
	}
	return StopIt()
}

// AllForOne extends what s decides on one child to all children of the same
// parent: for children that cannot do without each other. Each of them needs it.
func AllForOne(s Supervisor) Supervisor {
	return SupervisorFunc(func(f Fault) Decision { return s.Decide(f).ForAll() })
}

func (b Backoff) pause(failures int) time.Duration {
	low, high, jitter := b.Min, b.Max, b.Jitter
	if low <= 0 {
		low = 10 * time.Millisecond
	}
	if high <= 0 {
		high = 10 * time.Second
	}
	if jitter == 0 {
		jitter = 0.2
	}
	d := low
	for i := 1; i < failures && d < high; i++ {
		d *= 2
	}
	d = min(d, high)
	if jitter > 0 {
		d += time.Duration(float64(d) * min(jitter, 1) * (2*rand.Float64() - 1))
	}
	return d
}
