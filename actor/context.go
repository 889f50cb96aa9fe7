package actor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Context is what a behavior knows and can do. It is valid during the call that it
// is passed to, on that goroutine only; Self, System and Log give things that can
// be kept.
type Context[M any] struct{ cell *cell[M] }

// Self is the actor's own ref.
func (c *Context[M]) Self() Ref[M] {
	return Ref[M]{sys: c.cell.sys, cell: &c.cell.core}
}

// System is the system that the actor lives in.
func (c *Context[M]) System() *System { return c.cell.sys }

// Log is the system's logger with the actor's ref as an attribute.
func (c *Context[M]) Log() *slog.Logger {
	x := c.cell.extra()
	if x.logger == nil {
		x.logger = c.cell.sys.log.With("actor", c.cell.sys.format(c.cell.self()))
	}
	return x.logger
}

// Context is done when the actor stops, and when it restarts.
func (c *Context[M]) Context() context.Context { return c.cell.lifetime() }

// Proto is protoactor's context of the same actor, for what has no typed form.
func (c *Context[M]) Proto() pa.Context { return c.cell.shown() }

// Reply answers the message in hand. The first answer wins; another one, or one
// that nobody asked for, is a dead letter. To reach askers on other nodes an
// answer must be a proto.Message.
func (c *Context[M]) Reply(answer any) { c.cell.asked.reply(&c.cell.core, answer) }

// Fail answers with a *Failure that says err, if nobody has answered. It does not
// make the actor fail. An err that wraps a *Failure lends it its Code.
func (c *Context[M]) Fail(err error) { c.cell.asked.fail(&c.cell.core, err) }

// Replier takes over answering the message in hand, later and from any goroutine.
func (c *Context[M]) Replier() Replier {
	q := &c.cell.asked
	if q.rep == nil {
		q.rep = &replier{sys: c.cell.sys, self: &c.cell.core, asker: *q}
	}
	return Replier{q.rep}
}

// Forward passes the message in hand on to another actor, which may answer its
// asker in place of this one.
func (c *Context[M]) Forward(to Ref[M]) {
	from := c.cell.asked
	if rep := from.rep; rep != nil {
		from = question{}
		if rep.claim() {
			from = rep.asker
		}
	}
	c.cell.asked = question{}
	if to.IsZero() {
		c.cell.sys.DeadLetter(nil, from.pid(), c.cell.msg, ErrNoActor)
		return
	}
	c.cell.sys.sendAs(to.cell, to.pid, c.cell.msg, from)
}

// Watch asks for Terminated, once, when the actor has stopped or its node is
// removed; at once if there is no such actor. Watching twice is watching once. An
// entity has no end that could be watched.
func (c *Context[M]) Watch(who Addressable) {
	switch pid := who.PID(); {
	case pid == nil:
		cell := c.cell
		cell.later(func() { cell.tellGone(Gone{Why: ErrNoActor}) })
	case pid.Address == EntityAddress:
		c.Log().Warn("an entity cannot be watched", "ref", c.cell.sys.format(pid))
	default:
		c.cell.watch(pid)
	}
}

// Unwatch takes a Watch back. Terminated will not be called, even if the actor has
// stopped already.
func (c *Context[M]) Unwatch(who Addressable) {
	if pid := who.PID(); pid != nil {
		c.cell.unwatch(pid)
	}
}

// Stash keeps the message in hand, with its asker, until Unstash. ErrStashFull
// beyond 1000 messages.
func (c *Context[M]) Stash() error { return c.cell.hold() }

// Unstash hands out what was stashed, oldest first, after the message in hand and
// before the mailbox. A restart does so too.
func (c *Context[M]) Unstash() { c.cell.kept.unstash() }

// Become makes b the behavior from the next message on. A restart returns to the
// one that the actor was spawned with. b's Started is not called.
func (c *Context[M]) Become(b Behavior[M]) {
	if b == nil {
		panic("actor: Become(nil)")
	}
	c.cell.behavior = b
}

// After handles m after d, like a message from nobody.
func (c *Context[M]) After(d time.Duration, m M) Timer { return c.cell.schedule(d, 0, m) }

// Every handles m again and again, first after d. A tick for which the last one
// still waits is left out.
func (c *Context[M]) Every(d time.Duration, m M) Timer {
	if d <= 0 {
		panic(fmt.Sprintf("actor: Every(%v): the interval must be positive", d))
	}
	return c.cell.schedule(d, d, m)
}

// Stop ends the actor after the call in hand. What is queued becomes dead letters.
func (c *Context[M]) Stop() {
	c.cell.ending = true
	c.cell.postSystem(stopMessage)
}

// place puts children under this actor.
func (c *Context[M]) place(name string) (place, error) {
	s := c.cell.sys
	if s.closed.Load() || c.cell.phase != running {
		return place{}, fmt.Errorf("spawn %q: %w", name, ErrStopped)
	}
	if name == "" {
		name = s.anonymous()
	}
	return place{sys: s, id: c.cell.id() + "/" + name, name: name, parent: &c.cell.core}, nil
}
