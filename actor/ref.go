package actor

import (
	"context"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// EntityAddress is the PID address of entity refs. It stands for no node: such
// a ref is valid on every node and resolved at each send.
const EntityAddress = "pando"

// Ref is the address of an actor that accepts messages of type M. It is a small
// value to be copied freely and used from any goroutine. The zero Ref leads
// nowhere: what is sent to it vanishes. Refs are compared by their String.
type Ref[M any] struct {
	_   [0]func() // not comparable: two refs to one actor need not be equal
	pid *pa.PID
	sys *System
	// cell spares local senders the way through the registry, and the actor a pid
	// until somebody asks for it. It is nil if the actor is not known to be one of
	// ours; the actor may be gone.
	cell *core
}

// Addressable is a Ref of any message type.
type Addressable interface {
	// PID is the protoactor address, nil for the zero Ref.
	PID() *pa.PID
	// System is what the ref belongs to, nil for the zero Ref.
	System() *System
}

// RefOf claims, unchecked, that the actor at pid accepts M.
func RefOf[M any](s *System, pid *pa.PID) Ref[M] {
	if pid == nil {
		return Ref[M]{}
	}
	return Ref[M]{pid: pid, sys: s}
}

// EntityRef is the ref of the entity of a kind with an id, wherever its home is.
// The service that installed the kind resolves it.
func EntityRef[M any](s *System, kind, id string) Ref[M] {
	return Ref[M]{pid: &pa.PID{Address: EntityAddress, Id: kind + "/" + id}, sys: s}
}

// ParseRef is the inverse of String. It claims, unchecked, that the actor accepts
// M. The error matches ErrBadRef; a ref of another cluster is one.
func ParseRef[M any](s *System, text string) (Ref[M], error) {
	pid, err := s.parse(text)
	if err != nil {
		return Ref[M]{}, err
	}
	return Ref[M]{pid: pid, sys: s}, nil
}

// Tell sends m. It never blocks and never fails: what cannot arrive is a dead
// letter with its reason.
func (r Ref[M]) Tell(m M) {
	switch {
	case r.cell != nil:
		(*process)(r.cell).SendUserMessage(r.pid, m)
	case r.pid != nil:
		r.sys.proto.Root.Send(r.pid, m)
	}
}

// Send is Tell that waits for room where the way to the actor is bounded. Errors:
// ErrNoActor, ErrMailboxFull, ErrStopped, ErrNotPortable, ctx's. No error does
// not mean that the actor has handled m; for that, Ask.
func (r Ref[M]) Send(ctx context.Context, m M) error {
	pid := r.PID()
	if pid == nil {
		return ErrNoActor
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p, ok := r.sys.proto.ProcessRegistry.Get(pid)
	if !ok {
		if r.sys.isLocal(pid) {
			return r.sys.absent(pid.Id)
		}
		return ErrNoActor
	}
	if w, ok := p.(Sender); ok {
		return w.SendWait(ctx, pid, m)
	}
	p.SendUserMessage(pid, m)
	return nil
}

// With addresses m to the actor, for Ask and AskThen.
func (r Ref[M]) With(m M) Envelope { return Envelope{to: r.pid, sys: r.sys, cell: r.cell, msg: m} }

// Envelope is a message with its receiver, whose types fit.
type Envelope struct {
	to   *pa.PID // nil if cell tells
	sys  *System
	cell *core // to's, if known
	msg  any
	// limit is how long to wait for the answer, 0 for as long as the context says.
	limit time.Duration
}

// Within bounds the wait for the answer: after d the ask ends with ErrTimeout, if
// its context has not ended it before. It may take a millisecond longer. Such a
// bound costs next to nothing, where a context of its own for each ask costs more
// than the ask. d of zero or less is over already.
func (e Envelope) Within(d time.Duration) Envelope {
	if e.limit = d; d <= 0 {
		e.limit = -1
	}
	return e
}

// String is the ref's one text form, for messages, logs and map keys:
//
//	pando://NAME@HOST:PORT/ID        an actor on a node
//	pando://NAME@HOST:PORT/ID#UID    in that incarnation of the node only
//	pando://NAME/KIND/ID             an entity, wherever it is
//
// What is not a letter, a digit or one of -._~$/:@+,;=!&()*'[] is written %XX.
// The text of the zero Ref is empty.
func (r Ref[M]) String() string {
	if r.sys == nil {
		return ""
	}
	return r.sys.format(r.PID())
}

// PID is the ref's protoactor address, nil for the zero Ref. It must not be changed.
func (r Ref[M]) PID() *pa.PID {
	if r.pid == nil && r.cell != nil {
		return r.cell.self()
	}
	return r.pid
}

// local is the actor's cell, nil if it is not known to have one.
func (r Ref[M]) local() *core { return r.cell }

// System is the system that the ref was made in, nil for the zero Ref.
func (r Ref[M]) System() *System { return r.sys }

// IsZero tells the zero Ref.
func (r Ref[M]) IsZero() bool { return r.pid == nil && r.cell == nil }
