package main

import (
	"context"
	"time"

	"github.com/anthdm/hollywood/actor"
)

// hollywood has its defaults, except that many actors get an inbox that begins
// with one slot and grows, in place of 1024 slots and 24 KB. It logs to
// slog.Default, which this program silences.
type hollywood struct{ engine *actor.Engine }

type hollywoodActor struct {
	engine *actor.Engine
	pid    *actor.PID
}

type hollywoodBehavior func(*actor.Context, *Message)

func (f hollywoodBehavior) Receive(c *actor.Context) {
	if m, ok := c.Message().(*Message); ok {
		f(c, m)
	}
}

func startHollywood() (Runtime, error) {
	engine, err := actor.NewEngine(actor.NewEngineConfig())
	if err != nil {
		return nil, err
	}
	return hollywood{engine}, nil
}

func (h hollywood) spawn(f hollywoodBehavior, opts ...actor.OptFunc) spawn {
	producer := func() actor.Receiver { return f }
	return func() (Actor, error) {
		return hollywoodActor{h.engine, h.engine.Spawn(producer, "a", opts...)}, nil
	}
}

func (h hollywood) Counter(got func(*Message), use use) spawn {
	var opts []actor.OptFunc
	if use == many {
		opts = append(opts, actor.WithInboxSize(1))
	}
	return h.spawn(func(_ *actor.Context, m *Message) { got(m) }, opts...)
}

func (h hollywood) Echo() (Actor, error) {
	return h.spawn(func(c *actor.Context, m *Message) { c.Respond(m) })()
}

func (h hollywood) Bounce(again func() bool) (Actor, error) {
	var ping, pong *actor.PID
	first, err := h.spawn(func(c *actor.Context, m *Message) {
		if again() {
			c.Send(pong, m)
		}
	})()
	if err != nil {
		return nil, err
	}
	second, err := h.spawn(func(c *actor.Context, m *Message) { c.Send(ping, m) })()
	if err != nil {
		return nil, err
	}
	ping, pong = first.(hollywoodActor).pid, second.(hollywoodActor).pid
	return first, nil
}

// Outside asks with askLimit: a request wants a time-out.
func (h hollywood) Outside(_ time.Duration, f func(ask) error) error {
	return f(func(_ context.Context, to Actor, m *Message) (any, error) {
		return h.engine.Request(to.(hollywoodActor).pid, m, askLimit).Result()
	})
}

// Close does nothing: an engine cannot be closed, and holds no goroutine while it
// is idle.
func (h hollywood) Close() error { return nil }

func (a hollywoodActor) Tell(m *Message) error {
	a.engine.Send(a.pid, m)
	return nil
}

func (a hollywoodActor) Stop() error {
	<-a.engine.Poison(a.pid).Done()
	return nil
}
