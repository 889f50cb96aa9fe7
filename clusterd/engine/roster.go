package engine

import (
	"iter"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// roster is whom this node deals with: all members that live, but itself. Who
// they are follows from the decided view and the facts at any time, see
// [Engine.others]. What is remembered of one of them is a peer, made when it is
// first asked for: an ordinary node of a large cluster deals with few. Whoever
// oversees the cluster, its leader and the stewards, keeps one of everybody.
type roster struct {
	engine  *Engine
	peers   []*peer       // of whom something is remembered, sorted by address
	targets []*peer       // to whom heartbeats go by themselves
	judged  []*peer       // those watched or accused: whose silence this node looks at
	ring    []member.Node // whom this node monitors and does not accuse: digests go to them
	index   index         // of peers

	of      *member.View  // the decided view that all below is about; nil = out of date
	read    int           // how many of the engine's touches were looked at
	listed  int           // how many others there are
	present int           // how many of them were welcomed: heartbeats and gossip go to these
	nearest reach.Nearest // of these, but for skipped, on the ring
	change  uint64        // how often any of this has changed
	skipped []member.Node // whom this node accuses
	astray  bool          // nearest is out of date
	full    bool          // there is a peer of everybody
	busy    bool          // see Engine.busy; worked out when asked for
	idle    bool          // busy was worked out and is false
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

	seat       *member.Entry // in the view seatOf
	seatOf     *member.View  // the decided view when that was last asked
	support    time.Time     // newest stamp of this node that it echoed and that counts for the lease; zero = none
	given      int64         // the newest stamp of it that this node echoed; 0 = none
	answeredTo time.Time     // when it did so first; zero = never
	hinted     time.Time     // when it was last told of an undecided view

	leaving time.Time // when it was seen to be Leaving in a decided view; zero = it is not

	acked   uint64 // number of the newest view that it said it acknowledged
	decided uint64 // number of the newest view that it said it knows decided

	welcomed bool // by this node, so it passes on what the other says of itself

	told   uint64 // the last change of the table that was sent to it
	before uint64 // told, before the last message
}

// find returns the peer of a node that is dealt with, nil for any other.
func (r *roster) find(n member.Node) *peer {
	if p := r.remembered(n); p != nil {
		return p
	}
	if !r.engine.lists(n) {
		return nil
	}
	p := r.engine.newPeer(n)
	i, _ := r.search(n)
	r.peers = slices.Insert(r.peers, i, p)
	if !r.index.add(p, len(r.peers)) {
		r.index = nil
	}
	return p
}

// remembered returns the peer of a node, nil where nothing is remembered of it.
func (r *roster) remembered(n member.Node) *peer {
	if r.index == nil {
		r.index = newIndex(r.peers)
	}
	return r.index.find(n)
}

func (r *roster) search(n member.Node) (int, bool) {
	low, high := 0, len(r.peers)
	for low < high {
		middle := int(uint(low+high) / 2)
		if r.peers[middle].node.Compare(n) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(r.peers) && r.peers[low].node == n
}

func (e *Engine) newPeer(n member.Node) *peer {
	p := &peer{node: n, since: e.now, moved: e.attention(), told: e.table.Seq(), before: e.table.Seq()}
	_, p.present = e.at(n.Address)
	return p
}

// lists reports whether n is another one that this node deals with.
func (e *Engine) lists(n member.Node) bool {
	if n == e.self || n.IsZero() || e.views.decided == nil {
		return false
	}
	who, _ := e.at(n.Address)
	return who == n
}

// seat returns p's entry in the decided view, nil for none. It is asked for each
// heartbeat.
func (e *Engine) seat(p *peer) *member.Entry {
	if v := e.views.decided; p.seatOf != v {
		p.seat, p.seatOf = v.Find(p.node), v
	}
	return p.seat
}

// votes reports whether p is a voter of the decided view.
func (e *Engine) votes(p *peer) bool {
	m := e.seat(p)
	return m != nil && m.Status.Votes()
}

// at returns who at an address is dealt with, zero for nobody, and whether that
// one was welcomed and knows the cluster.
func (e *Engine) at(address string) (n member.Node, present bool) {
	return listed(e.views.decided, e.views.decided.At(address), e.table.Record(address))
}

// listed returns who is dealt with at an address that has the member m in the
// decided view v, the record r, or both; one of them may be nil. Whom an
// undecided view removes is: its acknowledgement may yet be needed.
func listed(v *member.View, m *member.Entry, r *member.Record) (n member.Node, present bool) {
	switch {
	case r != nil && r.Live() && (m == nil || r.UID > m.UID):
		if v.Buries(r.Node) {
			return member.Node{}, false
		}
		return r.Node, r.Own.Present
	case m == nil || r != nil && (r.UID > m.UID || r.UID == m.UID && !r.Live()):
		return member.Node{}, false
	}
	return m.Node, true
}

// places yields, sorted by address, what the decided view and the facts have of
// each address: an entry, a record, or both.
func (e *Engine) places() iter.Seq2[*member.Entry, *member.Record] {
	return func(yield func(*member.Entry, *member.Record) bool) {
		members := e.views.decided.Members
		for r := range e.table.Records() {
			for len(members) > 0 && member.CompareAddress(members[0].Address, r.Address) < 0 {
				if !yield(&members[0], nil) {
					return
				}
				members = members[1:]
			}
			var m *member.Entry
			if len(members) > 0 && members[0].Address == r.Address {
				m, members = &members[0], members[1:]
			}
			if !yield(m, r) {
				return
			}
		}
		for i := range members {
			if !yield(&members[i], nil) {
				return
			}
		}
	}
}

// others yields, sorted by address, all whom this node deals with, and whether
// each was welcomed and knows the cluster.
func (e *Engine) others() iter.Seq2[member.Node, bool] {
	return func(yield func(member.Node, bool) bool) {
		for m, r := range e.places() {
			if n, present := listed(e.views.decided, m, r); !n.IsZero() && n != e.self && !yield(n, present) {
				return
			}
		}
	}
}

// busy reports whether somebody is on the way in or out, as far as views and
// facts tell. Only those ask who would have something to do then.
func (e *Engine) busy() bool {
	l := &e.roster
	if l.busy || l.idle {
		return l.busy
	}
	for m, r := range e.places() {
		if e.moving(m, r) {
			l.busy = true
			return true
		}
	}
	l.idle = true
	return false
}

// moving reports whether the one at an address is on the way in or out.
func (e *Engine) moving(m *member.Entry, r *member.Record) bool {
	switch {
	case m != nil && m.Status != member.Up:
		return true
	case r == nil:
		return false
	case m == nil:
		return r.Live() && (r.Wanted != 0 || r.Own.Leaving || r.Own.Halt || !e.views.decided.Buries(r.Node))
	case r.UID > m.UID || r.UID == m.UID && !r.Live():
		return true
	}
	return r.Live() && (r.Wanted != 0 || r.Own.Leaving || r.Own.Halt) || r.Node == m.Node && !samePlace(&m.Info, &r.Own.Info)
}

// touch is a change of a record since the last events.
type touch struct {
	old *member.Record // nil = there was none
	now *member.Record
}

// refresh brings the roster up to date with the newest view and the facts. Every
// change of either comes through here. A new view is gone through as a whole, as
// is the first one; otherwise only the addresses that facts have touched are.
func (e *Engine) refresh() {
	e.stale, e.moot, e.shown.dirty = false, true, true
	l := &e.roster
	l.busy, l.idle = false, false
	changed := false
	if l.of != e.views.decided {
		l.of, changed = e.views.decided, true
		e.survey()
	} else {
		for _, t := range e.touched[l.read:] {
			changed = e.recheck(t) || changed
		}
	}
	if l.read = len(e.touched); changed {
		l.change++
	}
	e.aim()
	if e.gossip != nil && changed {
		e.gossip.Aim(e.everybody)
	}
}

// survey counts those that this node deals with, and drops peers that it does not
// deal with any more, or has no need of.
func (e *Engine) survey() {
	l := &e.roster
	l.listed, l.present, l.astray = 0, 0, true
	for _, present := range e.others() {
		l.listed++
		if present {
			l.present++
		}
	}
	l.full = false // aim fills it again, if need be
	oversees := e.oversees()
	l.peers = slices.DeleteFunc(l.peers, func(p *peer) bool {
		n, present := e.at(p.node.Address)
		if n != p.node || !oversees && !e.needs(p) {
			return true
		}
		e.greet(p, present)
		return false
	})
	l.index = nil
	for i := range e.views.decided.Members {
		if m := &e.views.decided.Members[i]; m.Status == member.Leaving {
			e.noteLeaving(m.Node)
		}
	}
}

// oversees reports whether this node is the leader or a steward, as far as it
// knows.
func (e *Engine) oversees() bool {
	return e.verdict.leader == e.self || slices.Contains(e.verdict.stewards, e.self)
}

// needs reports whether what is remembered of p may yet be asked for: it is heard
// or watched, or was lately given an answer that a lease may rest on.
func (e *Engine) needs(p *peer) bool {
	return p.target || p.watched || p.accused || p.welcomed && e.views.decided.Find(p.node) == nil || !p.leaving.IsZero() || e.hears(p) ||
		!p.answeredTo.IsZero() && e.now.Sub(p.answeredTo) <= 2*e.fence()
}

// greet notes that p has been welcomed.
func (e *Engine) greet(p *peer, present bool) {
	if present && !p.present {
		p.present, p.since, p.moved, p.detector = true, e.now, e.attention(), nil
	}
}

// noteLeaving starts the clock of the leave deadline.
func (e *Engine) noteLeaving(n member.Node) {
	if p := e.roster.find(n); p != nil && p.leaving.IsZero() {
		p.leaving = e.now
	}
}

// recheck takes in one change, and reports whether another one is dealt with at
// that address now, or that one has been welcomed.
func (e *Engine) recheck(t touch) bool {
	if t.now.Address == e.self.Address {
		return false
	}
	l := &e.roster
	m := e.views.decided.At(t.now.Address)
	was, greeted := listed(e.views.decided, m, t.old)
	is, present := listed(e.views.decided, m, t.now)
	if was == is && greeted == present {
		return false
	}
	l.listed += one(!is.IsZero()) - one(!was.IsZero())
	l.present += one(present) - one(greeted)
	if was != is && !was.IsZero() {
		l.astray = l.astray || l.nearest.Has(was)
		if i, found := l.search(was); found {
			l.peers = slices.Delete(l.peers, i, i+1)
			l.index = nil
		}
	}
	if present {
		l.nearest.Offer(is)
	}
	if i, found := l.search(is); found {
		e.greet(l.peers[i], present)
	} else if l.full && !is.IsZero() {
		l.find(is)
	}
	return true
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// fellows returns all other members that know the cluster, sorted by address.
func (e *Engine) fellows() []member.Node {
	list := make([]member.Node, 0, e.roster.present+1)
	for n, present := range e.others() {
		if present {
			list = append(list, n)
		}
	}
	return list
}

// everybody returns all members that know the cluster, this one among them.
func (e *Engine) everybody() []member.Node {
	list := e.fellows()
	i, _ := slices.BinarySearchFunc(list, e.self, member.Node.Compare)
	return slices.Insert(list, i, e.self)
}

// anybody draws one of the others that know the cluster; there must be one. Where
// they are many it guesses first: to count them off would take too long.
func (e *Engine) anybody() member.Node {
	if e.roster.present > reach.All {
		if n := e.guess(); !n.IsZero() {
			return n
		}
	}
	k := e.cfg.Rand.IntN(e.roster.present)
	for n, present := range e.others() {
		if present {
			if k == 0 {
				return n
			}
			k--
		}
	}
	return member.Node{}
}

// guesses is how often somebody is drawn from lists that have others too.
const guesses = 32

// guess draws members and records until it comes upon one of the others that
// know the cluster; zero if it does not. Each has one chance: as a member, else
// by its record.
func (e *Engine) guess() member.Node {
	v := e.views.decided
	for range guesses {
		i := e.cfg.Rand.IntN(len(v.Members) + e.table.Len())
		var drawn member.Node
		if i < len(v.Members) {
			drawn = v.Members[i].Node
		} else if drawn = e.table.RecordAt(i - len(v.Members)).Node; v.Find(drawn) != nil {
			continue
		}
		if n, present := e.at(drawn.Address); n == drawn && present && n != e.self {
			return n
		}
	}
	return member.Node{}
}

// joining reports whether a record is of somebody who is in no decided view.
func (e *Engine) joining(r *member.Record) bool {
	return r.Live() && e.views.decided.Find(r.Node) == nil && !e.views.decided.Buries(r.Node)
}

// fill makes a peer of everybody.
func (e *Engine) fill() {
	l := &e.roster
	former := l.peers
	l.peers, l.full = make([]*peer, 0, l.listed), true
	for n := range e.others() {
		for len(former) > 0 && former[0].node.Compare(n) < 0 {
			former = former[1:]
		}
		if len(former) > 0 && former[0].node == n {
			l.peers = append(l.peers, former[0])
		} else {
			l.peers = append(l.peers, e.newPeer(n))
		}
	}
	l.index = nil
}
