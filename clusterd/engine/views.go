package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// views is what a node knows of the chain of views. Once it is a member,
// decided and acked are set and
//
//	active.Number <= decided.Number <= acked.Number <= decided.Number+1
//
// because a proposal comes with the decided view before it.
type views struct {
	promised member.Term   // no lower term is acknowledged
	ballot   member.Term   // under which acked was acknowledged, while it is undecided
	acked    *member.View  // the newest view acknowledged or known decided
	decided  *member.View  // the newest view known decided
	latest   *member.Patch // the last difference between two views that came in or went out; nil = none
	active   *member.View  // the newest view known active; nil = none yet
	changed  time.Time     // when acked or decided last changed
	learned  time.Time     // when decided was learnt to be so
	formerly time.Time     // learned, of the decided view before it

	ended  map[member.Node]bool // removed nodes that said that they hold no lease any more; nil = none
	seated bool                 // this node was a member of a decided view
	ages   []age                // when views were learnt to be decided, oldest first
}

// age tells when a view was learnt to be decided.
type age struct {
	number uint64
	at     time.Time
}

// activeNumber returns the number of the newest active view, 0 for none.
func (v *views) activeNumber() uint64 {
	if v.active == nil {
		return 0
	}
	return v.active.Number
}

// converged reports whether the newest view known here is active.
func (v *views) converged() bool { return v.active != nil && v.active == v.acked }

// settled reports whether the newest decided view is active.
func (v *views) settled() bool { return v.active == v.decided }

// removes reports whether a view that this node acknowledged removes n: its
// heartbeats are echoed no more, even before the view is decided.
func (v *views) removes(n member.Node) bool {
	return v.acked != v.decided && v.decided.Find(n) != nil && v.acked.Find(n) == nil
}

// change returns what leads from the decided view to a later one.
func (e *Engine) change(to *member.View) *member.Patch {
	v := &e.views
	if p := v.latest; p == nil || p.Base != v.decided.Number || p.BaseTerm != v.decided.Term || !p.Names(to) {
		v.latest = member.Diff(v.decided, to)
	}
	return v.latest
}

// acknowledge takes a proposal as the newest view.
func (e *Engine) acknowledge(v *member.View, ballot member.Term) {
	e.views.promised, e.views.ballot = ballot, ballot
	if e.views.acked == v {
		return
	}
	e.views.acked = v
	e.changedViews()
}

// learnDecided takes a view that is known to be decided. What it removes is
// gone for good.
func (e *Engine) learnDecided(v *member.View) {
	if e.views.decided != nil && v.Number <= e.views.decided.Number {
		return
	}
	e.views.decided = v
	e.views.formerly, e.views.learned = e.views.learned, e.now
	if e.views.acked == nil || e.views.acked.Number <= v.Number {
		e.views.acked, e.views.ballot = v, member.Term{}
	}
	if l := &e.lead; l.best != nil && l.best.Number <= v.Number {
		l.best, l.ballot = nil, member.Term{} // it was decided, or another one in its place
	}
	e.views.grow(v.Number, e.now, e.cfg.Timing.Tombstones)
	e.bury(v)
	e.changedViews()
	e.findSelf(v)
}

// learnActive takes the newest decided view as active if it has that number.
func (e *Engine) learnActive(number uint64) {
	v := e.views.decided
	if number < v.Number || e.views.active == v {
		return
	}
	e.views.active, e.views.ended = v, nil
	e.lead.rest = time.Time{} // whoever was at work is done
	e.changedViews()
	if v.Open {
		e.shown.active = append(e.shown.active, v)
	}
}

func (e *Engine) changedViews() {
	e.views.changed = e.now
	e.stale, e.moot, e.stir, e.shown.dirty, e.shown.listed = true, true, true, true, false
	e.tenure.stale, e.tenure.unsure, e.tenure.next = true, true, time.Time{}
}

// bury makes the tombstones of a decided view facts, and forgets those that
// its floor has pruned.
func (e *Engine) bury(v *member.View) {
	for _, t := range v.Removed {
		e.merge(&member.Record{Node: t.Node, Wanted: t.Cause, Removed: t.View})
	}
	if v.Floor == 0 && !e.without(rules.Floor) {
		return
	}
	var pruned []string
	for r := range e.table.Records() {
		if !r.Live() && (r.Removed <= v.Floor || e.without(rules.Floor) && r.Removed < v.Number) {
			pruned = append(pruned, r.Address)
		}
	}
	for _, address := range pruned {
		e.table.DropRecord(address)
	}
}

// findSelf ends this incarnation when a decided view has removed it.
func (e *Engine) findSelf(v *member.View) {
	if v.Find(e.self) != nil {
		e.views.seated = true
		return
	}
	if e.views.seated || v.Buries(e.self) {
		e.end(e.causeOfEnd(v))
	}
}

func (e *Engine) causeOfEnd(v *member.View) member.Cause {
	if t := v.Tombstone(e.self.Address); t != nil && t.UID == e.self.UID {
		return t.Cause
	}
	if r := e.table.Record(e.self.Address); r != nil && r.Node == e.self && r.Wanted != 0 {
		return r.Wanted
	}
	return member.CauseUnreachable
}

// agesKept is how many points in time are remembered at most, spread over the
// life of a tombstone: pruning is that much coarser than the clock.
const agesKept = 144

func (v *views) grow(number uint64, now time.Time, keep time.Duration) {
	if n := len(v.ages); n > 1 && now.Sub(v.ages[n-2].at) < keep/agesKept {
		v.ages[n-1] = age{number, now}
	} else {
		v.ages = append(v.ages, age{number, now})
	}
	for len(v.ages) > 1 && now.Sub(v.ages[1].at) > keep {
		v.ages = v.ages[1:]
	}
}

// floor returns the newest view so old that its tombstones may be pruned.
func (e *Engine) floor() uint64 {
	floor := e.views.decided.Floor
	for _, a := range e.views.ages {
		if e.now.Sub(a.at) > e.cfg.Timing.Tombstones {
			floor = max(floor, a.number)
		}
	}
	return floor
}

// prunable reports whether a view with a higher floor would drop a tombstone.
func (e *Engine) prunable() bool {
	v := e.views.decided
	if len(v.Removed) == 0 {
		return false
	}
	floor := e.floor()
	return floor > v.Floor && slices.ContainsFunc(v.Removed, func(t member.Tombstone) bool { return t.View <= floor })
}
