package actor

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// phase is how far a cell is on its way.
type phase uint8

const (
	running    phase = iota
	restarting       // waits for its children to end, then begins anew
	stopping         // waits for its children to end, then ends
	stopped
)

// anyGen marks a signal for whatever behavior is there.
const anyGen = 0

// core is the cell of an actor: what protoactor splits into its actorContext and
// its ActorProcess. It is the actor's pa.Context and pa.Supervisor and what its
// mailbox invokes; [process] is the same memory as a pa.Process. What kinds of
// cells differ in is the handler: [cell] for typed actors, [plainCell] for others.
//
// All fields are owned by the goroutine that runs the mailbox, except those that
// do not change after the spawn, and dead.
type core struct {
	// A cache line that senders read and hardly anybody writes.
	sys    *System
	name   *string                // its id, nil if it is anonymous
	num    uint64                 // what makes an anonymous actor's id
	pid    atomic.Pointer[pa.PID] // the actor's own, once somebody wanted it
	parent *pa.PID                // of a cell, of a plain protoactor actor, or of the guardian
	plan   *plan
	other  *otherBox   // used in place of box, if the actor was given a mailbox
	dead   atomic.Bool // has left the registry; who still holds the process must look again
	gen    uint32      // counts behaviors from 1; what belongs to an earlier one is void

	// The mailbox begins with the line that senders write, and continues with one
	// that is the runner's alone, as is all that follows.
	box mailbox.Box

	up     bool // Started was handled
	ending bool // Stop was called: nothing but stopping follows
	failed bool // waiting for the supervisor's decision
	user   bool // the message in hand comes from the user queue
	phase  phase
	// straight: no middleware and the like stand between mailbox and handler.
	straight bool
	place    uint32 // in the roster; under its lock
	h        handler
	msg      any // in hand, without its envelope
	env      *pa.MessageEnvelope
	asked    question
	waiting  *ticket      // who waits for the end in Stop
	sup      *supervision // since the first failure; then the same for ever
	x        *extra       // what most actors never need
}

// handler is what the engine leaves to the kind of cell.
type handler interface {
	// actor is what pa.Context.Actor shows.
	actor() pa.Actor
	// receive takes core.msg; if not core.user, it is one of the lifecycle.
	receive()
	// take is receive for a user message straight from the mailbox, which sees to
	// panics itself: a guard at each message would cost more than all the rest.
	take()
	// incarnate makes a new behavior for a restart. It may be put off to Started.
	incarnate() error
	// goOn is called when the actor is back from a failure.
	goOn()
	// hold keeps the message in hand until goOn after a restart.
	hold() error
	// endsSilently tells that nobody's code runs at the actor's end.
	endsSilently() bool
	// bury is called at the end, for what is kept.
	bury()
}

// extra is made when first used.
type extra struct {
	children pa.PIDSet
	watchers pa.PIDSet
	watched  map[string]*pa.PID // by key; of typed actors
	gone     []Gone             // to be told after the restart
	pending  []*pa.PID          // children whose failure became this actor's
	calls    map[uint64]struct{}
	timers   *timers
	silence  silence
	poison   map[string]int // failures by type of message
	cause    error          // the last failure
	rs       *pa.RestartStatistics
	idle     *idleTimer
	exts     contextExtensions
	shown    pa.Context // what decorators made of the core
	peer     *pa.PID    // whom the actor asked last, and
	peerCore *core      // that one's cell

	life   context.Context // nil until asked for
	cancel context.CancelFunc
	logger *slog.Logger
}

// self is the actor's own PID. Any goroutine may call it.
func (c *core) self() *pa.PID {
	if pid := c.pid.Load(); pid != nil {
		return pid
	}
	pid := c.sys.proto.NewLocalPID(c.id())
	if c.name == nil {
		return c.sys.roster.introduce(c, pid)
	}
	c.pid.CompareAndSwap(nil, pid)
	return c.pid.Load()
}

// id is what its PID calls the actor. Any goroutine may ask.
func (c *core) id() string {
	if c.name == nil {
		return c.sys.anonymousID(c.num)
	}
	return *c.name
}

func (c *core) extra() *extra {
	if c.x == nil {
		c.x = &extra{}
	}
	return c.x
}

// signal is a message of this package to one of its actors. It runs in the actor,
// if the behavior that it was meant for is still there.
type signal struct {
	internal
	gen uint32
	run func()
}

// internal marks what is no message of the user's.
type internal struct{}

// IgnoreDeadLetterLogging tells protoactor that losing one is nothing to log.
func (internal) IgnoreDeadLetterLogging() {}

// ExemptFromLimit: what an actor waits for itself is not lost for want of room.
func (internal) ExemptFromLimit() {}

// NotInfluenceReceiveTimeout: a signal is no sign of life from outside.
func (internal) NotInfluenceReceiveTimeout() {}

// post queues a signal for this actor. Any goroutine may call it.
func (c *core) post(s *signal) { c.postUser(s) }

// otherBox is a mailbox of a kind that was asked for.
type otherBox struct{ pa.Mailbox }

// ours tells that the mailbox is the cell's own, which nobody else looks into.
func (c *core) ours() bool { return c.other == nil }

// postUser queues a message for the actor. Any goroutine may call it.
func (c *core) postUser(msg any) {
	if c.other == nil {
		c.box.PostUserMessage(msg)
	} else {
		c.other.PostUserMessage(msg)
	}
}

// postSystem queues a message ahead of all others. Any goroutine may call it.
func (c *core) postSystem(msg any) {
	if c.other == nil {
		c.box.PostSystemMessage(msg)
	} else {
		c.other.PostSystemMessage(msg)
	}
}

// closeBox ends the mailbox; what is in it becomes dead letters.
func (c *core) closeBox() {
	bury := func(msg any) { c.undelivered(msg, ErrStopped) }
	if c.other == nil {
		c.box.Close(bury)
		return
	}
	if b, ok := c.other.Mailbox.(*mailbox.Box); ok {
		b.Close(bury)
	} else if c.failed { // it is suspended, and would keep what it has
		c.postSystem(resumeMessage)
	}
}

// Refuse is called by the mailbox, on the sender's goroutine.
func (c *core) Refuse(msg any, reason error) { c.undelivered(msg, boxError(reason)) }

// boxError puts a mailbox's reason in this package's terms.
func boxError(err error) error {
	switch {
	case errors.Is(err, mailbox.ErrFull):
		return explain(ErrMailboxFull, err.Error())
	case errors.Is(err, mailbox.ErrClosed):
		return ErrStopped
	}
	return err
}

// later runs f in the actor, behind what is queued.
func (c *core) later(f func()) { c.post(&signal{gen: c.gen, run: f}) }

// busy tells whether the behavior may be called.
func (c *core) busy() bool { return c.phase == running && !c.ending && !c.failed }

// lifetime is done when the behavior ends, or what WithContext named.
func (c *core) lifetime() context.Context {
	x := c.extra()
	if x.life != nil && x.life.Err() != nil { // the parent's: see WithContext
		c.endLifetime()
	}
	if x.life == nil {
		parent := context.Background()
		if c.plan.parent != nil {
			parent = c.plan.parent()
		}
		x.life, x.cancel = context.WithCancel(parent)
	}
	return x.life
}

// endLifetime may come before the rest of endBehavior: Stopped may wait for work.
func (c *core) endLifetime() {
	if c.x != nil && c.x.cancel != nil {
		c.x.cancel()
		c.x.life, c.x.cancel = nil, nil
	}
}

// endBehavior voids all that belongs to the behavior.
func (c *core) endBehavior() {
	c.gen++
	if c.x == nil {
		return
	}
	c.endLifetime()
	c.x.timers.stop()
	c.x.timers = nil
	c.x.idle.stop()
	c.x.idle = nil
	c.giveUp()
}
