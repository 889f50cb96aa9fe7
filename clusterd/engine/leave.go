package engine

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// leave tells everybody that this node wants to leave. The view makes it
// Leaving, later Exiting, then removes it.
func (e *Engine) leave() error {
	if e.id.IsZero() {
		return ErrNotMember
	}
	if !e.own().Own.Leaving {
		e.restate(func(o *member.Own) { o.Leaving = true })
	}
	return nil
}

// drained tells everybody that this node has nothing left to hand over.
func (e *Engine) drained() error {
	if e.id.IsZero() {
		return ErrNotMember
	}
	own := e.own()
	if !own.Own.Leaving {
		return ErrNotLeaving
	}
	if !own.Own.Drained {
		e.restate(func(o *member.Own) { o.Drained = true })
	}
	return nil
}

// overdue wants those out who asked to leave and have not drained by the
// deadline (16): handing over must not hang for ever, and what they still run
// is fenced as that of any other. The stewards see to it, so that a leader who
// hangs itself is seen to as well.
func (e *Engine) overdue() {
	if !e.oversees() || !e.busy() {
		return
	}
	for _, p := range e.roster.peers {
		if p.leaving.IsZero() || e.now.Sub(p.leaving) <= e.cfg.Timing.Leave {
			continue
		}
		if r := e.table.Record(p.node.Address); r == nil || r.Node != p.node || !r.Own.Drained {
			e.want(p.node, member.CauseOverdue)
		}
	}
}

// down wants the member at an address out.
func (e *Engine) down(d Down) error {
	if e.id.IsZero() {
		return ErrNotMember
	}
	if m := e.views.decided.At(d.Address); m != nil {
		e.want(m.Node, member.CauseDown)
		return nil
	}
	if r := e.table.Record(d.Address); r != nil && r.Live() {
		e.want(r.Node, member.CauseDown)
		return nil
	}
	return ErrUnknown
}

// replace wants an incarnation out whose address a newer one asks for.
func (e *Engine) replace(r Replace) error {
	if err := r.Old.Validate(); err != nil {
		return faulty(err)
	}
	if e.id.IsZero() {
		return ErrNotMember
	}
	if e.tombstone(r.Old).UID != 0 {
		return nil
	}
	if r.Old == e.self || !e.known(r.Old) {
		return ErrUnknown
	}
	e.want(r.Old, member.CauseReplaced)
	return nil
}

// departAlone ends a node that wants to go, or is wanted out, and is the only
// one left: nobody is there to remove it. While joiners wait it lets them in
// first.
func (e *Engine) departAlone() {
	if e.removed || !e.views.converged() || len(e.views.decided.Members) != 1 || e.roster.listed != 0 {
		return
	}
	own := e.own()
	switch {
	case own.Wanted != 0:
		e.end(own.Wanted)
	case own.Own.Leaving:
		e.end(member.CauseLeft)
	}
}

// end is the end of this incarnation: it says so once and falls silent.
func (e *Engine) end(cause member.Cause) {
	if e.removed {
		return
	}
	e.finish(cause.String())
	e.farewell()
}

func (e *Engine) finish(cause string) {
	e.removed = true
	e.letGo()
	e.shown.end = &SelfRemoved{Cause: cause}
}

// abandon ends this incarnation together with its cluster.
func (e *Engine) abandon() error {
	if e.id.IsZero() {
		return ErrNotMember
	}
	e.finish("cluster lost")
	return nil
}

// jitter returns a random time up to d, so that nodes do not act in step.
func jitter(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(d)))
}
