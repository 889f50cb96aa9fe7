package sharding

import (
	"context"
	"sync"
)

// A node without a lease may be one that the others have replaced: whatever it
// hosts must not begin anything (rules L4 and L5). The gate in front of each
// entity looks at the clock before each message. One that comes too late is set
// aside, and with it all that is still in the mailbox, so that the order stays;
// new messages wait in the line. A mark behind them all tells when the mailbox
// is empty. When the lease returns, what was set aside goes first, then the
// line. An entity for which nothing comes does not notice.

// pauseMark is the last message that was in a mailbox when its entity paused.
type pauseMark struct{}

// setAside keeps a message that came without a lease, a user's or one of the
// system. It is called on the entity's goroutine.
func (r *router) setAside(l *life, system bool, msg any) {
	st := r.stripe(l.seat.key.slot)
	st.mu.Lock()
	if l.aside == nil {
		l.aside = new(aside)
	}
	if system {
		l.aside.system = append(l.aside.system, msg)
	} else {
		l.aside.users = append(l.aside.users, msg)
	}
	mark := l.pause()
	st.mu.Unlock()
	if mark {
		l.box.PostUserMessage(pauseMark{})
		// A lease that was late by a moment comes back without a word of it.
		if !r.standing.Swap(true) {
			r.poke()
		}
	}
}

// pause begins a pause, and reports whether the mark is to be posted. Callers
// hold the lock.
func (l *life) pause() (mark bool) {
	if l.still.Load() {
		return false
	}
	l.still.Store(true)
	if l.line.state == running || l.line.state == starting {
		l.line.state = pausing
	}
	return true
}

// stand notes that the mailbox is empty. The lease may be back by now. It is
// called on the entity's goroutine.
func (r *router) stand(l *life) {
	st := r.stripe(l.seat.key.slot)
	st.mu.Lock()
	if l.line.life != l || l.line.state != pausing {
		st.mu.Unlock()
		return
	}
	l.line.state = paused
	r.goOn(st, l.seat, l.line)
}

// goOn ends the pause of a line's entity if there is a lease, and works the line
// off. It is called with the lock and gives it up.
func (r *router) goOn(st *stripe, s *seat, ln *line) {
	if ln.state == paused && r.mayAct() {
		l := ln.life
		ln.state = running
		l.still.Store(false)
		if a := l.aside; a != nil {
			for _, msg := range a.system {
				l.box.PostSystemMessage(msg)
			}
			for _, msg := range a.users {
				l.box.PostUserMessage(msg)
			}
			l.aside = nil
		}
	}
	r.pump(st, s, ln)
}

// resume lets everything go on after the lease has returned.
func (r *router) resume() { r.each(r.goOn) }

// pauses makes the contexts that end with the lease.
type pauses struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

// context is the parent of what entities get: it is done while there is no lease.
func (p *pauses) context() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ctx
}

// fence ends the contexts of all entities: a handler that still runs should
// return.
func (p *pauses) fence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
}

// lift makes new contexts possible.
func (p *pauses) lift() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil || p.ctx.Err() != nil {
		p.ctx, p.cancel = context.WithCancel(context.Background())
	}
}
