package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	pa "github.com/asynkron/protoactor-go/actor"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
)

// Context is what a behavior has while it handles a message. It is valid during
// that call only.
//
// Whatever leaves the entity through it, answers, failures and [Context.Then], is
// held until the message's changes have reached their [Level], and everything
// that the entity held before has left. If the primary is lost before that, it
// never leaves, and the asker gets ErrUnknownOutcome.
type Context struct {
	home    *home
	entity  *entity
	from    *pa.PID // who asks, nil for nobody or once answered
	level   Level
	out     []output
	events  []event
	parts   parts // what is left of a snapshot after this message
	same    bool  // said to be unchanged
	deleted bool
}

// output is something that waits to leave.
type output struct {
	to     *pa.PID // an asker
	answer any     // for to
	fail   error   // for to, in place of answer
	then   func()
}

// ID is the entity's id.
func (c *Context) ID() string { return c.entity.key.id }

// Kind is the name of the entity's kind.
func (c *Context) Kind() string { return c.entity.key.kind }

// System is the node's actor system.
func (c *Context) System() *actor.System { return c.home.svc.sys }

// Log is the node's logger.
func (c *Context) Log() *slog.Logger { return c.home.svc.log }

// Context ends when this node is no longer the primary of the entity's shard.
func (c *Context) Context() context.Context { return c.home.ctx }

// Reply answers who asked. The first answer wins; to nobody it is dropped. The
// answer is not copied: it must not be part of the state.
func (c *Context) Reply(answer any) {
	if c.from != nil {
		c.out = append(c.out, output{to: c.from, answer: answer})
		c.from = nil
	}
}

// Fail answers with err as a *actor.Failure. The message's changes stay; to undo
// them, return the error.
func (c *Context) Fail(err error) {
	if c.from != nil {
		c.out = append(c.out, output{to: c.from, fail: err})
		c.from = nil
	}
}

// Then calls f when everything so far has reached its level: to tell others, for
// instance. f runs on some goroutine of the node, must not block and must not
// touch the behavior. If the primary is lost before that, f is never called.
func (c *Context) Then(f func()) { c.out = append(c.out, output{then: f}) }

// Level sets the level of this message, in place of its kind's.
func (c *Context) Level(l Level) { c.level = min(l, All) }

// Unchanged tells that this message changes nothing, which spares the comparison
// of the state of a [Stateful]. What it changed nevertheless is stored with the
// next message that is not said to be so, or lost.
func (c *Context) Unchanged() { c.same = true }

// Delete removes the entity's state. The next message finds a fresh behavior.
// What else this message did to the state has no effect.
func (c *Context) Delete() { c.deleted = true }

// Persist applies an event to a [Sourced] and stores it. An error of Apply undoes
// the whole message if Receive returns it.
func (c *Context) Persist(ev proto.Message) error {
	s, ok := c.entity.behavior.(Sourced)
	if !ok {
		return fmt.Errorf("durable: %T is not Sourced", c.entity.behavior)
	}
	if ev == nil {
		return errors.New("durable: no event")
	}
	data, err := proto.Marshal(ev)
	if err != nil {
		return fmt.Errorf("durable: event: %w", err)
	}
	if err := s.Apply(ev); err != nil {
		return err
	}
	c.events = append(c.events, event{string(ev.ProtoReflect().Descriptor().FullName()), data})
	return nil
}
