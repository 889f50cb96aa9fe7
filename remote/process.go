package remote

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// route is the process of all PIDs with an address. A PID keeps the process
// that it has resolved to for ever, but peers are forgotten and Remotes have
// successors: the route finds the peer of now.
type route struct {
	line    *succession
	address string
	p       atomic.Pointer[peer]
}

var (
	_ pa.Process    = (*route)(nil)
	_ actor.Sender  = (*route)(nil)
	_ actor.Awaiter = (*route)(nil)
)

// errForgotten has the route look for the peer again.
var errForgotten = errors.New("remote: peer was forgotten")

// errPeers: too many addresses are known.
var errPeers = fmt.Errorf("%w: too many addresses are known", actor.ErrMailboxFull)

// resolve is the address resolver of the actor system.
func (r *Remote) resolve(pid *pa.PID) (pa.Process, bool) {
	if p := r.known(pid.Address); p != nil {
		return p.route, true
	}
	if pid.Address == actor.EntityAddress || pid.Address == r.self.Address || !wire.CheckAddress(pid.Address) {
		return nil, false
	}
	p := r.peer(pid.Address)
	if p == nil {
		return nil, false
	}
	return p.route, true
}

// with calls f with the peer, once more if it was forgotten meanwhile.
func (rt *route) with(f func(p *peer) error) error {
	for {
		err := f(rt.current())
		if err != errForgotten {
			return err
		}
		p := rt.line.current.Load().peer(rt.address)
		if p == nil {
			return errPeers
		}
		rt.p.Store(p)
	}
}

// current is the peer in the newest Remote. If that knows too many addresses,
// it is the former one, which is closed and makes dead letters.
func (rt *route) current() *peer {
	p, now := rt.p.Load(), rt.line.current.Load()
	if p.r == now {
		return p
	}
	if q := now.reach(rt.address); q != nil {
		rt.p.Store(q)
		return q
	}
	return p
}

// SendUserMessage queues a message. It never blocks; what cannot leave is a
// dead letter.
func (rt *route) SendUserMessage(pid *pa.PID, message any) {
	err := rt.with(func(p *peer) error { return p.send(pid, message) })
	if err != nil {
		_, msg, sender := pa.UnwrapEnvelope(message)
		p := rt.p.Load()
		p.r.drop(p, err)
		p.r.sys.DeadLetter(pid, sender, msg, err)
	}
}

// Await has the asker read the connection by which answers come.
func (rt *route) Await(answer <-chan any) {
	p := rt.p.Load()
	if c := p.answers.Load(); c != nil && !p.many.Load() {
		c.lead(answer)
	}
}

// SendWait queues a message; it waits for room until ctx ends.
func (rt *route) SendWait(ctx context.Context, to *pa.PID, message any) error {
	return rt.with(func(p *peer) error { return p.sendWait(ctx, to, message) })
}

// send queues a message. It and sendWait do not share more, since an envelope
// that is passed to a function value would cost an allocation for each message.
func (p *peer) send(pid *pa.PID, message any) error {
	var e wire.Outgoing
	scratch, err := p.encode(&e, pid, message)
	if err == nil {
		err = p.userFor(pid.Id).push(&e)
	}
	return p.sent(e.Payload, scratch, err)
}

func (p *peer) sendWait(ctx context.Context, pid *pa.PID, message any) error {
	var e wire.Outgoing
	scratch, err := p.encode(&e, pid, message)
	if err == nil {
		err = p.userFor(pid.Id).pushWait(ctx, &e)
	}
	return p.sent(e.Payload, scratch, err)
}

// encode makes an envelope on the sender's goroutine, outside of any lock. Its
// payload may be in the scratch buffer.
func (p *peer) encode(e *wire.Outgoing, pid *pa.PID, message any) (scratch *[]byte, err error) {
	msg, sender := message, (*pa.PID)(nil)
	if env, ok := message.(*pa.MessageEnvelope); ok {
		e.Headers, msg, sender = env.Header, env.Message, env.Sender
	}
	scratch = p.r.scratch.Get().(*[]byte)
	e.To.S = pid.Id
	e.Type.S, e.Payload, err = p.r.codecs.encode((*scratch)[:0], msg)
	if err == nil && len(e.Payload) > p.r.cfg.MaxMessage {
		err = fmt.Errorf("%w: %w: %d bytes, limit %d", actor.ErrNotPortable, ErrTooLarge, len(e.Payload), p.r.cfg.MaxMessage)
	}
	if err == nil {
		p.from(e, sender)
	}
	return scratch, err
}

// sent ends what encode began.
func (p *peer) sent(payload []byte, scratch *[]byte, err error) error {
	if cap(payload) <= chunkBytes/2 { // else the queue may have kept it
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
func (rt *route) SendSystemMessage(pid *pa.PID, message any) {
	err := rt.with(func(p *peer) error { return p.sendSystem(pid, message) })
	if err != nil {
		rt.p.Load().r.sys.DeadLetter(pid, nil, message, err)
	}
}

func (p *peer) sendSystem(pid *pa.PID, message any) error {
	switch m := message.(type) {
	case *pa.Watch:
		return p.watch(pid, m.Watcher)
	case *pa.Unwatch:
		return p.unwatch(pid, m.Watcher)
	case *pa.Terminated:
		return p.terminated(pid, m)
	case *pa.Stop:
		return p.stop(pid)
	}
	return fmt.Errorf("%w: system message %T", actor.ErrNotPortable, message)
}

// Stop asks the actor to stop.
func (rt *route) Stop(pid *pa.PID) { rt.SendSystemMessage(pid, &pa.Stop{}) }

func (p *peer) stop(pid *pa.PID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.forgotten:
		return errForgotten
	case p.isGone():
		return actor.ErrNodeRemoved
	case !p.control.pushSystem(systemMessage{op: remotepb.System_OP_STOP, target: pid.Id}):
		return actor.ErrMailboxFull
	}
	return nil
}
