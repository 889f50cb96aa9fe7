package actor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Stop lets an actor finish what is queued, then stops it, and waits until it has
// stopped. An actor that does not exist has stopped. When ctx ends first, Stop
// returns its error; the actor will stop nevertheless. An actor stops itself by
// [Context.Stop]: waiting for itself it would wait for ever. An entity cannot be
// stopped this way.
func Stop(ctx context.Context, who Addressable) error {
	if l, ok := who.(interface{ local() *core }); ok {
		if c := l.local(); c != nil && !c.dead.Load() {
			return stopError(c.sys, c.self, c.stopAndWait(ctx))
		}
	}
	sys, pid := who.System(), who.PID()
	switch {
	case sys == nil || pid == nil:
		return nil
	case pid.Address == EntityAddress:
		return errors.New("actor: an entity is stopped by its home only")
	}
	if c := sys.coreOf(pid); c != nil {
		return stopError(sys, c.self, c.stopAndWait(ctx))
	}
	err := sys.waitTerminated(ctx, pid, func() { sys.send(pid, poisonMessage) })
	return stopError(sys, func() *pa.PID { return pid }, err)
}

func stopError(sys *System, who func() *pa.PID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stop %s: %w", sys.format(who()), err)
}

// ticket is somebody who waits for an actor's end in Stop.
type ticket struct {
	next *ticket // owned by the actor
	done chan struct{}
	void atomic.Bool // nobody waits any more
}

// end wakes who waits, once.
func (t *ticket) end() {
	select {
	case t.done <- struct{}{}:
	default:
	}
}

// addTicket also clears away those that nobody waits for.
func (c *core) addTicket(t *ticket) {
	if c.phase == stopped {
		t.end()
		return
	}
	for p := &c.waiting; *p != nil; {
		if (*p).void.Load() {
			*p = (*p).next
		} else {
			p = &(*p).next
		}
	}
	t.next, c.waiting = c.waiting, t
}

// endIdle stops an actor that has nothing to do, on the caller's goroutine: two
// changes of goroutine cost more than such an end. It is not done where the end has
// code of the user's to run or others to wait for, which may take its time.
func (c *core) endIdle() bool {
	if !c.ours() || !c.box.Acquire() {
		return false
	}
	defer c.box.Release()
	if c.phase != running || c.ending || c.failed || c.x != nil || !c.straight || !c.h.endsSilently() {
		return false
	}
	c.phase = stopping
	c.finish()
	return true
}

// stopAndWait stops the actor behind what is queued for it.
func (c *core) stopAndWait(ctx context.Context) error {
	if c.endIdle() {
		return nil
	}
	t, ok := c.sys.tickets.Get().(*ticket)
	if !ok {
		t = &ticket{done: make(chan struct{}, 1)}
	}
	c.postSystem(t)
	(*process)(c).SendUserMessage(nil, poisonMessage)
	select {
	case <-t.done:
		t.next = nil
		c.sys.tickets.Put(t)
		return nil
	case <-ctx.Done():
		t.void.Store(true)
		return ctx.Err()
	}
}

// stopNow stops an actor before what is queued for it.
func (s *System) stopNow(ctx context.Context, pid *pa.PID) error {
	return s.waitTerminated(ctx, pid, func() { s.sendSystem(pid, stopMessage) })
}

// waitTerminated watches pid, does what should make it stop, and waits.
func (s *System) waitTerminated(ctx context.Context, pid *pa.PID, stop func()) error {
	w := &waiter{done: make(chan struct{}, 1)}
	self, _ := s.proto.ProcessRegistry.Add(w, s.anonymous())
	defer s.proto.ProcessRegistry.Remove(self)
	s.sendSystem(pid, &pa.Watch{Watcher: self})
	stop()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		s.sendSystem(pid, &pa.Unwatch{Watcher: self})
		return ctx.Err()
	}
}

// waiter is a process that waits for one Terminated.
type waiter struct{ done chan struct{} }

// SendUserMessage ignores what no one should send here.
func (w *waiter) SendUserMessage(*pa.PID, any) {}

// SendSystemMessage wakes who waits.
func (w *waiter) SendSystemMessage(_ *pa.PID, msg any) {
	if _, ok := msg.(*pa.Terminated); ok {
		select {
		case w.done <- struct{}{}:
		default:
		}
	}
}

// Stop does nothing: who waits removes the waiter.
func (w *waiter) Stop(*pa.PID) {}
