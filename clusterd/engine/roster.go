package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// roster is whom this node deals with: all members that live, but itself.
type roster struct {
	peers   []*peer       // sorted by address
	nodes   []member.Node // those that were welcomed, sorted by address: heartbeats and gossip go to them
	targets []*peer       // to whom heartbeats go by themselves
}

// peer is what this node remembers of another.
type peer struct {
	node    member.Node
	present bool // it was welcomed and knows the cluster

	since    time.Time // when it became known here
	answered time.Time // when it first echoed a stamp; zero = never
	echoed   time.Time // time of the newest stamp that it echoed; zero = none
	stamp    int64     // the newest stamp had from it, to be echoed
	counter  uint64    // of its loop
	moved    time.Time // when its counter last moved
	accused  bool      // by this node
	target   bool      // heartbeats go to it by themselves
	watched  bool      // it is accused when it is silent

	acked   uint64 // number of the newest view that it said it acknowledged
	decided uint64 // number of the newest view that it said it knows decided

	told   uint64 // the last change of the table that was sent to it
	before uint64 // told, before the last message
}

// find returns the peer, or nil.
func (r *roster) find(n member.Node) *peer {
	i, ok := slices.BinarySearchFunc(r.peers, n, func(p *peer, n member.Node) int { return p.node.Compare(n) })
	if !ok {
		return nil
	}
	return r.peers[i]
}

// forgive counts time that this node slept as if everybody had answered.
func (r *roster) forgive(late time.Duration, now time.Time) {
	shift := func(t time.Time) time.Time {
		if t = t.Add(late); t.After(now) {
			return now
		}
		return t
	}
	for _, p := range r.peers {
		p.since, p.moved = shift(p.since), shift(p.moved)
		if !p.echoed.IsZero() {
			p.echoed = shift(p.echoed)
		}
	}
}

// refresh rebuilds the roster from the newest view and the facts. What is
// remembered of a peer stays with its incarnation.
func (e *Engine) refresh() {
	e.stale, e.moot, e.shown.dirty = false, true, true
	former := e.roster
	e.roster = roster{}
	for _, n := range e.others() {
		p := former.find(n.Node)
		if p == nil {
			p = &peer{node: n.Node, since: e.now, moved: e.now, told: e.table.Seq(), before: e.table.Seq()}
		}
		if n.present && !p.present {
			p.present, p.since, p.moved = true, e.now, e.now
		}
		e.roster.peers = append(e.roster.peers, p)
		if p.present {
			e.roster.nodes = append(e.roster.nodes, n.Node)
		}
	}
	e.aim()
}

type other struct {
	member.Node
	present bool
}

// others returns the other members of the decided view and the live records
// beside it. Whom an undecided view removes stays: its acknowledgement may yet
// be needed.
func (e *Engine) others() []other {
	var list []other
	for i := range e.views.decided.Members {
		n := e.views.decided.Members[i].Node
		if n != e.self && e.tombstone(n).UID == 0 {
			list = append(list, other{n, true})
		}
	}
	for r := range e.table.Records() {
		if r.Node != e.self && e.joining(r) {
			list = append(list, other{r.Node, r.Own.Present})
		}
	}
	slices.SortFunc(list, func(a, b other) int { return a.Node.Compare(b.Node) })
	return list
}

// joining reports whether a record is of somebody who is in no decided view.
func (e *Engine) joining(r *member.Record) bool {
	return r.Live() && e.views.decided.Find(r.Node) == nil && !e.views.decided.Buries(r.Node)
}

// aim chooses to whom heartbeats go: in a small cluster to all, else to the
// successors on the ring, the stewards and all who are accused.
func (e *Engine) aim() {
	accused := func(n member.Node) bool { return e.roster.find(n).accused }
	chosen := reach.Ring(e.self, e.roster.nodes, accused)
	if len(e.roster.nodes)+1 > reach.All {
		chosen = append(chosen, e.verdict.stewards...)
	}
	steward := slices.Contains(e.verdict.stewards, e.self)
	for _, p := range e.roster.peers {
		p.target = false
	}
	for _, n := range chosen {
		if p := e.roster.find(n); p != nil {
			p.target = true
		}
	}
	e.roster.targets = nil
	for _, p := range e.roster.peers {
		watched := p.present && (p.target || steward)
		if watched && !p.watched {
			p.since = e.now
		}
		p.watched = watched
		if p.target {
			e.roster.targets = append(e.roster.targets, p)
		}
	}
}
