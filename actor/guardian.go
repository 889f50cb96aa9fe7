package actor

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// guardianID is the id of the parent of all actors without another.
const guardianID = "$guardian"

// guardian is the parent of all actors without another: a process that knows them,
// supervises them, and stops them at the end.
type guardian struct {
	sys *System
	ctx *guardianContext

	mu sync.Mutex
	// children counts the actors that live at an id: 1, or more for the moment in
	// which a stopped one's name is given anew, or -1 for the moment in which one
	// that stopped at once is not entered yet.
	children map[string]int
	empty    chan struct{} // closed when children is empty; nil if nobody waits
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
		sys:      s,
		ctx:      &guardianContext{RootContext: s.proto.Root, self: s.proto.NewLocalPID(guardianID)},
		children: map[string]int{},
	}
}

func (g *guardian) context() pa.SpawnerContext { return g.ctx }

// adopt enters a child.
func (g *guardian) adopt(pid *pa.PID) {
	g.count(pid.Id, 1)
	if g.sys.closed.Load() { // spawned while Close was listing
		g.sys.sendSystem(pid, &pa.Stop{})
	}
}

func (g *guardian) count(id string, change int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.children[id] += change
	if g.children[id] == 0 {
		delete(g.children, id)
	}
	if len(g.children) == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// stopAll stops all children and waits for them.
func (g *guardian) stopAll(ctx context.Context) error {
	all, empty := g.list()
	for _, id := range all {
		g.sys.sendSystem(g.sys.proto.NewLocalPID(id), &pa.Stop{})
	}
	if empty == nil {
		return nil
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *guardian) list() (ids []string, empty chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.children {
		ids = append(ids, id)
	}
	if len(ids) > 0 && g.empty == nil {
		g.empty = make(chan struct{})
	}
	return ids, g.empty
}

// SendSystemMessage hears of children that failed or ended, on their goroutines.
func (g *guardian) SendSystemMessage(_ *pa.PID, msg any) {
	switch msg := msg.(type) {
	case *pa.Failure:
		g.failed(msg)
	case *pa.Terminated:
		g.count(msg.Who.Id, -1)
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
	g.sys.supervise(f.Who, f.Reason, f.RestartStats, func(err error) {
		if f, ok := f.Reason.(*fault); ok {
			f.core.sup.giveUp()
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
