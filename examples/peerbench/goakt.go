package main

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tochemey/goakt/v4/actor"
)

// goakt is configured as in its own benchmarks: logging off, one try to start an
// actor, its default mailbox. Passivation is off: it would stop actors that are
// idle for two minutes.
type goakt struct {
	sys   actor.ActorSystem
	names *atomic.Uint64 // names are mandatory
}

type goaktActor struct{ pid *actor.PID }

// goaktBehavior is the smallest actor.
type goaktBehavior func(*actor.ReceiveContext, *Message)

func (goaktBehavior) PreStart(*actor.Context) error { return nil }
func (goaktBehavior) PostStop(*actor.Context) error { return nil }

func (f goaktBehavior) Receive(c *actor.ReceiveContext) {
	if m, ok := c.Message().(*Message); ok {
		f(c, m)
	}
}

func startGoakt() (Runtime, error) {
	sys, err := actor.NewActorSystem("peerbench", actor.WithLoggingDisabled(), actor.WithActorInitMaxRetries(1))
	if err != nil {
		return nil, err
	}
	if err := sys.Start(context.Background()); err != nil {
		return nil, err
	}
	return goakt{sys, new(atomic.Uint64)}, nil
}

func (g goakt) spawn(f goaktBehavior) spawn {
	return func() (Actor, error) {
		name := "a" + strconv.FormatUint(g.names.Add(1), 10)
		pid, err := g.sys.Spawn(context.Background(), name, f, actor.WithLongLived())
		return goaktActor{pid}, err
	}
}

func (g goakt) Counter(got func(*Message), _ use) spawn {
	return g.spawn(func(_ *actor.ReceiveContext, m *Message) { got(m) })
}

func (g goakt) Echo() (Actor, error) {
	return g.spawn(func(c *actor.ReceiveContext, m *Message) { c.Response(m) })()
}

func (g goakt) Bounce(again func() bool) (Actor, error) {
	var ping, pong *actor.PID
	first, err := g.spawn(func(c *actor.ReceiveContext, m *Message) {
		if again() {
			c.Tell(pong, m)
		}
	})()
	if err != nil {
		return nil, err
	}
	second, err := g.spawn(func(c *actor.ReceiveContext, m *Message) { c.Tell(ping, m) })()
	if err != nil {
		return nil, err
	}
	ping, pong = first.(goaktActor).pid, second.(goaktActor).pid
	return first, nil
}

// Outside asks with askLimit, which goakt wants beside a context.
func (g goakt) Outside(_ time.Duration, f func(ask) error) error {
	return f(func(_ context.Context, to Actor, m *Message) (any, error) {
		return actor.Ask(context.Background(), to.(goaktActor).pid, m, askLimit)
	})
}

func (g goakt) Close() error { return g.sys.Stop(context.Background()) }

func (a goaktActor) Tell(m *Message) error { return actor.Tell(context.Background(), a.pid, m) }

func (a goaktActor) Stop() error { return a.pid.Shutdown(context.Background()) }
