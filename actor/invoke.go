package actor

import (
	"errors"
	"fmt"
	"runtime/debug"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// InvokeUserMessage is called by the mailbox.
func (c *core) InvokeUserMessage(msg any) {
	if c.phase != running || c.ending {
		c.undelivered(msg, ErrStopped)
		return
	}
	if !c.up {
		c.begin() // which cannot fail: see launch
	}
	switch m := msg.(type) {
	case *request:
		c.msg, c.asked = m.msg, m.from
		c.sys.requests.put(m)
	case *pa.MessageEnvelope:
		c.msg, c.env, c.asked = m.Message, m, question{asker: m.Sender}
	case *signal:
		if m.gen == c.gen || m.gen == anyGen {
			m.run()
		}
		return
	case *asking:
		m.end()
		return
	default:
		c.msg = m
	}
	c.user = true
	c.take()
	c.user = false
	c.drop()
}

// drop forgets the message in hand.
func (c *core) drop() {
	c.msg, c.asked = nil, question{}
	if c.env != nil {
		c.env = nil
	}
}

// take handles the user message in hand.
func (c *core) take() {
	if c.x != nil && c.x.idle != nil {
		c.x.idle.touch(c.msg)
	}
	msg := c.msg
	if _, ok := msg.(*pa.PoisonPill); ok {
		c.poisoned()
		return
	}
	if c.straight {
		c.h.take()
	} else {
		c.dispatch()
	}
	if !c.asked.nobody() {
		c.autoRespond(msg)
	}
}

// autoRespond gives an asker who still waits the answer that some messages bring.
func (c *core) autoRespond(msg any) {
	if m, ok := msg.(pa.AutoRespond); ok && c.busy() {
		c.Respond(m.GetAutoResponse(c.shown()))
	}
}

// poisoned is the order to stop, come to its turn.
func (c *core) poisoned() {
	if c.ours() {
		c.beginStop()
	} else { // its mailbox may want to see the order
		c.postSystem(stopMessage)
	}
}

// dispatch leads the message in hand through the middleware, if there is any.
func (c *core) dispatch() {
	switch {
	case c.plan.receive != nil:
		c.plan.receive(c.shown(), c.envelope())
	case c.plan.decorate != nil:
		c.shown().Receive(c.envelope())
	default:
		c.h.receive()
	}
}

// envelope is the message in hand in protoactor's form.
func (c *core) envelope() *pa.MessageEnvelope {
	if c.env == nil {
		c.env = &pa.MessageEnvelope{Message: c.msg, Sender: c.asked.pid()}
	}
	return c.env
}

// Receive is the inner end of the middleware, which may have changed the envelope.
func (c *core) Receive(env *pa.MessageEnvelope) {
	c.msg, c.env = env.Message, env
	if env.Sender != c.asked.asker {
		c.asked = question{asker: env.Sender}
	}
	c.h.receive()
}

// InvokeSystemMessage is called by the mailbox.
func (c *core) InvokeSystemMessage(msg any) {
	switch m := msg.(type) {
	case *pa.Started:
		if !c.up && c.phase == running {
			c.begin()
		}
	case *pa.Stop:
		c.beginStop()
	case *pa.Restart:
		c.beginRestart()
	case resumed:
		c.resume()
	case *pa.Watch:
		c.addWatcher(m.Watcher)
	case *pa.Unwatch:
		if c.x != nil {
			c.x.watchers.Remove(m.Watcher)
		}
	case *pa.Terminated:
		c.terminated(m)
	case *pa.Failure:
		c.childFailed(m)
	case *ticket:
		c.addTicket(m)
	default:
		c.sys.log.Warn("unknown system message", "actor", c.sys.format(c.self()), "type", fmt.Sprintf("%T", msg))
	}
}

// errNoReason stands for a failure without a reason.
var errNoReason = errors.New("actor: failed for no reason")

// EscalateFailure is called by the mailbox for what the cell did not catch: a panic
// of an actor, of middleware, of a continuation, and Goexit. A pa.Supervisor
// calls it for what the actor's children did.
func (c *core) EscalateFailure(reason, msg any) {
	err := c.asError(reason)
	bare, from := c.msg, c.asked
	if !c.user {
		bare, from = open(msg)
	}
	c.user = false
	typed := c.h.actor() == nil
	if typed || from.rep != nil || isAsker(from.pid()) { // a plain actor that asked would not know what to do with it
		from.fail(c, err)
	}
	c.drop()
	defer func() {
		if r := recover(); r != nil {
			c.sys.log.Error("supervision panicked", "actor", c.sys.format(c.self()), "panic", fmt.Sprint(r))
		}
	}()
	if typed {
		reason = nil
	}
	c.fail(err, reason, bare)
}

func (c *core) asError(reason any) error {
	switch r := reason.(type) {
	case nil:
		return errNoReason
	case *fault:
		return r
	case *panicError:
		return r
	case error:
		if r == mailbox.ErrGoexit {
			return r
		}
	}
	return &panicError{value: reason, stack: debug.Stack()}
}

// undelivered buries a message that the actor will not take.
func (c *core) undelivered(msg any, reason error) {
	bare, from := open(msg)
	if q, ok := msg.(*request); ok {
		c.sys.requests.put(q)
	}
	if isLetter(bare) {
		c.sys.DeadLetter(c.self(), from.pid(), bare, reason)
	}
}
