package actor

import (
	pa "github.com/asynkron/protoactor-go/actor"
)

// Behavior is what an actor does. It handles one message at a time, on one
// goroutine at a time, so its state needs no lock. An error or a panic goes to the
// supervisor, and to who asked as *Failure; the message is not tried again.
type Behavior[M any] interface {
	// Receive handles one message.
	Receive(c *Context[M], m M) error
}

// Starter is optional: a behavior's Started is called before its first message,
// also of the new behavior after a restart.
type Starter[M any] interface {
	// Started may prepare; its error is a failure of the actor.
	Started(c *Context[M]) error
}

// Stopper is optional: a behavior's Stopped is called after its last message and
// when its children have stopped; before a restart too, then while they still run.
// cause is nil if somebody wanted the actor to stop, else its failure.
type Stopper[M any] interface {
	// Stopped may clean up; its panic is logged.
	Stopped(c *Context[M], cause error)
}

// Watcher is optional: Terminated is called exactly once for each watched ref,
// when its actor has stopped or will never be heard of again.
type Watcher[M any] interface {
	// Terminated hears who is no more; its error is a failure of the actor.
	Terminated(c *Context[M], who Gone) error
}

// Gone is a watched actor that is no more.
type Gone struct {
	PID *pa.PID // as it was watched
	Ref string  // the text of the ref
	// Why is nil for an actor that stopped, ErrNoActor for one that was not
	// there, ErrNodeRemoved for one whose node was removed.
	Why error
}

// Func is a behavior without state.
func Func[M any](f func(*Context[M], M) error) func() Behavior[M] {
	return func() Behavior[M] { return funcBehavior[M](f) }
}

type funcBehavior[M any] func(*Context[M], M) error

// Receive calls the function.
func (f funcBehavior[M]) Receive(c *Context[M], m M) error { return f(c, m) }
