package engine

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// maxRecords bounds the table: records of new addresses beyond it are refused.
const maxRecords = 100_000

// merge merges a record and reports whether that changed anything.
func (e *Engine) merge(r *member.Record) bool {
	if !e.admissible(r) {
		return false
	}
	if !r.Live() {
		buried := *r
		buried.Normalize()
		r = &buried
	}
	old, now := e.table.MergeRecord(r)
	if now == old {
		return false
	}
	e.stale, e.stir, e.shown.dirty, e.shown.listed, e.tenure.unsure = true, true, true, false, true
	e.touched = append(e.touched, touch{old, now})
	if row := e.table.Row(r.Address); row != nil && (row.Observer != now.Node || !now.Live()) {
		e.table.DropRow(r.Address)
		e.moot = true
	}
	return true
}

// admissible refuses what pruning must keep away: a record that is not held and
// is so old that its tombstone may be gone.
func (e *Engine) admissible(r *member.Record) bool {
	if r.Node == e.self || e.table.Record(r.Address) != nil {
		return true
	}
	if e.table.Len() >= maxRecords {
		return false
	}
	d := e.views.decided
	if d == nil || d.Floor == 0 || e.without(rules.Floor) || d.Find(r.Node) != nil || e.views.acked.Find(r.Node) != nil {
		return true
	}
	return max(r.Accepted, r.Removed) > d.Floor
}

// mergeRow merges a row of a live member and reports whether that changed
// anything.
func (e *Engine) mergeRow(row *reach.Row) bool {
	r := e.table.Record(row.Observer.Address)
	if r == nil || r.Node != row.Observer || !r.Live() {
		return false
	}
	old, now := e.table.MergeRow(row)
	if now == old {
		return false
	}
	e.moot = true
	for _, n := range row.Accused {
		if old == nil || !old.Accuses(n) {
			e.timers.Accused(e.now)
			break
		}
	}
	return true
}

// own returns this node's record; it is a member.
func (e *Engine) own() *member.Record { return e.table.Record(e.self.Address) }

// restate changes what this node says of itself, and tells those who act on it
// at once.
func (e *Engine) restate(change func(*member.Own)) {
	r := *e.own()
	change(&r.Own)
	r.Own.Version++
	e.merge(&r)
	e.announce(&Delta{Records: []*member.Record{e.own()}})
}

// want raises the wish to have n out.
func (e *Engine) want(n member.Node, cause member.Cause) {
	r := member.Record{Node: n, Accepted: e.views.decided.Number}
	if held := e.table.Record(n.Address); held != nil && held.Node == n {
		r = *held
	}
	if r.Wanted >= cause {
		return
	}
	r.Wanted = cause
	e.merge(&r)
	e.announce(&Delta{Records: []*member.Record{e.table.Record(n.Address)}})
}

// push sends facts to the leader and the stewards at once: gossip would take a
// few rounds to bring them to whoever acts on them.
func (e *Engine) push(d *Delta) {
	to := append([]member.Node{e.verdict.leader}, e.verdict.stewards...)
	slices.SortFunc(to, member.Node.Compare)
	d.Facts, d.View, d.Active = e.table.Digest(), e.views.decided.Number, e.views.activeNumber()
	for _, n := range slices.Compact(to) {
		if !n.IsZero() {
			e.send(n, d)
		}
	}
}

// announce pushes facts of which this node is the first to know, and has
// gossip bring them to everybody.
func (e *Engine) announce(d *Delta) {
	e.push(d)
	if e.gossip != nil {
		e.gossip.Changed(e.now, e.table.Digest(), gossip.Facts{Records: d.Records, Rows: d.Rows})
	}
}
