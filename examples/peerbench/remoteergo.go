package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	ergoservices "ergo.services/ergo"
	"ergo.services/ergo/act"
	"ergo.services/ergo/gen"
	"ergo.services/ergo/net/edf"
	"ergo.services/ergo/node"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// ergoLoad is benchpb.Load for ergo, which sends its own data format only.
type ergoLoad struct {
	Seq  uint64
	Text []byte
}

// ergoNear has ergo's defaults with network. Only processes send in order and ask.
type ergoNear struct {
	node  gen.Node
	where ergoAddress
}

// ergoAddress is what the near side must know.
type ergoAddress struct {
	Node       gen.Atom
	Port       uint16
	Sink, Echo ergoPID
}

// ergoPID is a gen.PID, whose own JSON cannot be read back.
type ergoPID struct {
	Node     gen.Atom
	ID       uint64
	Creation int64
}

type ergoLoads struct {
	act.Actor
	got func(ergoLoad)
}

func (b *ergoLoads) HandleMessage(_ gen.PID, message any) error {
	switch m := message.(type) {
	case ergoLoad:
		b.got(m)
	case func(gen.Process):
		m(b.Process)
	}
	return nil
}

func (b *ergoLoads) HandleCall(_ gen.PID, _ gen.Ref, request any) (any, error) { return request, nil }

func startErgoNode(name string) (gen.Node, uint16, error) {
	if err := edf.RegisterTypeOf(ergoLoad{}); err != nil {
		return nil, 0, err
	}
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	n, err := node.Start(gen.Atom(fmt.Sprintf("%s%d@localhost", name, port)), gen.NodeOptions{
		Network: gen.NetworkOptions{
			Cookie:    "peerbench",
			Acceptors: []gen.AcceptorOptions{{Host: "127.0.0.1", Port: uint16(port)}},
		},
		Log: gen.LogOptions{
			Level:         gen.LogLevelDisabled,
			DefaultLogger: gen.DefaultLoggerOptions{Disable: true},
		},
	}, ergoservices.FrameworkVersion)
	return n, uint16(port), err
}

func serveErgo(s side) (far, error) {
	n, port, err := startErgoNode("far")
	if err != nil {
		return far{}, err
	}
	a := ergoAddress{Node: n.Name(), Port: port}
	factory := func() gen.ProcessBehavior {
		return &ergoLoads{got: func(m ergoLoad) { s.got(m.Seq, len(m.Text)) }}
	}
	sink, err := n.Spawn(factory, gen.ProcessOptions{})
	if err != nil {
		return far{}, err
	}
	echo, err := n.Spawn(factory, gen.ProcessOptions{})
	if err != nil {
		return far{}, err
	}
	a.Sink, a.Echo = ergoPID(sink), ergoPID(echo)
	text, err := json.Marshal(a)
	return far{string(text)}, err
}

func dialErgo(_ context.Context, _ side, address string) (near, error) {
	n, _, err := startErgoNode("near")
	if err != nil {
		return nil, err
	}
	e := ergoNear{node: n}
	if err := json.Unmarshal([]byte(address), &e.where); err != nil {
		return nil, err
	}
	route := gen.NetworkRoute{Route: gen.Route{Host: "127.0.0.1", Port: e.where.Port}, Cookie: "peerbench"}
	if _, err := n.Network().GetNodeWithRoute(e.where.Node, route); err != nil {
		return nil, err
	}
	return e, nil
}

// in runs f within a process, and returns when it has ended.
func (e ergoNear) in(f func(gen.Process) error) error {
	pid, err := e.node.Spawn(func() gen.ProcessBehavior { return &ergoLoads{} }, gen.ProcessOptions{})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	if err := e.node.Send(pid, func(p gen.Process) { ended <- f(p) }); err != nil {
		return err
	}
	return <-ended
}

func (e ergoNear) telling(_ context.Context, f func(remoteTell) error) error {
	return e.in(func(p gen.Process) error {
		return f(func(m *benchpb.Load) error {
			if m == nil {
				return nil
			}
			return p.SendPID(gen.PID(e.where.Sink), ergoLoad{m.Seq, m.Text})
		})
	})
}

func (e ergoNear) asking(_ context.Context, n int, f func(remoteAsk) error) error {
	return together(n, func() error {
		return e.in(func(p gen.Process) error {
			return f(func(m *benchpb.Load) (*benchpb.Load, error) { return e.ask(p, m) })
		})
	})
}

func (e ergoNear) ask(p gen.Process, m *benchpb.Load) (*benchpb.Load, error) {
	answer, err := p.CallPID(gen.PID(e.where.Echo), ergoLoad{m.Seq, m.Text}, int(askLimit/time.Second))
	if err != nil {
		return nil, err
	}
	got, ok := answer.(ergoLoad)
	if !ok {
		return nil, fmt.Errorf("the answer is a %T", answer)
	}
	return &benchpb.Load{Seq: got.Seq, Text: got.Text}, nil
}
