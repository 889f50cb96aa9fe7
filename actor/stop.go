package actor

import (
	"context"
	"errors"
	"fmt"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Stop lets an actor finish what is queued, then stops it, and waits until it has
// stopped. An actor that does not exist has stopped. When ctx ends first, Stop
// returns its error; the actor will stop nevertheless. An actor stops itself by
// [Context.Stop]: waiting for itself it would wait for ever. An entity cannot be
// stopped this way.
func Stop(ctx context.Context, who Addressable) error {
	sys, pid := who.System(), who.PID()
	switch {
	case sys == nil || pid == nil:
		return nil
	case pid.Address == EntityAddress:
		return errors.New("actor: an entity is stopped by its home only")
	}
	err := sys.waitTerminated(ctx, pid, func() { sys.send(pid, &pa.PoisonPill{}) })
	if err != nil {
		return fmt.Errorf("stop %s: %w", sys.format(pid), err)
	}
	return nil
}

// stopAndWait stops an actor before what is queued for it.
func (s *System) stopAndWait(ctx context.Context, pid *pa.PID) error {
	return s.waitTerminated(ctx, pid, func() { s.sendSystem(pid, &pa.Stop{}) })
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
