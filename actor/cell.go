package actor

import (
	"fmt"
	"reflect"

	pa "github.com/asynkron/protoactor-go/actor"
)

// cell is a typed actor under protoactor's stock context.
type cell[M any] struct {
	core
	new      func() Behavior[M]
	behavior Behavior[M] // nil between a restart's two halves
	ctx      Context[M]

	message M // the one in hand

	stash  []turn[M] // oldest first
	replay []turn[M] // unstashed: handled before the mailbox
}

// turn is a message and who asked it.
type turn[M any] struct {
	msg   M
	asked question
}

func newCell[M any](s *System, new func() Behavior[M], first Behavior[M], sup Supervisor) *cell[M] {
	c := &cell[M]{new: new, behavior: first}
	c.sys, c.gen, c.sup.policy = s, anyGen+1, sup
	c.ctx.cell = c
	c.resumed = c.goOn
	return c
}

// Receive is called by protoactor's context.
func (c *cell[M]) Receive(ctx pa.Context) {
	c.pctx = ctx
	if c.user {
		c.receiveUser(ctx.Message(), ctx.Sender())
		return
	}
	switch msg := ctx.Message().(type) {
	case *pa.Started:
		c.self = ctx.Self()
		c.start()
	case *pa.Restarting:
		c.restarting()
	case *pa.Stopping:
		c.phase = stopping
		c.sup.end()
	case *pa.Stopped:
		c.finish()
	case *pa.Terminated:
		c.terminated(msg)
	}
}

func (c *cell[M]) receiveUser(msg any, from *pa.PID) {
	switch s := msg.(type) {
	case *signal:
		if s.gen == c.gen || s.gen == anyGen {
			s.run()
		}
	case *pa.DeadLetterResponse, *pa.Touch: // protoactor's own
	default:
		m, ok := msg.(M)
		if !ok {
			c.refuse(msg, from)
			return
		}
		c.handle(turn[M]{m, question{asker: from}})
		c.silence.broken()
	}
	c.replayStash()
}

// refuse is for what only the untyped side can send.
func (c *cell[M]) refuse(msg any, from *pa.PID) {
	text := fmt.Sprintf("actor: accepts %v, not %T", reflect.TypeFor[M](), msg)
	c.sys.DeadLetter(c.self, from, msg, explain(ErrMessageType, text))
}

// handle has the behavior take a message.
func (c *cell[M]) handle(t turn[M]) {
	c.message, c.asked = t.msg, t.asked
	err := c.receive()
	if err != nil {
		c.asked.fail(&c.core, err)
	}
	var none M
	c.message, c.asked = none, question{}
	if err != nil {
		c.fail(err, t.msg)
	}
}

func (c *cell[M]) receive() (err error) {
	defer catch(&err)
	return c.behavior.Receive(&c.ctx, c.message)
}
