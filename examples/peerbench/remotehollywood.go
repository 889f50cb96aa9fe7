package main

import (
	"context"
	"fmt"

	"github.com/anthdm/hollywood/actor"
	"github.com/anthdm/hollywood/remote"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// hollywoodBuffer is how large a frame may be. Hollywood puts up to 4,096 waiting
// messages into one; with its default of 4 MB it would lose those of 1 KiB.
const hollywoodBuffer = 16 << 20

// hollywoodNear has hollywood's defaults but for hollywoodBuffer.
type hollywoodNear struct {
	engine     *actor.Engine
	sink, echo *actor.PID
}

// hollywoodLoads is an actor for loads.
type hollywoodLoads func(*actor.Context, *benchpb.Load)

func (f hollywoodLoads) Receive(c *actor.Context) {
	if m, ok := c.Message().(*benchpb.Load); ok {
		f(c, m)
	}
}

func startHollywoodNode() (*actor.Engine, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	r := remote.New(address, remote.NewConfig().WithBufferSize(hollywoodBuffer))
	engine, err := actor.NewEngine(actor.NewEngineConfig().WithRemote(r))
	return engine, address, err
}

func serveHollywood(s side) (far, error) {
	engine, address, err := startHollywoodNode()
	if err != nil {
		return far{}, err
	}
	spawn := func(name string, f hollywoodLoads) {
		engine.Spawn(func() actor.Receiver { return f }, name, actor.WithID("1"))
	}
	spawn("sink", func(_ *actor.Context, m *benchpb.Load) { s.got(m.Seq, len(m.Text)) })
	spawn("echo", func(c *actor.Context, m *benchpb.Load) { c.Respond(m) })
	return far{address}, nil
}

func dialHollywood(_ context.Context, _ side, address string) (near, error) {
	engine, _, err := startHollywoodNode()
	return hollywoodNear{engine, actor.NewPID(address, "sink/1"), actor.NewPID(address, "echo/1")}, err
}

func (h hollywoodNear) telling(_ context.Context, f func(remoteTell) error) error {
	return f(func(m *benchpb.Load) error {
		if m != nil {
			h.engine.Send(h.sink, m)
		}
		return nil
	})
}

func (h hollywoodNear) asking(_ context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		return f(func(m *benchpb.Load) (*benchpb.Load, error) {
			answer, err := h.engine.Request(h.echo, m, askLimit).Result()
			if err != nil {
				return nil, err
			}
			return loadOf(answer)
		})
	})
}
