package actor

import (
	"errors"
	"fmt"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Spawner is where an actor can be spawned: a *System, or the *Context of the
// actor that becomes its parent.
type Spawner interface {
	// place checks a name, completes it to an id, and tells under whom it goes.
	place(name string) (p place, err error)
}

type place struct {
	sys    *System
	id     string // "" for one that is made when somebody asks
	name   string // the id's last part
	parent *core  // nil for the system
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
	pid, cell, err := spawnAt(p, new, opts)
	if err != nil {
		return Ref[M]{}, err
	}
	return Ref[M]{pid: pid, sys: p.sys, cell: cell}, nil
}

// spawnIn is Spawn in a system without a check of the name.
func spawnIn[M any](s *System, name string, new func() Behavior[M], opts []SpawnOption) (*pa.PID, error) {
	p, err := s.place(name)
	if err != nil {
		return nil, err
	}
	pid, c, err := spawnAt(p, new, opts)
	if c != nil {
		pid = c.self()
	}
	return pid, err
}

func (s *System) place(name string) (place, error) {
	if s.closed.Load() {
		return place{}, fmt.Errorf("spawn %q: %w", name, ErrStopped)
	}
	return place{sys: s, id: name}, nil
}

// spawnAt returns the PID of what is not a cell of ours, else the cell.
func spawnAt[M any](p place, new func() Behavior[M], opts []SpawnOption) (*pa.PID, *core, error) {
	parent := p.parent
	if parent != nil && parent.plan.spawn != nil { // the user's middleware wants a say
		pid, err := parent.SpawnNamed(Props(new, opts...), p.name)
		return pid, nil, err
	}
	under := p.sys.guardian.ctx.self
	if parent != nil {
		under = parent.self()
	}
	c, err := spawnCell(p.sys, p.id, under, new, p.sys.plan(opts))
	if err != nil {
		return nil, nil, err
	}
	if parent != nil {
		parent.addChild(c.self())
	}
	return nil, c, nil
}

// errNoSystem: protoactor's Spawn was called in a system that is not ours.
var errNoSystem = errors.New("actor: no System was made for this protoactor system: see Adopt")

// Props is the same actor for protoactor's Spawn, in a system that was made by
// NewSystem or brought in by Adopt. As there, spawning panics if new does when
// Spawn has no error to return. Middleware and the like are given by options of
// this package: Props that were given protoactor's own are refused.
func Props[M any](new func() Behavior[M], opts ...SpawnOption) *pa.Props {
	return (&pa.Props{}).Configure(pa.WithSpawnFunc(
		func(ps *pa.ActorSystem, id string, props *pa.Props, parent pa.SpawnerContext) (*pa.PID, error) {
			s := systemOf(ps)
			if s == nil {
				return nil, errNoSystem
			}
			if err := refuseForeign(props); err != nil {
				return nil, err
			}
			c, err := spawnCell(s, id, parent.Self(), new, s.plan(opts))
			if err != nil {
				return nil, err
			}
			return c.self(), nil
		}))
}

// spawnCell starts a typed actor.
func spawnCell[M any](s *System, id string, parent *pa.PID, new func() Behavior[M], p *plan) (*core, error) {
	if id != "" && s.taken(id) {
		return nil, fmt.Errorf("spawn %q: %w", id, ErrNameTaken)
	}
	first, err := construct(new)
	if err != nil {
		return nil, &SpawnError{Name: id, Err: err}
	}
	c := &cell[M]{new: new, behavior: first}
	c.ctx.cell = c
	_, starts := first.(Starter[M])
	if !c.launch(s, id, parent, c, p, starts) {
		return nil, fmt.Errorf("spawn %q: %w", id, ErrNameTaken)
	}
	return &c.core, nil
}

// taken tells early that an id is in use, before user code runs in vain.
func (s *System) taken(id string) bool {
	_, ok := s.proto.ProcessRegistry.GetLocal(id)
	return ok
}

// launch registers a cell and lets it run; false means that the id is taken. If
// starting the actor does nothing that can be seen, it waits for the first message.
func (c *core) launch(s *System, id string, parent *pa.PID, h handler, p *plan, starts bool) bool {
	if parent == nil {
		parent = s.guardian.ctx.self
	}
	c.sys, c.h, c.plan, c.parent, c.gen = s, h, p, parent, anyGen+1
	c.straight = !p.filtered()
	if id == "" {
		c.num = s.counter.Add(1)
	} else {
		name := id // the parameter itself would go to the heap for anonymous actors too
		c.name = &name
	}
	if p.mailbox == nil {
		c.box.Init(c, s.pool)
	} else {
		c.other = &otherBox{p.mailbox()}
		c.other.RegisterHandlers(c, s.pool)
	}
	top := parent == s.guardian.ctx.self
	if top {
		s.guardian.entered()
	}
	if !s.admit(c) {
		if top {
			s.guardian.left()
		}
		return false
	}
	for _, init := range p.inits {
		init(c.shown())
	}
	if starts || !c.ours() || !c.straight {
		c.postSystem(startedMessage)
	}
	if top && s.closed.Load() { // spawned while Close was listing
		c.postSystem(stopMessage)
	}
	if c.ours() {
		c.box.Start()
	} else {
		c.other.Start()
	}
	return true
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
