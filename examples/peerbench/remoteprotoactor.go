package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// protoactorNear has the defaults of protoactor's remote: batches of 1,000 and
// gRPC.
type protoactorNear struct {
	root       *actor.RootContext
	sink, echo *actor.PID
}

func startProtoactorNode() *actor.ActorSystem {
	quiet := slog.New(slog.DiscardHandler)
	sys := actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
	remote.NewRemote(sys, remote.Configure("127.0.0.1", 0)).Start()
	return sys
}

func serveProtoactor(s side) (far, error) {
	sys := startProtoactorNode()
	_, err := sys.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*benchpb.Load); ok {
			s.got(m.Seq, len(m.Text))
		}
	}), "sink")
	if err != nil {
		return far{}, err
	}
	_, err = sys.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*benchpb.Load); ok {
			c.Respond(m)
		}
	}), "echo")
	return far{sys.Address()}, err
}

func dialProtoactor(_ context.Context, _ side, address string) (near, error) {
	sys := startProtoactorNode()
	return protoactorNear{sys.Root, actor.NewPID(address, "sink"), actor.NewPID(address, "echo")}, nil
}

func (p protoactorNear) telling(_ context.Context, f func(remoteTell) error) error {
	return f(func(m *benchpb.Load) error {
		if m != nil {
			p.root.Send(p.sink, m)
		}
		return nil
	})
}

func (p protoactorNear) asking(_ context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		return f(func(m *benchpb.Load) (*benchpb.Load, error) {
			answer, err := p.root.RequestFuture(p.echo, m, askLimit).Result()
			if err != nil {
				return nil, err
			}
			return loadOf(answer)
		})
	})
}

// loadOf is the answer of a runtime without types.
func loadOf(answer any) (*benchpb.Load, error) {
	m, ok := answer.(*benchpb.Load)
	if !ok {
		return nil, fmt.Errorf("the answer is a %T", answer)
	}
	return m, nil
}
