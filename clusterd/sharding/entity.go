package sharding

import (
	"fmt"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
	"github.com/pando-go/pando/mailbox"
)

// life is one run of an entity on this node, from its start to its end.
type life struct {
	router *router
	seat   *seat
	line   *line
	box    *box
	moving atomic.Bool // it stops since its slot moves
	still  atomic.Bool // it pauses: nothing reaches the behavior

	aside *aside // what it was to handle without a lease; nil = nothing; under the stripe's lock

	// Owned by the actor's goroutine.
	self      *pa.PID // nil until it has started
	restored  *shardpb.Entity
	reclaimed []any // left in the mailbox after the end, in order
}

// aside is what an entity was to handle without a lease, in order. It has its place
// beside the life, of which there are many that never pause.
type aside struct {
	users  []any // messages
	system []any // those that tell the behavior something
}

// spawner makes entities of one kind, whatever its message type.
func spawner[M any](k actor.Kind[M], remember bool) func(*life) error {
	how := &shape[M]{k, remember}
	return func(l *life) error {
		queue := func() pa.Mailbox { return l.box }
		_, err := actor.Spawn(l.router.sys, "", func() actor.Behavior[M] {
			return &entity[M]{shape: how, life: l}
		}, actor.WithMailbox(queue), actor.WithContext(l.router.pauses.context))
		return err
	}
}

// entity is the behavior around the user's: it makes that one on the entity's
// own goroutine, and moves its state.
type entity[M any] struct {
	*shape[M]
	life *life
	user actor.Behavior[M] // nil until started
}

// shape is what all entities of a kind have in common.
type shape[M any] struct {
	kind     actor.Kind[M]
	remember bool
}

// Started makes the user's behavior. After a restart that is a fresh one.
func (e *entity[M]) Started(c *actor.Context[M]) error {
	e.life.self = c.Self().PID()
	e.user = e.kind.New(e.life.line.id)
	if e.user == nil {
		return fmt.Errorf("sharding: kind %q made no behavior", e.kind.Name)
	}
	state := e.life.restored
	e.life.restored = nil
	if state.GetType() != "" { // else it ran before, and that is all
		if err := restore(e.user, state); err != nil {
			return fmt.Errorf("sharding: restore: %w", err)
		}
	}
	if s, ok := e.user.(actor.Starter[M]); ok {
		return s.Started(c)
	}
	return nil
}

// Receive passes a message on.
func (e *entity[M]) Receive(c *actor.Context[M], m M) error { return e.user.Receive(c, m) }

// Stopped takes the snapshot if the entity moves, then passes the word on.
func (e *entity[M]) Stopped(c *actor.Context[M], cause error) {
	if e.user == nil {
		return
	}
	if e.life.moving.Load() {
		e.pack(c)
	}
	if s, ok := e.user.(actor.Stopper[M]); ok {
		s.Stopped(c, cause)
	}
}

func (e *entity[M]) pack(c *actor.Context[M]) {
	state, err := snapshot(e.user, e.life.line.id)
	if err != nil {
		c.Log().Error("entity moves without its state", "kind", e.kind.Name, "id", e.life.line.id, "error", err)
	}
	if state == nil && e.remember {
		state = &shardpb.Entity{Id: e.life.line.id}
	}
	e.life.restored = state
}

// Terminated passes the word on.
func (e *entity[M]) Terminated(c *actor.Context[M], who actor.Gone) error {
	if w, ok := e.user.(actor.Watcher[M]); ok {
		return w.Terminated(c, who)
	}
	return nil
}

// box is an entity's mailbox: what the entity leaves behind goes back to the
// router in place of becoming dead letters.
type box struct {
	pa.Mailbox
	life *life
}

func newBox(l *life) *box { return &box{mailbox.Unbounded()(), l} }

// RegisterHandlers puts the gate between the queue and the actor.
func (b *box) RegisterHandlers(inv pa.MessageInvoker, d pa.Dispatcher) {
	b.Mailbox.RegisterHandlers(&gate{MessageInvoker: inv, life: b.life}, d)
}

// endMark is the last message of a mailbox.
type endMark struct{}

// gate sees each message before the actor does. Only the goroutine that runs
// the mailbox uses it.
type gate struct {
	pa.MessageInvoker
	life   *life
	ending bool // the actor was told to stop
	gone   bool // it has stopped
	empty  bool // nothing is left in the mailbox
}

// InvokeSystemMessage notes the order to stop. From then on the router posts
// nothing here, so the mark is the last message. What would tell the behavior
// something waits for the lease as user messages do.
func (g *gate) InvokeSystemMessage(msg any) {
	if _, gone := msg.(*pa.Terminated); gone && !g.ending && g.mustPause() {
		g.life.router.setAside(g.life, true, msg)
		return
	}
	if _, stop := msg.(*pa.Stop); stop && !g.ending {
		g.ending = true
		g.life.reclaimed = g.life.router.ending(g.life)
		g.life.box.PostUserMessage(endMark{})
		g.life.box.PostSystemMessage(&pa.ResumeMailbox{}) // a failed actor's is suspended
	}
	g.MessageInvoker.InvokeSystemMessage(msg)
	if g.ending && !g.gone && !g.life.registered() {
		g.gone = true
		g.check()
	}
}

// mustPause tells, by the real clock, that the behavior may not begin anything.
func (g *gate) mustPause() bool { return g.life.still.Load() || !g.life.router.mayAct() }

// InvokeUserMessage keeps what comes after the order to stop, and what comes
// while there is no lease (rule L5).
func (g *gate) InvokeUserMessage(msg any) {
	switch {
	case msg == pauseMark{}:
		g.life.router.stand(g.life)
	case msg == endMark{}:
		g.empty = true
		g.check()
	case g.ending:
		g.life.reclaimed = append(g.life.reclaimed, msg)
	case g.mustPause():
		g.life.router.setAside(g.life, false, msg)
	default:
		g.MessageInvoker.InvokeUserMessage(msg)
	}
}

func (g *gate) check() {
	if g.gone && g.empty {
		g.life.router.ended(g.life)
	}
}

// registered tells whether the actor is still there.
func (l *life) registered() bool {
	if l.self == nil {
		return false
	}
	_, ok := l.router.sys.Proto().ProcessRegistry.GetLocal(l.self.Id)
	return ok
}
