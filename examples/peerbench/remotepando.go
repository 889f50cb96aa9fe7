package main

import (
	"context"
	"log/slog"
	"net"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
	"github.com/pando-go/pando/remote"
)

// pandoNear sends through typed refs, with defaults. It sends by Ref.Send, which
// waits while the queue for the other node is full, as who has more to send than
// fits must.
type pandoNear struct{ sink, echo actor.Ref[*benchpb.Load] }

// startPandoNode starts a node on a free port.
func startPandoNode(s side, secure bool) (*actor.System, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	sys, err := actor.NewSystem(actor.Config{Name: "peerbench", Address: ln.Addr().String(), Logger: quiet})
	if err != nil {
		return nil, err
	}
	cfg := remote.Config{Logger: quiet, Expose: []string{"sink", "echo"}}
	if secure {
		if cfg.TLS, err = s.identity.mutual(); err != nil {
			return nil, err
		}
	}
	_, err = remote.Listen(sys, ln, cfg)
	return sys, err
}

func servePando(secure bool) func(side) (far, error) {
	return func(s side) (far, error) {
		sys, err := startPandoNode(s, secure)
		if err != nil {
			return far{}, err
		}
		_, err = actor.Spawn(sys, "sink", actor.Func(func(_ *actor.Context[*benchpb.Load], m *benchpb.Load) error {
			s.got(m.Seq, len(m.Text))
			return nil
		}))
		if err != nil {
			return far{}, err
		}
		_, err = actor.Spawn(sys, "echo", actor.Func(func(c *actor.Context[*benchpb.Load], m *benchpb.Load) error {
			c.Reply(m)
			return nil
		}))
		return far{sys.Address()}, err
	}
}

func dialPando(secure bool) func(context.Context, side, string) (near, error) {
	return func(_ context.Context, s side, address string) (near, error) {
		sys, err := startPandoNode(s, secure)
		if err != nil {
			return nil, err
		}
		base := "pando://peerbench@" + address
		sink, err := actor.ParseRef[*benchpb.Load](sys, base+"/sink")
		if err != nil {
			return nil, err
		}
		echo, err := actor.ParseRef[*benchpb.Load](sys, base+"/echo")
		return pandoNear{sink, echo}, err
	}
}

func (p pandoNear) telling(ctx context.Context, f func(remoteTell) error) error {
	return f(func(m *benchpb.Load) error {
		if m == nil {
			return nil
		}
		return p.sink.Send(ctx, m)
	})
}

func (p pandoNear) asking(ctx context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		return f(func(m *benchpb.Load) (*benchpb.Load, error) {
			return actor.Ask[*benchpb.Load](ctx, p.echo.With(m))
		})
	})
}
