package actor

import (
	"context"
	"log/slog"

	pa "github.com/asynkron/protoactor-go/actor"
)

// phase is how far a cell is on its way.
type phase uint8

const (
	running phase = iota
	stopping
	stopped
)

// anyGen marks a signal for whatever behavior is there.
const anyGen = 0

// core is what cells of all message types have in common. Everything in it is
// owned by the goroutine that runs the mailbox, except sup.
type core struct {
	sys     *System
	self    *pa.PID
	pctx    pa.Context        // protoactor's context, of the call in hand
	invoker pa.MessageInvoker // protoactor's context, as its mailbox knows it
	mailbox pa.Mailbox
	sup     supervision

	phase  phase
	ending bool   // Stop was called: nothing but stopping follows
	failed bool   // waiting for the supervisor's decision
	cause  error  // the last failure
	user   bool   // the call in hand comes from the user queue
	gen    uint64 // counts behaviors from 1; what belongs to an earlier one is void
	asked  question
	poison map[string]int // failures by type of message

	watched  map[string]*pa.PID // by key
	children map[string]bool    // spawned by Spawn, by key
	gone     []Gone             // to be told after the restart
	calls    map[uint64]*call   // open questions of AskThen
	timers   map[*timer]bool
	silence  silence

	life   context.Context // nil until asked for
	cancel context.CancelFunc
	logger *slog.Logger

	resumed func() // tells the cell that it may go on; set by it
}

// signal is a message of this package to one of its actors. It runs in the actor,
// if the behavior that it was meant for is still there.
type signal struct {
	gen uint64
	run func()
}

// IgnoreDeadLetterLogging tells protoactor that losing one is nothing to log.
func (*signal) IgnoreDeadLetterLogging() {}

// post queues a signal for this actor. Any goroutine may call it.
func (c *core) post(s *signal) { c.sys.send(c.self, s) }

// later runs f in the actor, behind what is queued.
func (c *core) later(f func()) { c.post(&signal{gen: c.gen, run: f}) }

// lifetime is done when the behavior ends.
func (c *core) lifetime() context.Context {
	if c.life == nil {
		c.life, c.cancel = context.WithCancel(context.Background())
	}
	return c.life
}

// endBehavior voids all that belongs to the behavior.
func (c *core) endBehavior() {
	c.gen++
	if c.cancel != nil {
		c.cancel()
		c.life, c.cancel = nil, nil
	}
	for t := range c.timers {
		t.stop()
	}
	c.timers = nil
	c.giveUp()
}

// fail hands a failure to the supervisor. msg is what the actor failed at.
func (c *core) fail(err error, msg any) {
	if c.phase != running {
		c.sys.log.Error("actor failed while stopping", "actor", c.sys.format(c.self), "err", err)
		return
	}
	f := &fault{core: c, Fault: Fault{
		Ref: c.sys.format(c.self), Message: msg, Err: err, Failures: c.sup.count(),
	}}
	if p, ok := err.(*panicError); ok {
		f.Stack = string(p.stack)
	}
	c.failed, c.cause = true, err
	c.report(f.Fault)
	c.sys.announce(&f.Fault)
	c.invoker.EscalateFailure(f, msg)
}

// announce publishes a failure; a subscriber's panic is its own affair.
func (s *System) announce(f *Fault) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("subscriber of faults panicked", "panic", r)
		}
	}()
	s.proto.EventStream.Publish(f)
}

func (c *core) spawnChild(name string, props *pa.Props) (*pa.PID, error) {
	pid, err := c.pctx.SpawnNamed(props, name)
	if err != nil {
		return nil, err
	}
	if c.children == nil {
		c.children = map[string]bool{}
	}
	c.children[c.sys.key(pid)] = true
	return pid, nil
}
