package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// Fencing by waiting (V4). A view that removes somebody is active, and what the
// removed hosted may start elsewhere, only when no lease of theirs can hold any
// more. From the moment when all voters have acknowledged the view none of them
// answers the removed, so the last lease that rests on an answer ends T_f later
// by the clock of its holder. The leader waits for T_w by its own, which is as
// long at the worst rates of the two:
//
//	T_w / (1+ρ) = T_f / (1−ρ)
//
// Mostly it need not wait. A node that crashed or was cut off has been silent
// for longer than that when it is removed, and every acknowledgement says so.

// unfenced reports whether somebody who may hold a lease was removed since the
// newest view that is known to be active. Who left had drained and holds none;
// who has shown that it ended holds none either.
func (e *Engine) unfenced() bool {
	since := e.views.activeNumber()
	return slices.ContainsFunc(e.views.decided.Removed, func(t member.Tombstone) bool {
		return t.View > since && t.Cause != member.CauseLeft && !e.views.ended[t.Node]
	})
}

// fenced returns from when on the decided view may be active, now that all its
// voters know it; the zero time means at once.
func (e *Engine) fenced(mine bool) time.Time {
	if !e.unfenced() || e.without(rules.V4Wait) {
		return time.Time{}
	}
	l := &e.lead
	if l.known != e.views.decided.Number {
		l.known, l.knownAt = e.views.decided.Number, e.now
	}
	wait := e.fence()
	if mine && e.allQuiet() {
		if e.without(rules.V4Base) {
			return time.Time{}
		}
		// Whoever the view before removed was not asked about, and who has not
		// heard of that view may lean on voters who are not asked any more. Such
		// leases have ended T_w after that view was decided.
		quietSince := e.views.formerly
		if e.leased != nil && !e.without(rules.LeaseWait) {
			// The removed may have leaned on a former holder alone.
			quietSince = later(quietSince, e.claim.since)
		}
		return sooner(l.knownAt.Add(wait), quietSince.Add(wait))
	}
	return l.knownAt.Add(wait)
}

// fence returns T_w for the larger one of the views between which it stands.
func (e *Engine) fence() time.Duration {
	t := e.leaseFor(e.views.decided)
	if a := e.views.active; a != nil {
		t = max(t, e.leaseFor(a))
	}
	drift := e.cfg.Timing.drift()
	if e.without(rules.V4Half) {
		t /= 2
	}
	return time.Duration(float64(t) * (1 + drift) / (1 - drift))
}

// allQuiet reports whether every member of the decided view has acknowledged
// this leader's wave and said that it has answered none of the removed for T_w.
// Members that do not vote are asked too: one that has become Exiting may have
// passed its last lease on.
//
// They must be a quorum of the view before, too, together with such removed
// members as acknowledged and were as quiet: then every quorum that a removed
// member could lean on has one of them. It goes without saying when the survivors
// decided among themselves. But one of two halves may decide with the help of
// somebody whom it removes, and the rest, who are a quorum with him, support each
// other until he hears of it.
func (e *Engine) allQuiet() bool {
	l := &e.lead
	for i := range e.views.decided.Members {
		if !l.quiet[e.views.decided.Members[i].Node] {
			return false
		}
	}
	if e.leased != nil || e.without(rules.V4Quorum) {
		return true // leases come from the holder of the one outside
	}
	return l.base != nil && e.cfg.Downing.Quorum(l.base, func(n member.Node) bool { return l.quiet[n] })
}

// quiet reports whether this node has answered nobody whom v removes for T_w.
func (e *Engine) quiet(v *member.View) bool {
	if e.without(rules.V4Quiet) {
		return true
	}
	wait := e.fence()
	for i := range e.views.decided.Members {
		m := &e.views.decided.Members[i]
		if v.Find(m.Node) != nil || m.Node == e.self {
			continue
		}
		// Whom this node has no peer of it has answered nothing for longer, if it still deals with it.
		p := e.roster.find(m.Node)
		if p == nil || !p.answeredTo.IsZero() && e.now.Sub(p.answeredTo) < wait {
			return false
		}
	}
	return true
}

// onEnded notes that a removed node has stopped by itself: its lease is gone
// before the wait is over. Only removed nodes are believed, so that the set is
// bounded by the tombstones.
func (e *Engine) onEnded(from member.Node) error {
	if t := e.views.decided.Tombstone(from.Address); t == nil || t.Node != from {
		return nil
	}
	if e.views.ended == nil {
		e.views.ended = make(map[member.Node]bool)
	}
	e.views.ended[from] = true
	e.stir = true
	return nil
}

// farewell tells whoever may be waiting that this incarnation begins nothing
// any more. It is sent after the lease is gone: see [Ready].
func (e *Engine) farewell() {
	if e.views.decided == nil {
		return
	}
	told := append([]member.Node{e.views.acked.Term.Leader, e.verdict.leader}, e.verdict.stewards...)
	slices.SortFunc(told, member.Node.Compare)
	for _, n := range slices.Compact(told) {
		if n.Validate() == nil { // the term of a view comes from outside
			e.send(n, &Ended{View: e.views.decided.Number})
		}
	}
}

// hint brings a voter without a lease a view that it has not heard of. The
// leader of that view may be gone. Whoever acknowledged it supports nobody who
// did not, so its successor would never get a lease, and never finish it.
func (e *Engine) hint(p *peer, h *Heartbeat) {
	v := &e.views
	retry := e.cfg.Timing.Retry
	if v.acked == v.decided || h.View >= v.acked.Number || h.Decided != v.decided.Number || h.Lease > 0 ||
		v.removes(p.node) || e.now.Sub(v.changed) < retry || e.now.Sub(p.hinted) < 2*retry {
		return
	}
	p.hinted = e.now
	e.send(p.node, &Pending{Ballot: v.ballot, Change: e.change(v.acked)})
}

// onPending takes over a view that somebody else acknowledged, and what it takes
// away. It is no acknowledgement, since no leader counts it: it raises no
// promise and breaks none. To a leader who asks it is shown under the ballot
// under which it was acknowledged, so one that was decided is still found.
func (e *Engine) onPending(q *Pending) error {
	if err := q.Ballot.Leader.Validate(); err != nil {
		return faulty(err)
	}
	if err := q.Change.Validate(); err != nil {
		return faulty(err)
	}
	view, base, err := e.resolve(q.Change)
	if err != nil || view == nil {
		return err
	}
	e.learnDecided(base)
	v := &e.views
	if e.removed || view.Number != v.decided.Number+1 || v.acked != v.decided {
		return nil
	}
	v.acked, v.ballot = view, q.Ballot
	e.changedViews()
	return nil
}
