package actor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Pool starts a router and, as its children, size routees that it shares messages
// out to. opts are those of the routees. A routee that stops is replaced: at once,
// or after a growing pause if that happens to it again and again. One that fails
// is its supervisor's affair; if that escalates, the whole pool is restarted.
//
// The ref is used like that of one routee: a question is passed on with its asker.
// What one sender sends through a router to the same routee keeps its order.
// Stopping the router stops the routees, and what is queued for them becomes dead
// letters. Errors: those of Spawn, and what is wrong with size and r.
func Pool[M any](in Spawner, name string, size int, new func() Behavior[M], r Routing[M], opts ...SpawnOption) (Ref[M], error) {
	var faults []error
	if size < 1 {
		faults = append(faults, fmt.Errorf("actor: a pool of %d routees", size))
	}
	if new == nil {
		faults = append(faults, errors.New("actor: a pool needs a constructor"))
	}
	p := &pool[M]{new: new, opts: opts, slots: make([]slot, max(size, 0))}
	return route(in, name, r, faults, nil, func(b *router[M]) { b.pool = p })
}

// Group starts a router that shares messages out to actors which exist already,
// on this node or on others, and which nobody supervises through it. One that
// stops, or whose node is removed, leaves the group; entities stay for good. A
// group of none makes dead letters with ErrNoActor. opts are those of the router.
// [AddRoutee] and [RemoveRoutee] change it; else all is as with [Pool].
func Group[M any](in Spawner, name string, routees []Ref[M], r Routing[M], opts ...SpawnOption) (Ref[M], error) {
	var faults []error
	for i, ref := range routees {
		if ref.IsZero() {
			faults = append(faults, fmt.Errorf("actor: routee %d of a group is the zero Ref", i))
		}
	}
	return route(in, name, r, faults, opts, func(b *router[M]) {
		b.members = append([]Ref[M](nil), routees...)
	})
}

// AddRoutee adds an actor to a group, behind the messages that the group has got
// already; one that is in it stays as it is.
func AddRoutee[M any](group, who Ref[M]) { tellRouter(group, &joinGroup{refAs[any](who)}) }

// RemoveRoutee takes an actor out of a group, which does not stop it.
func RemoveRoutee[M any](group, who Ref[M]) { tellRouter(group, &leaveGroup{refAs[any](who)}) }

// Routees asks a router of this system whom it shares messages out to at the
// moment. Errors are those of Ask; ErrMessageType for an actor that is no router.
func Routees[M any](ctx context.Context, of Ref[M]) ([]Ref[M], error) {
	return Ask[[]Ref[M]](ctx, refAs[any](of).With(&listRoutees{}))
}

// What a router is told beside messages for its routees.
type (
	joinGroup   struct{ who Ref[any] }
	leaveGroup  struct{ who Ref[any] }
	listRoutees struct{}
	refill      struct{ slot int }
)

func tellRouter[M any](router Ref[M], msg any) {
	refAs[any](router).Tell(msg)
}

// route spawns a router that setup completes.
func route[M any](in Spawner, name string, r Routing[M], faults []error, opts []SpawnOption, setup func(*router[M])) (Ref[M], error) {
	if r == nil {
		faults = append(faults, errors.New("actor: a router needs a Routing"))
	} else {
		faults = append(faults, r().validate())
	}
	if err := errors.Join(faults...); err != nil {
		return Ref[M]{}, fmt.Errorf("spawn router %q: %w", name, err)
	}
	opts = append([]SpawnOption{WithSupervisor(SupervisorFunc(superviseRouter))}, opts...)
	// The behavior takes any message, so that a router can be told of its routees.
	ref, err := Spawn(in, name, func() Behavior[any] {
		b := &router[M]{strategy: r()}
		setup(b)
		return b
	}, opts...)
	return refAs[M](ref), err
}

// superviseRouter keeps a message whose key function panics from costing all
// routees their lives. What has no message was escalated by a routee.
func superviseRouter(f Fault) Decision {
	if f.Message != nil {
		return Resume()
	}
	return Backoff{}.Decide(f)
}

// router is an actor like any other: the list of routees and the strategy's state
// belong to it alone, and senders never touch them.
type router[M any] struct {
	strategy Strategy[M]
	routees  []*routee
	members  []Ref[M] // of a group, to begin with
	pool     *pool[M] // nil for a group
	open     map[*gathering]bool
}

// Started finds the first routees.
func (r *router[M]) Started(c *Context[any]) error {
	for _, ref := range r.members {
		r.join(c, refAs[any](ref))
	}
	if r.pool != nil {
		r.pool.fillAll(c, r)
	}
	return nil
}

// Receive shares out a message, or hears of a change.
func (r *router[M]) Receive(c *Context[any], msg any) error {
	switch m := msg.(type) {
	case *refill:
		r.pool.fill(c, r, m.slot)
	case *gathered:
		r.gathered(m)
	case *listRoutees:
		c.Reply(r.list(c))
	case *joinGroup:
		r.change(c, msg, func() { r.join(c, m.who) })
	case *leaveGroup:
		r.change(c, msg, func() { r.leave(c, m.who) })
	case M:
		r.share(c, m)
	default: // only the untyped side can send it
		refuseMessage[M](c, msg)
	}
	return nil
}

// Terminated hears of the end of a routee.
func (r *router[M]) Terminated(c *Context[any], who Gone) error {
	r.drop(who.Ref)
	if r.pool != nil {
		r.pool.ended(c, r, who.Ref)
	}
	return nil
}

// Stopped tells who still waits that there will be no answer.
func (r *router[M]) Stopped(*Context[any], error) {
	for g := range r.open {
		g.fail(ErrStopped)
	}
}

// share passes the message in hand on.
func (r *router[M]) share(c *Context[any], m M) {
	if len(r.routees) == 0 {
		c.Forward(Ref[any]{}) // a dead letter, of which the asker hears
		return
	}
	i := r.strategy.pick(m, r.routees)
	if i != toAll {
		c.Forward(r.routees[i].ref)
		return
	}
	asked := c.cell.asked
	if s, ok := r.strategy.(interface{ gathers() time.Duration }); ok && !asked.nobody() {
		r.gather(c, m, s.gathers())
		return
	}
	for _, to := range r.routees {
		c.System().sendAs(to.ref.cell, to.ref.pid, m, asked)
	}
}

func (r *router[M]) list(c *Context[any]) []Ref[M] {
	out := make([]Ref[M], len(r.routees))
	for i, to := range r.routees {
		out[i] = refAs[M](to.ref)
	}
	return out
}

// change is for groups only.
func (r *router[M]) change(c *Context[any], msg any, do func()) {
	if r.pool != nil {
		refuseMessage[M](c, msg)
		return
	}
	do()
}

// refuseMessage is for what a router of M does not take.
func refuseMessage[M any](c *Context[any], msg any) {
	text := fmt.Sprintf("actor: this router accepts %v, not %T", reflect.TypeFor[M](), msg)
	c.System().DeadLetter(c.Self().PID(), c.Proto().Sender(), msg, explain(ErrMessageType, text))
}

func (r *router[M]) join(c *Context[any], who Ref[any]) {
	text := who.String()
	if who.IsZero() || r.find(text) >= 0 {
		return
	}
	r.routees = append(r.routees, newRoutee(who, text))
	if who.PID().Address != EntityAddress {
		c.Watch(who)
	}
}

func (r *router[M]) leave(c *Context[any], who Ref[any]) {
	if !who.IsZero() {
		r.drop(who.String())
		c.Unwatch(who)
	}
}

func (r *router[M]) drop(text string) {
	if i := r.find(text); i >= 0 {
		r.routees = append(r.routees[:i:i], r.routees[i+1:]...)
	}
}

func (r *router[M]) find(text string) int {
	for i, to := range r.routees {
		if to.text == text {
			return i
		}
	}
	return -1
}
