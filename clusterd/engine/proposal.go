package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// draft is the next view in the making.
type draft struct {
	e       *Engine
	base    *member.View
	lost    []member.Node // who has been unreachable for long enough
	calm    bool          // the base is active and everybody in it reachable
	joiners []*member.Record
	view    member.View
	gone    []member.Tombstone
	changed bool
}

// build returns the next view, or nil when there is nothing to decide yet. Its
// term is left to the caller.
//
// Removals need no more than a quorum and are always due. Everything else
// waits until the last view is active and nobody is unreachable: a view that
// some voter cannot acknowledge would only wait in its turn.
func (e *Engine) build() *member.View {
	lost := e.lost()
	if len(lost) == 0 && !e.busy() && !e.prunable() {
		e.lead.gather = time.Time{}
		return nil
	}
	d := &draft{e: e, base: e.views.decided, lost: lost}
	d.calm = e.views.settled() && !e.troubled()
	if e.lead.vain.still(d) && e.waiting(d) {
		return nil
	}
	d.view = *d.base
	d.view.Number++
	d.view.Members = make([]member.Entry, 0, len(d.base.Members))
	d.keepOrBury()
	d.halt()
	d.sortJoiners()
	if d.calm && len(d.gone) == 0 {
		d.step()
		d.seat()
		d.changed = d.changed || e.prunable()
	}
	if !d.changed {
		e.lead.vain = vain{base: d.base, calm: d.calm, lost: lost, facts: e.table.Seq()}
		return nil
	}
	d.finish()
	return &d.view
}

// vain is what the last draft was made of, in which nothing was to be decided.
// A leader of thousands makes drafts of thousands, and hears something new of each.
type vain struct {
	base  *member.View
	calm  bool
	lost  []member.Node
	facts uint64 // the last change of the table
}

// still reports whether another draft is made of the same.
func (v *vain) still(d *draft) bool {
	return v.base == d.base && v.calm == d.calm && v.facts == d.e.table.Seq() && slices.Equal(v.lost, d.lost)
}

// waiting reports whether nothing but the facts could have a draft change
// anything: the last view is not active yet, or the batch of joiners is open, and
// however many of them become fit meanwhile, they are too few to close it.
func (e *Engine) waiting(d *draft) bool {
	if !d.calm {
		return true
	}
	l := &e.lead
	if l.gather.IsZero() || !e.now.Before(l.gather) || e.roster.listed+1-len(d.base.Members) >= d.base.Voters() {
		return false
	}
	l.due = earliest(l.due, l.gather)
	return true
}

// troubled reports whether a member of the decided view is unreachable.
func (e *Engine) troubled() bool {
	return slices.ContainsFunc(e.verdict.unreachable, func(n member.Node) bool {
		return e.views.decided.Find(n) != nil
	})
}

// keepOrBury takes over the members of the base, without those that are wanted
// out, lost or done. The leader never removes itself.
func (d *draft) keepOrBury() {
	for _, m := range d.base.Members {
		cause := d.verdict(m)
		if cause != 0 && m.Node != d.e.self {
			d.bury(m.Node, cause)
			continue
		}
		if r := d.e.table.Record(m.Address); r != nil && r.Node == m.Node && r.Live() {
			d.changed = d.changed || d.calm && !samePlace(&m.Info, &r.Own.Info)
			m.Info = r.Own.Info
		}
		d.view.Members = append(d.view.Members, m)
	}
}

func (d *draft) verdict(m member.Entry) member.Cause {
	if cause := d.e.wanted(m.Node); cause != 0 {
		return cause
	}
	if t := d.e.tombstone(m.Node); t.UID != 0 {
		return t.Cause
	}
	if _, lost := slices.BinarySearchFunc(d.lost, m.Node, member.Node.Compare); lost {
		return member.CauseUnreachable
	}
	if m.Status == member.Exiting && d.calm {
		return member.CauseLeft
	}
	return 0
}

func (d *draft) bury(n member.Node, cause member.Cause) {
	d.gone = append(d.gone, member.Tombstone{Node: n, View: d.view.Number, Cause: cause})
	d.changed = true
}

// samePlace reports whether placement sees no difference between what a member
// tells now and what the view says of it.
func samePlace(a, b *member.Info) bool {
	return a.Zone == b.Zone && slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Kinds, b.Kinds)
}

// halt says to all that somebody asked the whole cluster to stop.
func (d *draft) halt() {
	if d.view.Shutdown {
		return
	}
	for r := range d.e.table.Records() {
		if r.Live() && r.Own.Halt {
			d.view.Shutdown, d.changed = true, true
			return
		}
	}
}

// sortJoiners buries joiners that are wanted out, have left or came too late
// for a cluster that is shutting down, and lists those that may become Up.
func (d *draft) sortJoiners() {
	for r := range d.e.table.Records() {
		switch {
		case !d.e.joining(r):
		case r.Wanted != 0:
			d.bury(r.Node, r.Wanted)
		case r.Own.Leaving:
			d.bury(r.Node, member.CauseLeft)
		case d.view.Shutdown:
			d.bury(r.Node, member.CauseDown)
		case d.e.fit(r):
			d.joiners = append(d.joiners, r)
		}
	}
}

// step moves leavers on: Up to Leaving, drained ones to Exiting. The last
// voter stays Leaving, so that nobody is left without one to admit or remove
// him.
func (d *draft) step() {
	voters := 0
	for i := range d.view.Members {
		if d.view.Members[i].Status.Votes() {
			voters++
		}
	}
	for i := range d.view.Members {
		m := &d.view.Members[i]
		r := d.e.table.Record(m.Address)
		if r == nil || r.Node != m.Node || !r.Own.Leaving {
			continue
		}
		switch {
		case m.Status == member.Up:
			m.Status, m.Cause, d.changed = member.Leaving, member.CauseLeft, true
		case m.Status == member.Leaving && r.Own.Drained && voters > 1 && (m.Node != d.e.self || d.staying() > 0):
			m.Status, d.changed = member.Exiting, true
			voters--
		}
	}
}

// staying returns how many voters other than the leader are not about to exit.
func (d *draft) staying() int {
	count := 0
	for i := range d.view.Members {
		m := &d.view.Members[i]
		if !m.Status.Votes() || m.Node == d.e.self {
			continue
		}
		if r := d.e.table.Record(m.Address); r == nil || r.Node != m.Node || m.Status == member.Up || !r.Own.Drained {
			count++
		}
	}
	return count
}

// seat makes joiners Up: no more of them than the base has voters, so that
// these can always drop newcomers who vanish, and no more than a wave can carry.
func (d *draft) seat() {
	e := d.e
	voters := d.base.Voters()
	if len(d.joiners) == 0 || !d.enough() {
		e.lead.gather = time.Time{}
		return
	}
	if !d.changed && len(d.joiners) < voters && !d.gathered() {
		return
	}
	if e.without(rules.V3Size) {
		voters = len(d.joiners)
	}
	size := 0
	for _, r := range d.joiners[:min(len(d.joiners), voters, d.room())] {
		if size += len(r.Address) + r.Own.Info.Size(); size > 4*e.cfg.MaxMessage && d.changed {
			break // the rest has its turn in the next view
		}
		d.view.Members = append(d.view.Members, member.Entry{
			Node:     r.Node,
			Status:   member.Up,
			UpNumber: d.view.NextUp,
			Info:     r.Own.Info,
		})
		d.view.NextUp++
		d.changed = true
	}
}

// room returns for how many joiners the strategy leaves room. Two members may
// each have let in the last one that it allows: whoever is too many stays
// Joining until somebody leaves.
func (d *draft) room() int {
	l, ok := d.e.cfg.Downing.(downing.Limiter)
	if !ok {
		return len(d.joiners)
	}
	return max(0, l.Limit()-d.view.Voters())
}

// enough reports whether the configured least numbers of members are there. They
// do not bind voters who all want to leave: these must let joiners in first.
func (d *draft) enough() bool {
	if d.base.Open || d.e.met(d.view.Members, d.joiners) {
		return true
	}
	return !slices.ContainsFunc(d.view.Members, func(m member.Entry) bool { return m.Status == member.Up })
}

// met reports whether members of a view that vote, and joiners, are as many as
// was configured, in all and for each role.
func (e *Engine) met(members []member.Entry, joiners []*member.Record) bool {
	for _, m := range e.cfg.minimums {
		count := 0
		for i := range members {
			if members[i].Status.Votes() && members[i].Info.Has(m.role) {
				count++
			}
		}
		for _, r := range joiners {
			if r.Own.Info.Has(m.role) {
				count++
			}
		}
		if count < m.count {
			return false
		}
	}
	return true
}

// gathered waits for more joiners for one gossip interval after the first.
func (d *draft) gathered() bool {
	l := &d.e.lead
	if l.gather.IsZero() {
		l.gather = d.e.now.Add(d.e.cfg.Timing.Gossip)
	}
	if d.e.now.Before(l.gather) {
		l.due = earliest(l.due, l.gather)
		return false
	}
	return true
}

// finish sorts the members, carries over the tombstones whose addresses are
// not used again, and opens the cluster once enough members are there.
func (d *draft) finish() {
	v := &d.view
	slices.SortFunc(v.Members, func(a, b member.Entry) int { return a.Node.Compare(b.Node) })
	v.Open = v.Open || d.e.met(v.Members, nil)
	v.Floor = d.e.floor()
	v.Removed = nil
	for _, t := range d.base.Removed {
		anew := slices.ContainsFunc(d.gone, func(g member.Tombstone) bool { return g.Address == t.Address })
		if t.View > v.Floor && !d.e.without(rules.Floor) && !d.e.without(rules.V1Removed) && v.At(t.Address) == nil && !anew {
			v.Removed = append(v.Removed, t)
		}
	}
	for _, t := range d.gone {
		if v.At(t.Address) == nil {
			v.Removed = append(v.Removed, t)
		}
	}
	slices.SortFunc(v.Removed, func(a, b member.Tombstone) int { return a.Node.Compare(b.Node) })
}

// reuse is for how long after a removal a newcomer at the same address must
// prove itself before it becomes Up.
const reuse = time.Minute

// fit reports whether a joiner may become Up: it has been welcomed, has answered
// a heartbeat, so that its vote does not cost the others their lease, is
// reachable, has no broken link to a member and, where its address was just used by another incarnation, has
// answered for a while.
func (e *Engine) fit(r *member.Record) bool {
	p := e.roster.find(r.Node)
	if p == nil || !r.Own.Present || p.answered.IsZero() || p.accused || !e.verdict.reachable(r.Node) || !e.moored(r.Node) || e.views.decided.At(r.Address) != nil {
		return false
	}
	if t := e.views.decided.Tombstone(r.Address); t == nil || e.now.Sub(e.views.learnt(t.View)) > reuse {
		return true
	}
	fit := p.answered.Add(e.cfg.Timing.Accuse)
	if e.now.Before(fit) {
		e.lead.due = earliest(e.lead.due, fit)
		return false
	}
	return true
}

// learnt returns about when a view was learnt to be decided; the zero time if
// that is long ago.
func (v *views) learnt(number uint64) time.Time {
	for _, a := range v.ages {
		if a.number >= number {
			return a.at
		}
	}
	return time.Time{}
}

// cull raises the wish to have joiners out that vanished before they were Up:
// lost ones, and ghosts that were accepted but never came.
func (e *Engine) cull() {
	if !e.leads() {
		return
	}
	lost := e.lost()
	ghost := e.cfg.Timing.Found + 2*e.cfg.Timing.Accuse
	for _, p := range e.roster.peers {
		if e.views.decided.Find(p.node) != nil {
			continue
		}
		_, isLost := slices.BinarySearchFunc(lost, p.node, member.Node.Compare)
		if isLost || !p.present && e.now.Sub(p.since) > ghost {
			e.want(p.node, member.CauseUnreachable)
		}
	}
}
