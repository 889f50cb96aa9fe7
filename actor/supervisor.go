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
}

// Decision is what a Supervisor decides: the result of Restart, Resume, StopIt or
// Escalate. The zero Decision is Restart(0).
type Decision struct {
	action action
	after  time.Duration
}

type action uint8

const (
	restart action = iota
	resume
	stop
	escalate
)

// Restart replaces the behavior by a new one after a while. What arrives
// meanwhile waits; stashed messages come first; children are stopped.
func Restart(after time.Duration) Decision { return Decision{restart, after} }

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
	Limit  int           // stop the actor at more failures in a row; 0 = no limit
}

// Decide is Restart, or StopIt beyond the limit.
func (b Backoff) Decide(f Fault) Decision {
	if b.Limit > 0 && f.Failures > b.Limit {
		return StopIt()
	}
	return Restart(b.pause(f.Failures))
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
