package actor

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// guardianID is the id of the parent of all actors without another.
const guardianID = "$guardian"

// guardian is the parent of all actors without another: a process that knows them,
// supervises them, and stops them at the end.
type guardian struct {
	sys *System
	ctx *guardianContext

	// children counts those that live. Who they are stands in the registry, so a
	// million of them cost nothing here.
	children atomic.Int64

	mu    sync.Mutex
	empty chan struct{} // closed when the last child has left; nil if nobody waits
}

// guardianContext is the root context with the guardian as its self.
type guardianContext struct {
	*pa.RootContext
	self *pa.PID
}

// Self makes the guardian the parent of what is spawned.
func (c *guardianContext) Self() *pa.PID { return c.self }

func newGuardian(s *System) *guardian {
	return &guardian{
		sys: s,
		ctx: &guardianContext{RootContext: s.proto.Root, self: s.proto.NewLocalPID(guardianID)},
	}
}

// entered counts a child that is about to be registered.
func (g *guardian) entered() { g.children.Add(1) }

// left counts a child that is no more.
func (g *guardian) left() {
	if g.children.Add(-1) == 0 && g.sys.closed.Load() {
		g.check()
	}
}

// check wakes who waits for the last child to leave.
func (g *guardian) check() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.empty != nil && g.children.Load() == 0 {
		close(g.empty)
		g.empty = nil
	}
}

// stopAll stops all children and waits for them. The system is closed by now, so
// whoever is entered later stops by itself.
func (g *guardian) stopAll(ctx context.Context) error {
	empty := make(chan struct{})
	g.mu.Lock()
	if g.empty == nil {
		g.empty = empty
	} else {
		empty = g.empty
	}
	g.mu.Unlock()
	for _, c := range g.sys.cells() {
		if c.parent == g.ctx.self {
			c.postSystem(stopMessage)
		}
	}
	g.check()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SendSystemMessage hears of children that failed, on their goroutines.
func (g *guardian) SendSystemMessage(_ *pa.PID, msg any) {
	if f, ok := msg.(*pa.Failure); ok {
		g.failed(f)
	}
}

func (g *guardian) failed(f *pa.Failure) {
	stopIt := func(err error) {
		g.sys.log.Error("actor is stopped: its failure was escalated to the top", "actor", g.sys.format(f.Who), "err", err)
		g.sys.sendSystem(f.Who, &pa.Stop{})
	}
	defer func() {
		if r := recover(); r != nil { // by the user's supervisor
			stopIt(fmt.Errorf("supervisor panicked: %v\n%s", r, debug.Stack()))
		}
	}()
	g.sys.supervise(nil, f, func(err error) {
		if c := g.sys.coreOf(f.Who); c != nil {
			c.sup.giveUp()
		}
		stopIt(err)
	})
}

// SendUserMessage: nobody has anything to say to the guardian.
func (g *guardian) SendUserMessage(pid *pa.PID, msg any) {
	g.sys.DeadLetter(pid, nil, msg, ErrNoActor)
}

// Stop does nothing: the guardian ends with its system.
func (g *guardian) Stop(*pa.PID) {}
