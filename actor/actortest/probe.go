package actortest

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pando-go/pando/actor"
)

// Probe is an actor that keeps what it receives until the test asks for it. It
// stands for whoever the actor under test talks to.
type Probe[M any] struct {
	k    *Kit
	ref  actor.Ref[M]
	cmp  cmp.Options
	last actor.Replier // of the message taken last

	in inbox[M]
}

// NewProbe starts a probe. The options are added to those by which Want compares:
// unexported fields count, refs are equal when their texts are, and proto messages
// when proto.Equal says so.
func NewProbe[M any](k *Kit, opts ...cmp.Option) *Probe[M] {
	k.Helper()
	p := &Probe[M]{k: k, cmp: append(comparing(), opts...)}
	p.in.news = make(chan struct{}, 1)
	// The behavior takes any message, so that the test can tell it whom to watch.
	ref := Spawn(k, func() actor.Behavior[any] { return &recorder[M]{in: &p.in} })
	p.ref = actor.RefOf[M](k.sys, ref.PID())
	return p
}

// Ref is the probe's address.
func (p *Probe[M]) Ref() actor.Ref[M] { return p.ref }

// Want takes the next message and compares it with m. The test fails if none
// comes within Patience, or another one.
func (p *Probe[M]) Want(m M) {
	p.k.Helper()
	got, ok := p.take(Patience)
	if !ok {
		p.k.Fatalf("Want: nothing came within %v\nwant %s%s", Patience, show(m), p.k.log.hints())
	}
	if diff := cmp.Diff(m, got, p.cmp); diff != "" {
		p.k.Fatalf("Want: got another message (-want +got):\n%s%s", diff, p.queued())
	}
}

// WantAll takes as many messages as are listed and compares them in any order,
// for messages of different senders.
func (p *Probe[M]) WantAll(ms ...M) {
	p.k.Helper()
	missing := append([]M(nil), ms...)
	for len(missing) > 0 {
		got, ok := p.take(Patience)
		if !ok {
			p.k.Fatalf("WantAll: %d of %d came, nothing more within %v\nwant also%s%s",
				len(ms)-len(missing), len(ms), Patience, list(missing), p.k.log.hints())
		}
		i := p.index(missing, got)
		if i < 0 {
			p.k.Fatalf("WantAll: got %s\nwant one of%s%s", show(got), list(missing), p.queued())
		}
		missing = append(missing[:i], missing[i+1:]...)
	}
}

func (p *Probe[M]) index(among []M, m M) int {
	for i, want := range among {
		if cmp.Equal(want, m, p.cmp) {
			return i
		}
	}
	return -1
}

// Next takes the next message. The test fails if none comes within Patience.
func (p *Probe[M]) Next() M {
	p.k.Helper()
	m, ok := p.take(Patience)
	if !ok {
		p.k.Fatalf("Next: nothing came within %v%s", Patience, p.k.log.hints())
	}
	return m
}

// WantNone lets d of virtual time pass. The test fails if a message is waiting or
// comes meanwhile. Zero means settle only.
func (p *Probe[M]) WantNone(d time.Duration) {
	p.k.Helper()
	p.k.Settle()
	for until := time.Now().Add(d); p.in.len() == 0 && time.Until(until) > 0; p.k.Settle() {
		p.in.wait(time.Until(until))
	}
	if n := p.in.len(); n > 0 {
		p.k.Fatalf("WantNone: got %d%s", n, p.queued())
	}
}

// Watch makes the probe watch an actor, for WantTerminated.
func (p *Probe[M]) Watch(who actor.Addressable) {
	p.k.Helper()
	switch pid := who.PID(); {
	case pid == nil:
		p.k.Fatalf("Watch: the zero Ref is nobody")
	case pid.Address == actor.EntityAddress:
		p.k.Fatalf("Watch: %s is an entity, which has no end", text(who))
	}
	p.in.watched(text(who))
	actor.RefOf[any](p.k.sys, p.ref.PID()).Tell(watch{who})
	p.k.Settle()
}

// WantTerminated waits until an actor is no more, and returns what the probe was
// told. It watches the actor if Watch has not been called; one that has stopped
// before then counts as well. The test fails if the actor lives on for Patience.
func (p *Probe[M]) WantTerminated(who actor.Addressable) actor.Gone {
	p.k.Helper()
	if who.PID() == nil || !p.in.isWatched(text(who)) {
		p.Watch(who)
	}
	for until := time.Now().Add(Patience); ; {
		if g, ok := p.in.popGone(text(who)); ok {
			return g
		}
		left := time.Until(until)
		if left <= 0 {
			p.k.Fatalf("WantTerminated: %s lives on after %v%s", text(who), Patience, p.queued())
		}
		p.in.wait(left)
	}
}

// Reply answers the message that was taken last. The first answer wins.
func (p *Probe[M]) Reply(answer any) { p.last.Reply(answer) }

// Fail answers the message that was taken last with a *actor.Failure.
func (p *Probe[M]) Fail(err error) { p.last.Fail(err) }

// take waits for a message for up to d.
func (p *Probe[M]) take(d time.Duration) (M, bool) {
	for until := time.Now().Add(d); ; {
		if m, ok := p.in.pop(); ok {
			p.last = m.asker
			return m.msg, true
		}
		left := time.Until(until)
		if left <= 0 {
			var none M
			return none, false
		}
		p.in.wait(left)
	}
}

// queued tells what else has come.
func (p *Probe[M]) queued() string {
	p.k.Settle()
	if all := p.in.list(); len(all) > 0 {
		return "\nqueued" + list(all)
	}
	return "\nqueued: nothing"
}

func list[M any](ms []M) string {
	var b strings.Builder
	for i, m := range ms {
		fmt.Fprintf(&b, "\n\t%d: %s", i+1, show(m))
	}
	return b.String()
}

// text identifies a ref.
func text(who actor.Addressable) string {
	return actor.RefOf[any](who.System(), who.PID()).String()
}
