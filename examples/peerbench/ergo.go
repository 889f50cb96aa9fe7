package main

import (
	"context"
	"time"

	ergoservices "ergo.services/ergo"
	"ergo.services/ergo/act"
	"ergo.services/ergo/gen"
	"ergo.services/ergo/node"
)

// ergo has its defaults, without network and without its system application,
// which reports to its makers.
type ergo struct{ node gen.Node }

type ergoActor struct {
	node gen.Node
	pid  gen.PID
}

// ergoStop has a process end in the ordinary way and say when it has ended.
type ergoStop struct{ ended chan struct{} }

type ergoBehavior struct {
	act.Actor
	got   func(gen.Process, *Message)
	ended chan struct{}
}

func (b *ergoBehavior) HandleMessage(_ gen.PID, message any) error {
	switch m := message.(type) {
	case *Message:
		b.got(b.Process, m)
	case *ergoStop:
		b.ended = m.ended
		return gen.TerminateReasonNormal
	case func(gen.Process):
		m(b.Process)
	}
	return nil
}

func (b *ergoBehavior) HandleCall(_ gen.PID, _ gen.Ref, request any) (any, error) {
	return request, nil
}

// Terminate is called when the node has forgotten the process.
func (b *ergoBehavior) Terminate(error) {
	if b.ended != nil {
		close(b.ended)
	}
}

func startErgo() (Runtime, error) {
	n, err := node.Start("peerbench@localhost", gen.NodeOptions{
		Network: gen.NetworkOptions{Mode: gen.NetworkModeDisabled},
		Log: gen.LogOptions{
			Level:         gen.LogLevelDisabled,
			DefaultLogger: gen.DefaultLoggerOptions{Disable: true},
		},
	}, ergoservices.FrameworkVersion)
	if err != nil {
		return nil, err
	}
	return ergo{n}, nil
}

func (e ergo) spawn(got func(gen.Process, *Message)) spawn {
	factory := func() gen.ProcessBehavior { return &ergoBehavior{got: got} }
	return func() (Actor, error) {
		pid, err := e.node.Spawn(factory, gen.ProcessOptions{})
		return ergoActor{e.node, pid}, err
	}
}

func (e ergo) Counter(got func(*Message), _ use) spawn {
	return e.spawn(func(_ gen.Process, m *Message) { got(m) })
}

func (e ergo) Echo() (Actor, error) { return e.spawn(nil)() }

func (e ergo) Bounce(again func() bool) (Actor, error) {
	var ping, pong gen.PID
	first, err := e.spawn(func(p gen.Process, m *Message) {
		if again() {
			_ = p.SendPID(pong, m) // what is lost is missed
		}
	})()
	if err != nil {
		return nil, err
	}
	second, err := e.spawn(func(p gen.Process, m *Message) { _ = p.SendPID(ping, m) })()
	if err != nil {
		return nil, err
	}
	ping, pong = first.(ergoActor).pid, second.(ergoActor).pid
	return first, nil
}

// Outside asks from within a process, since a node cannot; its calls always have
// a time-out, in seconds.
func (e ergo) Outside(_ time.Duration, f func(ask) error) error {
	asker, err := e.spawn(nil)()
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	err = e.node.Send(asker.(ergoActor).pid, func(p gen.Process) {
		result <- f(func(_ context.Context, to Actor, m *Message) (any, error) {
			return p.CallPID(to.(ergoActor).pid, m, int(askLimit/time.Second))
		})
	})
	if err != nil {
		return err
	}
	err = <-result
	if stop := asker.Stop(); err == nil {
		err = stop
	}
	return err
}

func (e ergo) Close() error {
	e.node.Stop()
	return nil
}

func (a ergoActor) Tell(m *Message) error { return a.node.Send(a.pid, m) }

func (a ergoActor) Stop() error {
	ended := make(chan struct{})
	if err := a.node.Send(a.pid, &ergoStop{ended}); err != nil {
		return err
	}
	<-ended
	return nil
}
