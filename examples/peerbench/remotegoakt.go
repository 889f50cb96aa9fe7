package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/tochemey/goakt/v4/actor"
	"github.com/tochemey/goakt/v4/remote"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// goaktBatch is how many messages are told at once. A tell waits for the other node,
// so one by one they would be some twenty times slower.
const goaktBatch = 256

// goaktNear is configured as the local lines are, and without compression, which
// would make it slower here.
type goaktNear struct {
	self       *actor.PID
	sink, echo *actor.PID
}

// goaktLoads is an actor for loads.
type goaktLoads func(*actor.ReceiveContext, *benchpb.Load)

func (goaktLoads) PreStart(*actor.Context) error { return nil }
func (goaktLoads) PostStop(*actor.Context) error { return nil }

func (f goaktLoads) Receive(c *actor.ReceiveContext) {
	if m, ok := c.Message().(*benchpb.Load); ok {
		f(c, m)
	}
}

func startGoaktNode() (actor.ActorSystem, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	sys, err := actor.NewActorSystem("peerbench", actor.WithLoggingDisabled(), actor.WithActorInitMaxRetries(1),
		actor.WithRemote(remote.NewConfig("127.0.0.1", port, remote.WithCompression(remote.NoCompression))))
	if err != nil {
		return nil, "", err
	}
	return sys, fmt.Sprintf("127.0.0.1:%d", port), sys.Start(context.Background())
}

func serveGoakt(s side) (far, error) {
	sys, address, err := startGoaktNode()
	if err != nil {
		return far{}, err
	}
	ctx := context.Background()
	_, err = sys.Spawn(ctx, "sink", goaktLoads(func(_ *actor.ReceiveContext, m *benchpb.Load) {
		s.got(m.Seq, len(m.Text))
	}), actor.WithLongLived())
	if err != nil {
		return far{}, err
	}
	_, err = sys.Spawn(ctx, "echo", goaktLoads(func(c *actor.ReceiveContext, m *benchpb.Load) {
		c.Response(m)
	}), actor.WithLongLived())
	return far{address}, err
}

func dialGoakt(ctx context.Context, _ side, address string) (near, error) {
	sys, _, err := startGoaktNode()
	if err != nil {
		return nil, err
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	self := sys.NoSender()
	sink, err := self.RemoteLookup(ctx, host, port, "sink")
	if err != nil {
		return nil, err
	}
	echo, err := self.RemoteLookup(ctx, host, port, "echo")
	return goaktNear{self, sink, echo}, err
}

func (g goaktNear) telling(ctx context.Context, f func(remoteTell) error) error {
	batch := make([]any, 0, goaktBatch)
	return f(func(m *benchpb.Load) error {
		if m != nil {
			batch = append(batch, m)
		}
		if m != nil && len(batch) < goaktBatch || len(batch) == 0 {
			return nil
		}
		err := g.self.BatchTell(ctx, g.sink, batch...)
		batch = batch[:0]
		return err
	})
}

func (g goaktNear) asking(ctx context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		return f(func(m *benchpb.Load) (*benchpb.Load, error) {
			answer, err := g.self.Ask(ctx, g.echo, m, askLimit)
			if err != nil {
				return nil, err
			}
			return loadOf(answer)
		})
	})
}
