package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// protoactor has its defaults: a goroutine at each wake-up, 300 messages a turn,
// the unbounded mailbox. Its metrics are off by default.
type protoactor struct{ sys *actor.ActorSystem }

type protoactorActor struct {
	root *actor.RootContext
	pid  *actor.PID
}

func startProtoactor() (Runtime, error) {
	quiet := slog.New(slog.DiscardHandler)
	return protoactor{actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // its goroutine outlives the system
	)}, nil
}

func (p protoactor) spawn(f func(actor.Context, *Message)) spawn {
	props := actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*Message); ok {
			f(c, m)
		}
	})
	return func() (Actor, error) {
		return protoactorActor{p.sys.Root, p.sys.Root.Spawn(props)}, nil
	}
}

func (p protoactor) Counter(got func(*Message), _ use) spawn {
	return p.spawn(func(_ actor.Context, m *Message) { got(m) })
}

func (p protoactor) Echo() (Actor, error) {
	return p.spawn(func(c actor.Context, m *Message) { c.Respond(m) })()
}

func (p protoactor) Bounce(again func() bool) (Actor, error) {
	var ping, pong *actor.PID
	first, err := p.spawn(func(c actor.Context, m *Message) {
		if again() {
			c.Send(pong, m)
		}
	})()
	if err != nil {
		return nil, err
	}
	second, err := p.spawn(func(c actor.Context, m *Message) { c.Send(ping, m) })()
	if err != nil {
		return nil, err
	}
	ping, pong = first.(protoactorActor).pid, second.(protoactorActor).pid
	return first, nil
}

// Outside asks with askLimit: a future wants a time-out.
func (p protoactor) Outside(_ time.Duration, f func(ask) error) error {
	return f(func(_ context.Context, to Actor, m *Message) (any, error) {
		return p.sys.Root.RequestFuture(to.(protoactorActor).pid, m, askLimit).Result()
	})
}

func (p protoactor) Close() error {
	p.sys.Shutdown()
	return nil
}

func (a protoactorActor) Tell(m *Message) error {
	a.root.Send(a.pid, m)
	return nil
}

func (a protoactorActor) Stop() error { return a.root.PoisonFuture(a.pid).Wait() }
