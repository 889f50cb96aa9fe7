package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// What must run once runs under a lease, and a lease is made of nothing but
// heartbeats. A node holds one while a quorum of voters has lately answered it,
// so a node that is cut off, stopped or slow loses it by its own clock, without
// being told. Survivors that decide to go on without it wait until that must
// have happened (V4, in fence.go). Nobody agrees on anything to make this work:
// it rests on two quorums having a voter in common, on counting from one's own
// send stamp, and on clocks that run at nearly the same rate.

// Lease is the right to begin what must run at most once in the cluster: the
// handling of a message or timer of a hosted actor, an acknowledgement of
// something stored. Check it against the real clock before each (L5), for
// nobody tells a node in time that it has been stopped. The zero Lease is never
// valid.
type Lease struct {
	View  uint64    // number of the newest decided view known to its holder; 0 = no lease
	Until time.Time // when it ends, on the clock that the engine's inputs are stamped with
}

// Valid reports whether the lease still holds at now.
func (l Lease) Valid(now time.Time) bool { return l.View != 0 && now.Before(l.Until) }

// tenure is what this node knows of its own lease.
type tenure struct {
	until   time.Time // when it ends; it may be over
	since   time.Time // when the unbroken period began that until ends
	relayed time.Time // until when the leases of others carry this node
	stale   bool      // support or views have changed since it was reckoned
	next    time.Time // while it lasts it is not reckoned sooner
	shown   Lease     // of what is hosted here, after the last input that was not refused
	unsure  bool      // views or facts have changed since barred was worked out
	barred  bool      // nothing hosted here has a lease, whatever this node has: it does not vote, or has drained
	backing backing
}

// Lease returns the lease of what is hosted here, as of the last input that was
// not refused; it may have ended since. Of a node that has said that it drained
// there is none.
func (e *Engine) Lease() Lease {
	if e.removed {
		return Lease{}
	}
	return e.tenure.shown
}

// show works out the lease of what is hosted here, after views, facts or the
// end of the lease have changed.
func (t *tenure) show(e *Engine) {
	if !t.unsure && t.shown.Until.Equal(t.until) {
		return
	}
	v := &e.views
	unsure := t.unsure
	t.unsure, t.shown = false, Lease{}
	if unsure {
		t.barred = !v.acked.Votes(e.self) || v.removes(e.self) || e.own().Own.Drained && !e.without(rules.L4Drained)
	}
	if e.holds() && !t.barred {
		t.shown = Lease{View: v.decided.Number, Until: t.until}
	}
}

// holds reports whether this node has a lease at all, and so may lead. A leader
// that has just acknowledged its own Exiting still does: somebody must finish.
func (e *Engine) holds() bool {
	return !e.removed && e.views.decided != nil && e.now.Before(e.tenure.until)
}

// mayAct reports whether this node may accept joiners, lead, and answer for the
// cluster (S4).
func (e *Engine) mayAct() bool { return e.holds() }

// reckon works out the lease anew. Every heartbeat brings a little more, so while
// there is a lease it is done a few times in a heartbeat interval only; one
// that is missing is looked for at once.
func (e *Engine) reckon() {
	t := &e.tenure
	held := !t.until.IsZero() && e.now.Before(t.until)
	if !held && !t.until.IsZero() {
		t.until, e.stir, e.shown.dirty = time.Time{}, true, true
		t.stale = true
	}
	if !t.stale || held && e.now.Before(t.next) {
		return
	}
	t.stale = false
	t.next = e.now.Add(e.cfg.Timing.Heartbeat / 4)
	until := e.term()
	if !e.now.Before(until) {
		until = time.Time{}
	}
	if (t.until.IsZero()) != until.IsZero() {
		t.since = e.now
		e.stir, e.shown.dirty = true, true
	}
	t.until = until
}

// term returns until when this node holds a lease; the zero time for none (L3,
// L4).
func (e *Engine) term() time.Time {
	v := &e.views
	if !v.decided.Votes(e.self) || v.removes(e.self) {
		return time.Time{}
	}
	if e.leased != nil {
		return later(e.tenure.relayed, e.claim.until)
	}
	from := e.supported(v.decided)
	if v.acked != v.decided && !e.without(rules.L3Later) {
		from = sooner(from, e.supported(v.acked))
	}
	until := e.tenure.relayed
	if !from.IsZero() {
		until = later(until, from.Add(e.leaseFor(v.decided)))
	}
	return until
}

// supported returns the newest time since which the voters that answered, with
// this node, are a quorum of a view; zero if there is none.
func (e *Engine) supported(v *member.View) time.Time {
	b := &e.tenure.backing
	if b.vain == v {
		return time.Time{}
	}
	e.gather(v)
	if !e.quorumSince(v, time.Time{}) {
		b.vain = v
		return time.Time{}
	}
	slices.SortFunc(b.times, func(a, b time.Time) int { return b.Compare(a) })
	// Each one more makes a quorum more likely and its start earlier: the fewest
	// that are one are the newest.
	low, high := 0, len(b.times)
	for low < high {
		middle := int(uint(low+high) / 2)
		since := e.now
		if middle > 0 {
			since = b.times[middle-1]
		}
		if e.quorumSince(v, since) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == 0 {
		return e.now // this node is a quorum by itself
	}
	return b.times[low-1]
}

// backing is who supports this node in one view. It is kept only to be filled
// again, but for vain: the view in which all who ever supported this node are no
// quorum, which in a large cluster is so for everybody but the stewards.
type backing struct {
	by     []supporter // in the view's order
	times  []time.Time // of those of them who vote
	cursor int         // in the view, where the strategy is, which mostly asks in its order
	passed int         // in by: how many come before the one that was asked for last
	vain   *member.View
}

// supporter is a member of a view that has supported this node. Most nodes of a
// large cluster have few.
type supporter struct {
	place int // in the view
	at    time.Time
}

// gather collects who has ever supported this node.
func (e *Engine) gather(v *member.View) {
	b := &e.tenure.backing
	b.by, b.times = b.by[:0], b.times[:0]
	members := v.Members
	for _, p := range e.roster.peers {
		if p.support.IsZero() {
			continue
		}
		// Both are sorted: where everybody supports this node the next one is next.
		if len(members) == 0 || members[0].Node != p.node {
			members = v.After(p.node)
		}
		if len(members) == 0 || members[0].Node != p.node {
			continue
		}
		b.by = append(b.by, supporter{len(v.Members) - len(members), p.support})
		if members[0].Status.Votes() {
			b.times = append(b.times, p.support)
		}
		members = members[1:]
	}
}

// quorumSince reports whether those who have supported this node since a time
// are a quorum of v with it; the zero time asks for whoever ever did.
func (e *Engine) quorumSince(v *member.View, since time.Time) bool {
	b := &e.tenure.backing
	b.cursor, b.passed = 0, 0
	return e.cfg.Downing.Quorum(v, func(n member.Node) bool {
		if n == e.self {
			return true
		}
		s := b.find(v, n)
		return s != nil && !s.at.Before(since)
	})
}

// find returns the supporter n, a member of v; nil if it is none.
func (b *backing) find(v *member.View, n member.Node) *supporter {
	for b.cursor < len(v.Members) && v.Members[b.cursor].Node != n {
		b.cursor++
	}
	if b.cursor == len(v.Members) { // it is asked for out of order, or not there
		b.cursor, b.passed = len(v.Members)-len(v.After(n)), 0
	}
	for b.passed < len(b.by) && b.by[b.passed].place < b.cursor {
		b.passed++
	}
	if b.passed == len(b.by) || b.by[b.passed].place != b.cursor || v.Members[b.cursor].Node != n {
		return nil
	}
	return &b.by[b.passed]
}

// lean notes what a heartbeat of p does for this node's lease.
//
// It counts from the stamp that this node put on its own heartbeat, however
// long the way to p and back took: p answered at some moment after it. A p that
// has gone on to a view that is not known here counts for nothing, for that
// view may have removed this node, or changed the quorum that it needs (L2).
func (e *Engine) lean(p *peer, h *Heartbeat) {
	ahead := h.View > e.views.acked.Number || h.Decided > e.views.decided.Number
	unasked := h.Echo <= 0 && !e.without(rules.L1Echo)
	if ahead && !e.without(rules.L2Newer) || unasked || h.Echo > e.stamp() {
		return
	}
	at := e.start.Add(time.Duration(h.Echo - 1))
	if e.without(rules.L3Stamp) || e.without(rules.L1Echo) {
		at = e.now
	}
	if at.After(p.support) {
		if p.support.IsZero() {
			e.tenure.backing.vain = nil
		}
		p.support, e.tenure.stale = at, true
	}
	e.carry(p, h, at)
}

// carry takes what is left of p's lease for this node's own, from the stamp that
// p echoed and shortened by what two clocks may differ: it ends before p's does
// in real time. So a node needs to hear one steward instead of half the cluster.
func (e *Engine) carry(p *peer, h *Heartbeat, at time.Time) {
	left := time.Duration(min(h.Lease, int64(e.leaseFor(e.views.decided))))
	drift := e.cfg.Timing.drift()
	until := at.Add(time.Duration(float64(left) * (1 - drift) / (1 + drift)))
	if left > 0 && until.After(e.tenure.relayed) && e.votes(p) && !e.views.removes(p.node) {
		e.tenure.relayed, e.tenure.stale = until, true
	}
}

// remaining returns what a heartbeat tells of this node's lease.
func (e *Engine) remaining() int64 {
	if e.without(rules.L3Relay) && e.views.decided.Votes(e.self) {
		return int64(e.leaseFor(e.views.decided))
	}
	if !e.holds() {
		return 0
	}
	return int64(e.tenure.until.Sub(e.now))
}

// leaseFor returns T_f for a cluster of the size of a view: beyond a thousand
// members the stewards are heard from less often.
func (e *Engine) leaseFor(v *member.View) time.Duration {
	return max(e.cfg.Timing.LeaseFor, 4*e.cfg.Timing.stewardEvery(len(v.Members)))
}

// later and sooner compare times of which zero means "never".
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
