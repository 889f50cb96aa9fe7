package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// leased reports which of some nodes hold a valid lease, as a string of names.
func (p *pump) leased(names ...string) (held string) {
	for _, n := range names {
		if p.get(n).Lease().Valid(p.now) {
			held += n
		}
	}
	return held
}

// Interleaving 2: fencing by detection is a race. Whoever is cut off stops by
// its own clock before the others go on, whatever it has heard.
func TestInterleaving2LeaseEndsBeforeTheOthersGoOn(t *testing.T) {
	for name, cut := range map[string]func(p *pump){
		"cut off":              func(p *pump) { p.cut("c", "ab") },
		"deaf":                 func(p *pump) { p.cutOneWay("ab", "c") },
		"dumb":                 func(p *pump) { p.cutOneWay("c", "ab") },
		"wanted down unawares": func(p *pump) { p.cut("c", "a"); p.must("a", Down{Address: "c:1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPump(t, 61)
			p.cluster("a", "b", "c")
			p.run(5 * time.Second)
			if got := p.leased("a", "b", "c"); got != "abc" {
				t.Fatalf("got leases %q in a quiet cluster, want all", got)
			}
			cut(p)
			gone := func(n string) bool {
				a := p.get(n).Inspect().Active
				return a.Find(p.get("c").self) == nil
			}
			p.until(20*time.Second, "c gone", func() bool {
				if (gone("a") || gone("b")) && p.leased("c") != "" {
					t.Fatalf("c holds a lease until %v while its removal is active", p.get("c").Lease().Until.Sub(p.now))
				}
				return gone("a") && gone("b")
			})
			if got := p.leased("a", "b"); got != "ab" {
				t.Errorf("got leases %q, want the others to go on", got)
			}
		})
	}
}

func TestLeaseEndsInTime(t *testing.T) {
	p := newPump(t, 62)
	p.cluster("a", "b", "c", "d", "e")
	p.run(2 * time.Second)
	p.cut("ab", "cde")
	cut := p.now
	p.until(5*time.Second, "leases of a and b over", func() bool { return p.leased("a", "b") == "" })
	if took := p.now.Sub(cut); took > Lan().LeaseFor {
		t.Errorf("ended %v after the last contact with a quorum, want at most %v", took, Lan().LeaseFor)
	}
	if got := told[LeaseLost](p.get("a")); len(got) != 1 {
		t.Errorf("got %d losses told, want one", len(got))
	}
	p.heal()
	p.until(time.Second, "leases back", func() bool { return p.leased("a", "b", "c", "d", "e") == "abcde" })
	p.wantUp(5*time.Second, "a", "b", "c", "d", "e")
}

// A process that was stopped finds its lease over when it wakes, before it has
// handled a single input.
func TestLeaseOfAStoppedProcess(t *testing.T) {
	p := newPump(t, 63)
	p.cluster("a", "b", "c")
	l := p.get("b").Lease()
	if !l.Valid(p.now) || l.Valid(p.now.Add(Lan().LeaseFor)) {
		t.Errorf("got a lease for %v, want more than nothing and at most %v", l.Until.Sub(p.now), Lan().LeaseFor)
	}
	if (Lease{}).Valid(p.now) {
		t.Error("the zero lease is valid")
	}
}

// Alone, and as the older of two, a node is a quorum by itself.
func TestLeaseOfAQuorumOfOne(t *testing.T) {
	p := newPump(t, 64)
	p.found("a")
	p.run(time.Minute)
	if p.leased("a") == "" {
		t.Error("the only member has no lease")
	}
	p.join("b", "a")
	p.wantUp(5*time.Second, "a", "b")
	p.cut("a", "b")
	p.run(3 * time.Second)
	if got := p.leased("a", "b"); got != "a" {
		t.Errorf("got leases %q after the cut of two, want that of the older", got)
	}
	if got := told[LeaseLost](p.get("a")); len(got) != 0 {
		t.Errorf("the older lost its lease %d times", len(got))
	}
}

// One link to a voter with a lease carries a node, and no longer than that one's
// own lease.
func TestLeaseIsPassedOn(t *testing.T) {
	p := newPump(t, 65)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("e", "bcd") // e hears a alone: two of five
	p.run(3500 * time.Millisecond)
	if got := p.leased("a", "b", "c", "d", "e"); got != "abcde" {
		t.Errorf("got leases %q, want e to be carried by a", got)
	}
	p.cut("ae", "bcd")
	p.until(5*time.Second, "leases of a and e over", func() bool {
		if e, a := p.get("e").Lease(), p.get("a").Lease(); e.Valid(p.now) && e.Until.After(a.Until) && a.Valid(p.now) {
			t.Fatalf("e's lease lasts %v longer than that of a, which carries it", e.Until.Sub(a.Until))
		}
		return p.leased("a", "e") == ""
	})
}

// Who has drained hosts nothing; who is removed by an acknowledged view stops.
func TestLeaseIsGivenUp(t *testing.T) {
	p := newPump(t, 66)
	p.cluster("a", "b", "c")
	p.must("b", Leave{})
	p.run(time.Second)
	if p.leased("b") == "" {
		t.Error("a node that hands over has no lease")
	}
	p.must("b", Drained{})
	if p.leased("b") != "" {
		t.Error("a node that has drained has a lease")
	}
	c, v := p.get("c"), p.get("c").Inspect()
	next := *v.Decided
	next.Number++
	next.Members = next.Members[:2] // without c
	w := &WriteWave{Term: member.Term{Counter: 99, Leader: p.get("a").self}, Change: member.Diff(v.Decided, &next)}
	if err := c.Step(p.now, &Message{From: p.get("a").self, To: c.self, Identity: c.id, Body: w}); err != nil {
		t.Fatal(err)
	}
	rd := c.Ready()
	if rd.Lease.Valid(p.now) || len(rd.Messages) == 0 {
		t.Errorf("got lease %v with %d messages, want it gone before the acknowledgement is sent", rd.Lease, len(rd.Messages))
	}
}

// V4: a clean crash needs no wait; the removal of a node that is well does, but
// for the word of that node itself.
func TestFenceWaitsOnlyWhereItMust(t *testing.T) {
	activeAfter := func(p *pump) time.Duration {
		var decided time.Time
		p.until(20*time.Second, "removal active", func() bool {
			in := p.get("a").Inspect()
			if decided.IsZero() && in.Decided.Find(p.get("c").self) == nil {
				decided = p.now
			}
			return in.Active.Find(p.get("c").self) == nil
		})
		return p.now.Sub(decided)
	}
	tw := time.Duration(float64(Lan().LeaseFor) * 1.05 / 0.95)
	for name, c := range map[string]struct {
		fault    func(p *pump)
		min, max time.Duration
	}{
		"crashed":     {func(p *pump) { p.crash("c") }, 0, 100 * time.Millisecond},
		"cut off":     {func(p *pump) { p.cut("ab", "c") }, 0, 100 * time.Millisecond},
		"told":        {func(p *pump) { p.must("a", Down{Address: "c:1"}) }, 0, 100 * time.Millisecond},
		"not told":    {func(p *pump) { p.cut("ab", "c"); p.must("a", Down{Address: "c:1"}) }, tw, tw + 100*time.Millisecond},
		"just frozen": {func(p *pump) { p.crash("c"); p.must("a", Down{Address: "c:1"}) }, tw, tw + 100*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPump(t, 67)
			p.cluster("a", "b", "c")
			p.run(5 * time.Second)
			c.fault(p)
			if got := activeAfter(p); got < c.min || got > c.max {
				t.Errorf("active %v after it was decided, want %v to %v", got, c.min, c.max)
			}
		})
	}
}

// The view's leader is gone, one voter has acknowledged the view, and the next
// leader has not heard of it: it would get no support from that one.
func TestPendingViewReachesTheNextLeader(t *testing.T) {
	p := newPump(t, 68)
	p.cluster("a", "b", "c")
	p.drop = func(m *Message) bool {
		_, wave := m.Body.(*WriteWave)
		return wave && m.To.Address == "b:1" // c alone hears of it
	}
	p.join("d", "a")
	p.until(5*time.Second, "c acknowledges", func() bool {
		in := p.get("c").Inspect()
		return in.Acked.Number > in.Decided.Number
	})
	p.crash("a")
	p.crash("d")
	p.heal()
	p.until(10*time.Second, "b knows the view", func() bool {
		return p.get("b").Inspect().Acked.Number == p.get("c").Inspect().Acked.Number
	})
}

// A leader whose lease comes back was perhaps the one that was cut off: what it
// held against the others does not count at once.
func TestHealRemovesNobodyWhoIsBack(t *testing.T) {
	p := newPump(t, 69)
	p.cluster("a", "b", "c")
	p.cut("a", "bc")
	p.cutMore("b", "c")
	p.run(30 * time.Second) // everybody has been silent for everybody for long
	p.heal()
	p.run(20 * time.Second)
	if !p.up("a", "b", "c") {
		t.Errorf("somebody was removed after the heal:\n%s", p.state())
	}
	if v := p.get("a").Inspect().Decided; len(v.Removed) != 0 {
		t.Errorf("got %v removed", v.Removed)
	}
}

// cutMore cuts two groups beside what is cut already.
func (p *pump) cutMore(left, right string) {
	before := p.drop
	p.cut(left, right)
	now := p.drop
	p.drop = func(m *Message) bool { return before(m) || now(m) }
}

// Interleaving 21: a node whose loop stands still answers heartbeats and never
// acts; one that answers and takes no view in stalls everybody.
func TestInterleaving21ALoopThatStandsStill(t *testing.T) {
	p := newPump(t, 21)
	p.cluster("a", "b", "c", "d")
	p.drop = func(m *Message) bool { // what d says is made up: it sends heartbeats, and nothing else
		h, beat := m.Body.(*Heartbeat)
		if m.From.Address == "d:1" && beat {
			h.Counter = 5
		}
		return m.From.Address == "d:1" && !beat
	}
	p.until(20*time.Second, "d found", func() bool {
		return p.get("a").Inspect().Active.Find(p.get("d").self) == nil
	})
}

func TestInterleaving21AVoterThatHearsButDoesNotAck(t *testing.T) {
	p := newPump(t, 22)
	p.cluster("a", "b", "c", "d")
	p.drop = func(m *Message) bool { // no view reaches d, heartbeats do
		switch m.Body.(type) {
		case *Heartbeat, *Gone:
			return false
		}
		return m.To.Address == "d:1"
	}
	p.crash("c")
	p.until(30*time.Second, "c removed", func() bool {
		a := p.get("a").Inspect().Active
		return a.Find(p.get("c").self) == nil
	})
	if v := p.get("a").Inspect().Active; v.Find(p.get("d").self) != nil {
		t.Errorf("view %d is active with d, which never took it in", v.Number)
	}
}

// A peer that never answered a heartbeat is found too.
func TestNeverAnswered(t *testing.T) {
	p := newPump(t, 23)
	p.cluster("a", "b", "c")
	p.drop = func(m *Message) bool { // d hears everything and is never heard, but for its join
		_, delta := m.Body.(*Delta)
		return m.From.Address == "d:1" && !delta
	}
	p.join("d", "a")
	p.run(500 * time.Millisecond)
	p.drop = func(m *Message) bool { return m.From.Address == "d:1" }
	p.until(20*time.Second, "d forgotten", func() bool {
		return p.status("a", "d") == 0 && p.status("b", "d") == 0
	})
}

// TestPaceOfMembersAmongManyJoiners: while twenty members have let in thousands
// who are not in a view yet, they hear from the stewards as often as a lease of
// twenty asks for. When the pace was that of all who are there, five thousand that
// joined at once left the leader of 512 members without a lease for good.
func TestPaceOfMembersAmongManyJoiners(t *testing.T) {
	p := newPump(t, 86)
	all := names(20)
	p.cluster(all...)
	p.run(10 * time.Second)
	far := 0
	for _, name := range all {
		e := p.get(name).Engine
		e.roster.present = 5000
		e.aim()
		for _, q := range e.roster.peers {
			if q.target && q.every > e.leaseFor(e.views.decided)/4 {
				t.Errorf("%s has a heartbeat for %s every %v, want it four times in the %v of a lease", name, q.node.Address, q.every, e.leaseFor(e.views.decided))
			}
			if !q.target && slices.Contains(e.verdict.stewards, e.self) {
				far++
				q.seat, q.seatOf = nil, e.views.decided // as if it had not been decided on
			}
		}
		e.aim()
		for _, q := range e.roster.peers {
			if !q.target && q.seat == nil && q.seatOf != nil && q.every != Lan().stewardEvery(5001) {
				t.Errorf("%s expects a heartbeat of the joiner %s every %v, want %v", name, q.node.Address, q.every, Lan().stewardEvery(5001))
			}
		}
	}
	if far == 0 {
		t.Error("the stewards monitor all themselves, so nothing was tested")
	}
}
