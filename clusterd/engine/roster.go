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
	judged  []*peer       // those watched or accused: whose silence this node looks at
	former  []*peer       // while it is rebuilt: the peers before, those not looked at yet
	recent  [32]*peer     // found lately, by UID: a node deals with a few all the time
	busy    bool          // somebody is on the way in or out, as far as views and facts tell
}

// peer is what this node remembers of another.
type peer struct {
	node    member.Node
	present bool // it was welcomed and knows the cluster

	since    time.Time     // when it became known here, was welcomed or began to be watched
	answered time.Time     // when the present run of answers began; zero = it never answered
	echo     int64         // the newest stamp of this node that it echoed; 0 = none
	heard    time.Duration // attention at its newest answer
	stamp    int64         // the newest stamp had from it, to be echoed
	counter  uint64        // of its loop
	moved    time.Duration // attention when its counter last moved
	detector Detector      // nil while it is neither watched nor accused
	detour   *detour       // nil while it answers
	every    time.Duration // between two heartbeats to it
	due      time.Time     // when the next one is due, where that is not at every beat
	accused  bool          // by this node
	target   bool          // heartbeats go to it by themselves
	watched  bool          // it is accused when it is silent

	support    time.Time // newest stamp of this node that it echoed and that counts for the lease; zero = none
	given      int64     // the newest stamp of it that this node echoed; 0 = none
	answeredTo time.Time // when it did so first; zero = never
	hinted     time.Time // when it was last told of an undecided view

	leaving time.Time // when it was seen to be Leaving in a decided view; zero = it is not

	acked   uint64 // number of the newest view that it said it acknowledged
	decided uint64 // number of the newest view that it said it knows decided

	welcomed bool // by this node, so it passes on what the other says of itself

	told   uint64 // the last change of the table that was sent to it
	before uint64 // told, before the last message
}

// find returns the peer, or nil.
func (r *roster) find(n member.Node) *peer {
	recent := &r.recent[n.UID%uint64(len(r.recent))]
	if *recent != nil && (*recent).node == n {
		return *recent
	}
	low, high := 0, len(r.peers)
	for low < high {
		middle := int(uint(low+high) / 2)
		if r.peers[middle].node.Compare(n) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(r.peers) || r.peers[low].node != n {
		return nil
	}
	*recent = r.peers[low]
	return *recent
}

// refresh rebuilds the roster from the newest view and the facts: the other
// members of the decided view and the live records beside it. Every change of
// either comes through here, so it walks the two sorted lists side by side.
func (e *Engine) refresh() {
	e.stale, e.moot, e.shown.dirty = false, true, true
	nodes := e.roster.nodes
	e.roster = e.roster.renewed()
	members := e.views.decided.Members
	for r := range e.table.Records() {
		for len(members) > 0 && member.CompareAddress(members[0].Address, r.Address) < 0 {
			e.enlist(&members[0], nil)
			members = members[1:]
		}
		if len(members) > 0 && members[0].Address == r.Address {
			e.enlist(&members[0], r)
			members = members[1:]
		} else {
			e.enlist(nil, r)
		}
	}
	for i := range members {
		e.enlist(&members[i], nil)
	}
	e.roster.former = nil
	e.aim()
	if e.gossip != nil && !slices.Equal(nodes, e.roster.nodes) {
		e.gossip.Aim(e.everybody)
	}
}

// renewed returns an empty roster that remembers the peers of this one.
func (r *roster) renewed() roster {
	return roster{
		peers:  make([]*peer, 0, len(r.peers)+1),
		nodes:  make([]member.Node, 0, len(r.peers)+1),
		former: r.peers,
	}
}

// enlist takes in who is at one address: the member m of the decided view, the
// record r, or both; one of them may be nil. Whom an undecided view removes
// stays: its acknowledgement may yet be needed.
func (e *Engine) enlist(m *member.Entry, r *member.Record) {
	newer := r != nil && r.Live() && (m == nil || r.UID > m.UID)
	buried := m != nil && r != nil && (r.UID > m.UID || r.UID == m.UID && !r.Live())
	moving := m != nil && m.Status != member.Up || r != nil && r.Live() && (r.Wanted != 0 || r.Own.Leaving || r.Own.Halt) ||
		m != nil && r != nil && r.Node == m.Node && !samePlace(&m.Info, &r.Own.Info)
	if m != nil && !buried {
		e.appear(m.Node, true)
		e.noteLeaving(m)
	}
	if newer = newer && !e.views.decided.Buries(r.Node); newer {
		e.appear(r.Node, r.Own.Present)
	}
	e.roster.busy = e.roster.busy || newer || buried || moving
}

// noteLeaving starts the clock of the leave deadline.
func (e *Engine) noteLeaving(m *member.Entry) {
	if m.Status != member.Leaving || m.Node == e.self {
		return
	}
	if p := e.roster.peers[len(e.roster.peers)-1]; p.leaving.IsZero() {
		p.leaving = e.now
	}
}

// appear adds n to the roster, with what was known of it before.
func (e *Engine) appear(n member.Node, present bool) {
	if n == e.self {
		return
	}
	l := &e.roster
	for len(l.former) > 0 && l.former[0].node.Compare(n) < 0 {
		l.former = l.former[1:]
	}
	var p *peer
	if len(l.former) > 0 && l.former[0].node == n {
		p = l.former[0]
	} else {
		p = &peer{node: n, since: e.now, moved: e.attention(), told: e.table.Seq(), before: e.table.Seq()}
	}
	if present && !p.present {
		p.present, p.since, p.moved, p.detector = true, e.now, e.attention(), nil
	}
	l.peers = append(l.peers, p)
	if p.present {
		l.nodes = append(l.nodes, n)
	}
}

// joining reports whether a record is of somebody who is in no decided view.
func (e *Engine) joining(r *member.Record) bool {
	return r.Live() && e.views.decided.Find(r.Node) == nil && !e.views.decided.Buries(r.Node)
}

// target has heartbeats sent to some nodes that have none yet.
func (e *Engine) target(nodes []member.Node, every time.Duration) {
	for _, n := range nodes {
		if p := e.roster.find(n); p != nil && !p.target {
			p.target = true
			p.pace(every)
		}
	}
}

// pace sets how often heartbeats are exchanged with p. Its detector learns anew
// what to expect.
func (p *peer) pace(every time.Duration) {
	if p.every != every {
		p.every, p.detector, p.due = every, nil, time.Time{}
	}
}

// aim chooses to whom heartbeats go: in a small cluster to all, else to the
// successors on the ring, the stewards and all who are accused.
func (e *Engine) aim() {
	var all []member.Node // whom this node accuses: few, mostly nobody
	for _, p := range e.roster.peers {
		if p.accused {
			all = append(all, p.node)
		}
	}
	accused := func(n member.Node) bool {
		_, found := slices.BinarySearchFunc(all, n, member.Node.Compare)
		return found
	}
	for _, p := range e.roster.peers {
		p.target = false
	}
	heartbeat := e.cfg.Timing.Heartbeat
	e.target(reach.Ring(e.self, e.roster.nodes, accused), heartbeat)
	seldom := heartbeat
	if n := len(e.roster.nodes) + 1; n > reach.All {
		seldom = e.cfg.Timing.stewardEvery(n)
		e.target(e.verdict.stewards, seldom)
	}
	steward := slices.Contains(e.verdict.stewards, e.self)
	e.roster.targets, e.roster.judged = nil, nil
	for _, p := range e.roster.peers {
		watched := p.present && (p.target || steward)
		if !p.target {
			p.pace(seldom)
		}
		if watched && !p.watched {
			p.since, p.moved = e.now, e.attention()
		}
		p.watched = watched
		if p.target {
			e.roster.targets = append(e.roster.targets, p)
		}
		if !p.watched && !p.accused {
			p.detector = nil
			continue
		}
		if p.detector == nil {
			p.detector = e.newDetector(p)
		}
		e.roster.judged = append(e.roster.judged, p)
	}
}
