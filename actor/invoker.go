package actor

import (
	"fmt"
	"runtime/debug"

	pa "github.com/asynkron/protoactor-go/actor"
)

// hookedMailbox is a user's mailbox that calls the cell's hook in place of
// protoactor's context.
type hookedMailbox struct {
	pa.Mailbox
	core *core
}

// RegisterHandlers puts the hook in between.
func (m *hookedMailbox) RegisterHandlers(inv pa.MessageInvoker, d pa.Dispatcher) {
	m.core.invoker = inv
	m.Mailbox.RegisterHandlers(&hook{m.core}, d)
}

func (c *core) attach(m pa.Mailbox) pa.Mailbox {
	c.mailbox = m
	return &hookedMailbox{Mailbox: m, core: c}
}

// hook sees each message before protoactor's context does, which would drop those
// that a stopped actor left behind, and could not tell a lifecycle message from
// one that somebody sent as a user message.
type hook struct{ core *core }

// InvokeUserMessage passes the message on, or buries it.
func (h *hook) InvokeUserMessage(msg any) {
	c := h.core
	if c.phase != running || c.ending {
		c.undelivered(msg)
		return
	}
	c.user = true
	c.invoker.InvokeUserMessage(msg)
	c.user = false
}

// InvokeSystemMessage passes the message on, except a restart that comes too late,
// by which protoactor would bring a stopped actor back to life.
func (h *hook) InvokeSystemMessage(msg any) {
	c := h.core
	c.user = false
	if _, ok := msg.(*pa.Restart); ok && (c.phase != running || c.ending) {
		return
	}
	c.invoker.InvokeSystemMessage(msg)
}

// EscalateFailure is called for what the cell did not catch itself: Goexit, and
// panics of middleware and of continuations.
func (h *hook) EscalateFailure(reason, msg any) {
	c := h.core
	c.user = false
	err, ok := reason.(error)
	if !ok {
		err = &panicError{value: reason, stack: debug.Stack()}
	}
	_, bare, _ := pa.UnwrapEnvelope(msg)
	c.asked.fail(c, err)
	c.asked = question{}
	defer func() {
		if r := recover(); r != nil {
			c.sys.log.Error("supervision panicked", "actor", c.sys.format(c.self), "panic", fmt.Sprint(r))
		}
	}()
	c.fail(err, bare)
}

// undelivered buries a message that the actor will not take.
func (c *core) undelivered(msg any) {
	_, bare, from := pa.UnwrapEnvelope(msg)
	if isLetter(bare) {
		c.sys.DeadLetter(c.self, from, bare, ErrStopped)
	}
}
