package actor

import (
	"errors"
	"fmt"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// Spawner is where an actor can be spawned: a *System, or the *Context of the
// actor that becomes its parent.
type Spawner interface {
	// place checks a name, completes it to an id, and tells under whom it goes.
	place(name string) (p place, err error)
}

type place struct {
	sys    *System
	id     string
	parent *core // nil for the system
}

// SpawnOption changes how an actor is spawned.
type SpawnOption interface{ apply(*spawnOptions) }

type spawnOptions struct {
	mailbox    mailbox.Producer
	supervisor Supervisor
}

type optionFunc func(*spawnOptions)

func (f optionFunc) apply(o *spawnOptions) { f(o) }

// WithMailbox gives the actor a mailbox made by p. The default is mailbox.Unbounded.
func WithMailbox(p mailbox.Producer) SpawnOption {
	return optionFunc(func(o *spawnOptions) { o.mailbox = p })
}

// WithSupervisor says what becomes of this actor when it fails. The default is
// Backoff{}: restart for ever.
func WithSupervisor(s Supervisor) SpawnOption {
	return optionFunc(func(o *spawnOptions) { o.supervisor = s })
}

func (s *System) options(opts []SpawnOption) spawnOptions {
	o := spawnOptions{mailbox: s.mailbox, supervisor: Backoff{}}
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}

// Spawn starts an actor. The name "" stands for an id that no other actor ever
// has; names must not begin with '$' nor contain '#'. A child's id is its parent's,
// "/" and its name; it stops with its parent. Errors: ErrNameTaken, ErrBadName,
// ErrStopped when the system is closed, *SpawnError when new panicked.
func Spawn[M any](in Spawner, name string, new func() Behavior[M], opts ...SpawnOption) (Ref[M], error) {
	if err := validName(name); err != nil {
		return Ref[M]{}, err
	}
	p, err := in.place(name)
	if err != nil {
		return Ref[M]{}, err
	}
	pid, err := spawnAt(p, new, opts)
	if err != nil {
		return Ref[M]{}, err
	}
	return Ref[M]{pid: pid, sys: p.sys}, nil
}

// spawnIn is Spawn in a system without a check of the name.
func spawnIn[M any](s *System, name string, new func() Behavior[M], opts []SpawnOption) (*pa.PID, error) {
	p, err := s.place(name)
	if err != nil {
		return nil, err
	}
	return spawnAt(p, new, opts)
}

func (s *System) place(name string) (place, error) {
	if s.closed.Load() {
		return place{}, fmt.Errorf("spawn %q: %w", name, ErrStopped)
	}
	if name == "" {
		name = s.anonymous()
	}
	return place{sys: s, id: name}, nil
}

func spawnAt[M any](p place, new func() Behavior[M], opts []SpawnOption) (*pa.PID, error) {
	if p.parent != nil {
		return p.parent.spawnChild(p.id, Props(new, opts...))
	}
	pid, err := spawnCell(p.sys, p.id, &pa.Props{}, p.sys.guardian.context(), new, p.sys.options(opts))
	if err == nil {
		p.sys.guardian.adopt(pid)
	}
	return pid, err
}

// Props is the same actor for protoactor's Spawn, in a system that was made by
// NewSystem or brought in by Adopt. As there, spawning panics if new does when
// Spawn has no error to return. protoactor's options for middleware apply; its
// options for mailbox, dispatcher and supervisor do not.
func Props[M any](new func() Behavior[M], opts ...SpawnOption) *pa.Props {
	return (&pa.Props{}).Configure(pa.WithSpawnFunc(
		func(ps *pa.ActorSystem, id string, props *pa.Props, parent pa.SpawnerContext) (*pa.PID, error) {
			s := systemOf(ps)
			if s == nil {
				return nil, errors.New("actor: no System was made for this protoactor system: see Adopt")
			}
			top := parent.Self() == nil
			if top {
				parent = s.guardian.context()
			}
			pid, err := spawnCell(s, id, props, parent, new, s.options(opts))
			if top && err == nil {
				s.guardian.adopt(pid)
			}
			return pid, err
		}))
}

// spawnCell starts a cell under protoactor's stock context.
func spawnCell[M any](s *System, id string, props *pa.Props, parent pa.SpawnerContext, new func() Behavior[M], o spawnOptions) (*pa.PID, error) {
	if _, taken := s.proto.ProcessRegistry.GetLocal(id); taken {
		return nil, fmt.Errorf("spawn %q: %w", id, ErrNameTaken)
	}
	first, err := construct(new)
	if err != nil {
		return nil, &SpawnError{Name: id, Err: err}
	}
	c := newCell(s, new, first, o.supervisor)
	inner := *props // keeps the user's middleware
	inner.Configure(
		pa.WithProducer(func() pa.Actor { return c }),
		pa.WithMailbox(func() pa.Mailbox { return c.attach(o.mailbox()) }),
		pa.WithDispatcher(s.pool),
		pa.WithSupervisor(&family{core: &c.core}),
	)
	pid, err := pa.DefaultSpawner(s.proto, id, &inner, parent)
	if err != nil {
		return nil, fmt.Errorf("spawn %q: %w", id, ErrNameTaken)
	}
	return pid, nil
}

// construct calls the user's constructor.
func construct[M any](new func() Behavior[M]) (b Behavior[M], err error) {
	defer catch(&err)
	b = new()
	if b == nil {
		return nil, errors.New("the constructor returned nil")
	}
	return b, nil
}
