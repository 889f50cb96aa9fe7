package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/pando-go/pando/actor"
)

// pando is measured through its typed public API, with defaults.
type pando struct{ sys *actor.System }

type pandoActor struct{ ref actor.Ref[*Message] }

type pandoContext = actor.Context[*Message]

func startPando() (Runtime, error) {
	sys, err := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return pando{sys}, nil
}

func (p pando) spawn(f func(*pandoContext, *Message) error) spawn {
	behavior := actor.Func(f)
	return func() (Actor, error) {
		ref, err := actor.Spawn(p.sys, "", behavior)
		return pandoActor{ref}, err
	}
}

func (p pando) Counter(got func(*Message), _ use) spawn {
	return p.spawn(func(_ *pandoContext, m *Message) error {
		got(m)
		return nil
	})
}

func (p pando) Echo() (Actor, error) {
	return p.spawn(func(c *pandoContext, m *Message) error {
		c.Reply(m)
		return nil
	})()
}

func (p pando) Bounce(again func() bool) (Actor, error) {
	var ping, pong actor.Ref[*Message]
	first, err := p.spawn(func(_ *pandoContext, m *Message) error {
		if again() {
			pong.Tell(m)
		}
		return nil
	})()
	if err != nil {
		return nil, err
	}
	second, err := p.spawn(func(_ *pandoContext, m *Message) error {
		ping.Tell(m)
		return nil
	})()
	if err != nil {
		return nil, err
	}
	ping, pong = first.(pandoActor).ref, second.(pandoActor).ref
	return first, nil
}

// Outside asks within the caller's context, which the workload bounds.
func (p pando) Outside(limit time.Duration, f func(ask) error) error {
	return f(func(ctx context.Context, to Actor, m *Message) (any, error) {
		e := to.(pandoActor).ref.With(m)
		if limit > 0 {
			e = e.Within(limit)
		}
		return actor.Ask[*Message](ctx, e)
	})
}

func (p pando) Close() error { return p.sys.Close(context.Background()) }

func (a pandoActor) Tell(m *Message) error {
	a.ref.Tell(m)
	return nil
}

func (a pandoActor) Stop() error { return actor.Stop(context.Background(), a.ref) }
