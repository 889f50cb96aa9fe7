package actor

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Adapt returns a ref that passes on what f makes of a message, with its asker. It
// is how an actor hears from others in its own words:
//
//	prices := actor.Adapt(c.Self(), func(p Price) Command { return priceCame{p} })
//	shop.Tell(Subscribe{To: prices})
//
// f runs where the message is sent, on the sender's goroutine, for senders on other
// nodes on one of this node. It may run many times at once, so it must be pure. A
// panic of f makes a dead letter with ErrMessageType.
//
// The ref has an address of its own on this node: it can be watched, sent as its
// text, and parsed on any node. It lives until to stops, or until [Stop] ends it
// alone; one to an entity lives until its system closes. So make one when an actor
// starts, not for each message; an actor that does so in Started, which a restart
// repeats, ends it in Stopped. What is sent to it later is a dead letter with
// ErrStopped. To the zero Ref, and in a closed system, Adapt returns the zero Ref.
func Adapt[A, B any](to Ref[B], f func(A) B) Ref[A] {
	if to.IsZero() || to.sys.closed.Load() {
		return Ref[A]{}
	}
	if f == nil {
		panic("actor: Adapt without a function")
	}
	a := &adapter[A, B]{to: to, f: f}
	a.self, _ = to.sys.proto.ProcessRegistry.Add(a, to.sys.anonymous())
	if to.PID().Address != EntityAddress {
		to.sys.sendSystem(to.PID(), &pa.Watch{Watcher: a.self})
	}
	return Ref[A]{pid: a.self, sys: to.sys}
}

// adapter is a process without a mailbox.
type adapter[A, B any] struct {
	self *pa.PID
	to   Ref[B]
	f    func(A) B

	ended    atomic.Bool // set under mu
	mu       sync.Mutex
	watchers map[string]*pa.PID // by key
}

// SendUserMessage maps a message and passes it on.
func (a *adapter[A, B]) SendUserMessage(_ *pa.PID, msg any) {
	_, bare, from := pa.UnwrapEnvelope(msg)
	if _, ok := bare.(*pa.PoisonPill); ok {
		a.leave()
		return
	}
	if m, err := a.adapt(bare); err != nil {
		a.to.sys.DeadLetter(a.self, from, bare, err)
	} else {
		a.to.sys.sendAs(a.to.cell, a.to.pid, m, question{asker: from})
	}
}

// SendWait maps a message and waits for room at the actor behind.
func (a *adapter[A, B]) SendWait(ctx context.Context, _ *pa.PID, msg any) error {
	m, err := a.adapt(msg)
	if err != nil {
		return err
	}
	return a.to.Send(ctx, m)
}

func (a *adapter[A, B]) adapt(msg any) (m B, err error) {
	if a.ended.Load() {
		return m, ErrStopped
	}
	in, ok := msg.(A)
	if !ok {
		return m, explain(ErrMessageType, fmt.Sprintf("actor: this adapter accepts %v, not %T", reflect.TypeFor[A](), msg))
	}
	defer func() {
		if r := recover(); r != nil {
			err = explain(ErrMessageType, fmt.Sprintf("actor: adapter panicked: %v", r))
		}
	}()
	return a.f(in), nil
}

// SendSystemMessage hears of the end of the actor behind, and of who watches.
func (a *adapter[A, B]) SendSystemMessage(_ *pa.PID, msg any) {
	switch msg := msg.(type) {
	case *pa.Watch:
		a.watch(msg.Watcher)
	case *pa.Unwatch:
		a.unwatch(msg.Watcher)
	case *pa.Terminated:
		a.end(msg.Why)
	case *pa.Stop:
		a.leave()
	}
}

// Stop ends the adapter, not the actor behind.
func (a *adapter[A, B]) Stop(*pa.PID) { a.leave() }

func (a *adapter[A, B]) watch(who *pa.PID) {
	a.mu.Lock()
	ended := a.ended.Load()
	if !ended {
		if a.watchers == nil {
			a.watchers = map[string]*pa.PID{}
		}
		a.watchers[a.to.sys.key(who)] = who
	}
	a.mu.Unlock()
	if ended {
		a.tell(who, pa.TerminatedReason_NotFound)
	}
}

func (a *adapter[A, B]) unwatch(who *pa.PID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.watchers, a.to.sys.key(who))
}

// leave ends the adapter while the actor behind lives on.
func (a *adapter[A, B]) leave() {
	if a.end(pa.TerminatedReason_Stopped) && a.to.PID().Address != EntityAddress {
		a.to.sys.sendSystem(a.to.PID(), &pa.Unwatch{Watcher: a.self})
	}
}

// end takes the adapter out of its system; false means that this was done before.
func (a *adapter[A, B]) end(why pa.TerminatedReason) bool {
	a.mu.Lock()
	first, watchers := !a.ended.Swap(true), a.watchers
	a.watchers = nil
	a.mu.Unlock()
	if first {
		a.to.sys.proto.ProcessRegistry.Remove(a.self)
	}
	for _, w := range watchers {
		a.tell(w, why)
	}
	return first
}

func (a *adapter[A, B]) tell(who *pa.PID, why pa.TerminatedReason) {
	a.to.sys.sendSystem(who, &pa.Terminated{Who: a.self, Why: why})
}
