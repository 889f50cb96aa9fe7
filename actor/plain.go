package actor

import (
	"errors"

	pa "github.com/asynkron/protoactor-go/actor"
)

// plainCell is the cell of an untyped actor.
type plainCell struct {
	core
	producer pa.Producer
	inner    pa.Actor
	kept     *stash
}

// CellProps makes the Props of an untyped actor that runs on this package's cell
// in place of protoactor's own context; the actor sees a pa.Context all the same.
// It is spawned as any other, in a system that was made by NewSystem or brought in
// by Adopt. What it gains: no garbage for sending and answering; what is left in
// its mailbox at the end becomes dead letters; a watching parent hears of a child's
// end once; receive time-outs repeat; stashed messages come back in order and with
// their senders; continuations take their turn; restarts back off; nothing of it
// ends the process.
//
// Middleware, decorators, a mailbox and the like are given as options here. What
// protoactor's own PropsOptions set, nobody but protoactor can use: Props that were
// given some are refused when they are spawned.
func CellProps(producer pa.Producer, opts ...SpawnOption) *pa.Props {
	return (&pa.Props{}).Configure(pa.WithProducer(producer), pa.WithSpawnFunc(
		func(ps *pa.ActorSystem, id string, props *pa.Props, parent pa.SpawnerContext) (*pa.PID, error) {
			s := systemOf(ps)
			if s == nil {
				return nil, errNoSystem
			}
			if err := refuseForeign(props); err != nil {
				return nil, err
			}
			return s.spawnPlain(id, parent.Self(), producer, s.plan(opts))
		}))
}

// CellFunc is CellProps for an actor without state.
func CellFunc(f pa.ReceiveFunc, opts ...SpawnOption) *pa.Props {
	return CellProps(func() pa.Actor { return f }, opts...)
}

var errNilActor = errors.New("the producer returned nil")

func (s *System) spawnPlain(id string, parent *pa.PID, producer pa.Producer, p *plan) (*pa.PID, error) {
	c := &plainCell{producer: producer}
	if s.taken(id) {
		return s.proto.NewLocalPID(id), pa.ErrNameExists
	}
	if err := c.incarnate(); err != nil {
		return nil, &SpawnError{Name: id, Err: err}
	}
	if !c.launch(s, id, parent, c, p, true) {
		return s.proto.NewLocalPID(id), pa.ErrNameExists
	}
	return c.self(), nil
}

func (c *plainCell) incarnate() (err error) {
	defer catch(&err)
	c.inner = nil
	if c.inner = c.producer(); c.inner == nil {
		return errNilActor
	}
	return nil
}

func (c *plainCell) actor() pa.Actor { return c.inner }

func (c *plainCell) take() {
	if c.inner != nil {
		c.inner.Receive(c.shown())
	}
}

func (c *plainCell) receive() {
	switch c.msg.(type) {
	case *pa.Restarting:
		if !c.user {
			c.lastWord()
			return
		}
	case *pa.Stopped:
		if !c.user {
			c.lastWord()
			return
		}
	}
	c.take()
}

// lastWord is received by an actor that ends, if it ever began.
func (c *plainCell) lastWord() {
	defer c.endBehavior() // even after a panic
	defer c.kept.rewind()
	if c.inner != nil {
		c.inner.Receive(c.shown())
	}
}

func (c *plainCell) hold() error {
	if c.kept == nil {
		c.kept = &stash{}
	}
	return c.kept.add(&c.core)
}

// goOn hands out after a restart what was stashed.
func (c *plainCell) goOn() {
	for c.kept != nil && c.busy() {
		t, ok := c.kept.next()
		if !ok {
			return
		}
		c.user, c.msg, c.env, c.asked = true, t.msg, nil, t.asked
		c.take()
		c.user = false
		c.drop()
	}
}

// endsSilently is never so: an untyped actor receives Stopping and Stopped.
func (c *plainCell) endsSilently() bool { return false }

func (c *plainCell) bury() { c.kept.bury(&c.core) }
