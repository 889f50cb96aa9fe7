package remote

import (
	"context"
	"errors"
	"fmt"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// A peer is the process of all PIDs with its address.
var (
	_ pa.Process   = (*peer)(nil)
	_ actor.Sender = (*peer)(nil)
)

// resolve is the address resolver of the actor system.
func (r *Remote) resolve(pid *pa.PID) (pa.Process, bool) {
	if pid.Address == actor.EntityAddress || pid.Address == r.self.Address || !wire.CheckAddress(pid.Address) {
		return nil, false
	}
	p := r.peer(pid.Address)
	if p == nil {
		return nil, false
	}
	return p, true
}

// SendUserMessage queues a message. It never blocks; what cannot leave is a
// dead letter.
func (p *peer) SendUserMessage(pid *pa.PID, message any) {
	p = p.current()
	_, msg, sender := pa.UnwrapEnvelope(message)
	if err := p.send(pid, sender, msg, p.user.push); err != nil {
		p.count(err)
		p.r.sys.DeadLetter(pid, sender, msg, err)
	}
}

// SendWait queues a message; it waits for room until ctx ends.
func (p *peer) SendWait(ctx context.Context, to *pa.PID, message any) error {
	p = p.current()
	_, msg, sender := pa.UnwrapEnvelope(message)
	return p.send(to, sender, msg, func(e *wire.Outgoing) error { return p.user.pushWait(ctx, e) })
}

func (p *peer) count(err error) {
	if errors.Is(err, actor.ErrMailboxFull) {
		p.r.count.overflow.Add(1)
	}
	p.r.count.undelivered.Add(1)
}

// send encodes on the sender's goroutine, outside of any lock.
func (p *peer) send(pid, sender *pa.PID, msg any, push func(*wire.Outgoing) error) error {
	scratch := p.r.scratch.Get().(*[]byte)
	typ, payload, err := encode((*scratch)[:0], msg)
	if err == nil && len(payload) > p.r.cfg.MaxMessage {
		err = fmt.Errorf("%w: %w: %d bytes, limit %d", actor.ErrNotPortable, ErrTooLarge, len(payload), p.r.cfg.MaxMessage)
	}
	if err == nil {
		e := wire.Outgoing{To: wire.Text{S: pid.Id}, Type: wire.Text{S: typ}, Payload: payload}
		p.from(&e, sender)
		err = push(&e)
	}
	if cap(payload) <= chunkBytes {
		*scratch = payload[:0]
	}
	p.r.scratch.Put(scratch)
	if err == nil {
		p.r.count.sent.Add(1)
	}
	return err
}

func (p *peer) from(e *wire.Outgoing, sender *pa.PID) {
	if sender == nil {
		return
	}
	address, id := p.r.sys.Portable(sender)
	e.From.S = id
	if address == p.r.self.Address {
		p.r.show(id)
	}
	if address != p.r.self.Address {
		e.FromAddress.S = address
	}
}

// SendSystemMessage sends what concerns the life of an actor.
func (p *peer) SendSystemMessage(pid *pa.PID, message any) {
	p = p.current()
	switch m := message.(type) {
	case *pa.Watch:
		p.watch(pid, m.Watcher)
	case *pa.Unwatch:
		p.unwatch(pid, m.Watcher)
	case *pa.Terminated:
		p.terminated(pid, m)
	case *pa.Stop:
		p.stop(pid)
	default:
		p.r.sys.DeadLetter(pid, nil, message, fmt.Errorf("%w: system message %T", actor.ErrNotPortable, message))
	}
}

// Stop asks the actor to stop.
func (p *peer) Stop(pid *pa.PID) { p.current().stop(pid) }

func (p *peer) stop(pid *pa.PID) {
	p.mu.Lock()
	gone := p.isGone()
	p.mu.Unlock()
	switch {
	case gone:
		p.r.sys.DeadLetter(pid, nil, &pa.Stop{}, actor.ErrNodeRemoved)
	case !p.control.pushSystem(systemMessage{op: remotepb.System_OP_STOP, target: pid.Id}):
		p.r.sys.DeadLetter(pid, nil, &pa.Stop{}, actor.ErrMailboxFull)
	}
}
