package engine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// The tests in this file are named after the interleavings in section 2 of the
// protocol rules: each fails when its rule is taken out.

// kind returns the drop rule for messages with a body of type B that match.
func kind[B Body](match func(*Message) bool) func(*Message) bool {
	return func(m *Message) bool {
		_, ok := m.Body.(B)
		return ok && match(m)
	}
}

func to(names ...string) func(*Message) bool {
	return func(m *Message) bool { return slices.Contains(names, m.To.Address[:1]) }
}

// Interleaving 3: each side counts its own table. The leader d admits f, g and
// h, whose view only its own side hears of, then {d,e,f,g,h}|{a,b,c} is cut. d's
// side counts 5 of 8 in its own table, a's 3 of 5 in theirs; only one may live.
func TestInterleaving3EachSideCountsItsOwnTable(t *testing.T) {
	p := newPump(t, 3)
	p.cluster("d", "e", "x", "y", "z") // x, y, z play a, b, c: d must lead
	for _, n := range []string{"f", "g", "h"} {
		p.join(n, "d")
	}
	p.run(150 * time.Millisecond) // they are Joining, not in a view yet
	p.cut("defgh", "xyz")
	p.run(20 * time.Second)
	for _, n := range []string{"d", "e", "f", "g", "h"} {
		if s := p.get(n).Snapshot(); s.View != p.get("d").Snapshot().View || len(s.Members) != 8 {
			t.Errorf("%s on the side without a quorum of the decided view acted: %v", n, s)
		}
	}
	if !p.up("x", "y", "z") {
		t.Errorf("the side with a quorum of the decided view did not go on:\n%s", p.state())
	}
	p.heal()
	p.until(10*time.Second, "one side left", func() bool { return p.get("d").removed && p.get("e").removed })
	p.run(20 * time.Second)
	for _, n := range []string{"x", "y", "z"} {
		if s := p.get(n).Snapshot(); !s.Converged || s.Leader != "x:1" {
			t.Errorf("%s: got %v after the heal, want it converged", n, s)
		}
	}
}

// Interleaving 3, second half: Down marks do not leave the count at once. a
// marks d and e Down before the cut {a,b}|{c,d,e}: 2 of 3 may not live beside
// 3 of 5.
func TestInterleaving3DownMarksCount(t *testing.T) {
	p := newPump(t, 4)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("ab", "cde")
	p.must("a", Down{Address: "d:1"})
	p.must("a", Down{Address: "e:1"})
	p.run(20 * time.Second)
	if v := p.get("a").Inspect().Decided; v.Find(p.get("d").self) == nil {
		t.Errorf("the side of two removed members without a quorum: view %d", v.Number)
	}
	if !p.up("c", "d", "e") {
		t.Errorf("the side of three did not go on:\n%s", p.state())
	}
}

// Interleaving 4: convergence does not make the leader unique. The leader's
// acknowledgements wait in its socket while it is stopped; the others remove it
// and admit joiners; it wakes and acts on old agreement.
func TestInterleaving4StoppedLeaderWakes(t *testing.T) {
	p := newPump(t, 5)
	p.cluster("a", "b", "c")
	a := p.get("a")
	p.join("f", "c")
	frozen := func(m *Message) bool { return m.To == a.self || m.From == a.self }
	p.until(5*time.Second, "a proposes f", func() bool {
		v := a.Inspect()
		return v.Acked.Number > v.Decided.Number
	})
	var waiting []*Message
	p.drop = func(m *Message) bool {
		if m.To == a.self {
			waiting = append(waiting, m)
		}
		return frozen(m)
	}
	wake := a.wake
	a.alive = false
	p.wantUp(20*time.Second, "b", "c", "f")
	p.join("g", "b")
	p.wantUp(5*time.Second, "b", "c", "f", "g")
	p.heal()
	a.alive, a.wake = true, wake
	for _, m := range waiting { // old acknowledgements first
		_ = a.Step(p.now, m)
		p.collect(a)
	}
	p.run(2 * time.Second)
	if !a.removed {
		t.Errorf("the old leader goes on:\n%s", p.state())
	}
	if !p.up("b", "c", "f", "g") {
		t.Errorf("the others were disturbed:\n%s", p.state())
	}
}

// Interleaving 4, second half: the leader dies when one voter has acknowledged
// its view. What may have been decided is proposed again unchanged.
func TestInterleaving4LeaderDiesInMidWave(t *testing.T) {
	for _, heard := range []string{"b", "c", "d", "e"} {
		p := newPump(t, 6)
		p.cluster("a", "b", "c", "d", "e")
		p.join("f", "c")
		// Of the wave only one voter hears, and its acknowledgement is lost.
		wave := kind[*WriteWave](func(m *Message) bool { return m.To.Address[:1] != heard })
		ack := kind[*Ack](to("a"))
		p.drop = func(m *Message) bool { return wave(m) || ack(m) }
		b := p.get(heard)
		p.until(5*time.Second, "one voter acknowledged", func() bool {
			v := b.Inspect()
			return v.Acked.Number > v.Decided.Number
		})
		p.crash("a")
		p.heal()
		p.wantUp(20*time.Second, "b", "c", "d", "e", "f")
	}
}

// Two leaders at once: a and b each take themselves for the leader, because a
// is reachable for some and not for others. Numbers stay unique; the pump
// checks that.
func TestTwoLeaders(t *testing.T) {
	for seed := range uint64(6) {
		p := newPump(t, seed)
		p.cluster("a", "b", "c", "d", "e")
		// a and b do not hear each other, c hears a only, d hears b only.
		p.drop = func(m *Message) bool {
			pair := m.From.Address[:1] + m.To.Address[:1]
			return slices.Contains([]string{"ab", "ba", "cb", "bc", "da", "ad"}, pair)
		}
		p.join("f", "e")
		p.run(15 * time.Second)
		p.heal()
		p.run(30 * time.Second)
		var names []string
		for _, b := range p.nodes {
			if !b.removed {
				names = append(names, b.name)
			}
		}
		if len(names) < 4 {
			t.Errorf("seed %d: only %v are left", seed, names)
		}
		p.wantUp(10*time.Second, names...)
	}
}

// Interleaving 14: the last Up member leaves while others are Joining. Nobody
// would have to agree, each joiner would be its own leader.
func TestInterleaving14TheLastVoterWaitsForJoiners(t *testing.T) {
	p := newPump(t, 14)
	p.found("a")
	p.run(time.Second)
	p.join("b", "a")
	p.join("c", "a")
	p.must("a", Leave{})
	p.must("a", Drained{})
	if p.get("a").removed {
		t.Fatal("the last voter left joiners behind")
	}
	p.wantUp(10*time.Second, "b", "c")
	if got := told[SelfRemoved](p.get("a")); len(got) != 1 || got[0].Cause != "left" {
		t.Errorf("got %v, want a gone after it let the joiners in", got)
	}
	if got := p.get("c").Snapshot().Leader; got != "b:1" {
		t.Errorf("got leader %s, want b:1", got)
	}
}

// Interleaving 14, second half: the last Up member dies. The joiners stay
// Joining: they have no vote.
func TestInterleaving14JoinersNeverPromoteThemselves(t *testing.T) {
	p := newPump(t, 15)
	p.config = func(c *Config) { c.MinMembers = 9 } // they stay Joining
	p.found("a")
	p.join("b", "a")
	p.join("c", "a")
	p.run(20 * time.Millisecond)
	p.crash("a")
	p.run(30 * time.Second)
	for _, n := range []string{"b", "c"} {
		in := p.get(n).Inspect()
		if in.Decided.Number != 1 || p.get(n).Standing().Lease {
			t.Errorf("%s went on without a voter: %+v", n, in.Decided)
		}
	}
}

// Interleaving 17: a late message brings a dead UID back, also after its
// tombstone was pruned.
func TestInterleaving17TheDeadStayDead(t *testing.T) {
	p := newPump(t, 17)
	p.cluster("a", "b", "c")
	c := p.get("c")
	late := &Message{From: p.get("b").self, To: p.get("a").self, Identity: c.id, Body: &Delta{
		Records: []*member.Record{c.own()},
	}}
	p.crash("c")
	p.wantUp(10*time.Second, "a", "b")
	p.must("a", late)
	if !p.up("a", "b") {
		t.Fatalf("the late record was taken:\n%s", p.state())
	}
	// A day later a new view prunes the tombstone.
	p.run(5 * time.Second)
	p.now = p.now.Add(25 * time.Hour)
	p.run(5 * time.Second)
	p.join("d", "a")
	p.wantUp(20*time.Second, "a", "b", "d")
	if r := p.get("a").table.Record("c:1"); r != nil {
		t.Fatalf("got tombstone %v a day later, want it pruned", r)
	}
	if err := p.try("a", late); err != nil {
		t.Fatalf("the late record: %v", err)
	}
	if r := p.get("a").table.Record("c:1"); r != nil {
		t.Errorf("got %v back after its tombstone was pruned", r)
	}
	p.run(5 * time.Second)
	if !p.up("a", "b", "d") {
		t.Errorf("the dead came back:\n%s", p.state())
	}
}

// Interleaving 17, with skipped views: b hears of f's joining, then nothing
// while f becomes Up and is removed. When b leads, it must not admit f again.
func TestInterleaving17SkippedViews(t *testing.T) {
	p := newPump(t, 18)
	p.cluster("a", "b", "c", "d", "e")
	p.join("f", "c")
	f := p.get("f").self
	p.until(time.Second, "b hears of f", func() bool {
		r := p.get("b").table.Record("f:1")
		return r != nil && r.Own.Present
	})
	known := p.get("b").Inspect().Decided.Number
	p.cut("b", "acdef")
	p.until(2*time.Second, "f is up", func() bool { return p.get("a").Inspect().Decided.Find(f) != nil })
	p.crash("f")
	p.must("c", Down{Address: "f:1"})
	p.until(2*time.Second, "f is removed", func() bool { return p.get("a").Inspect().Decided.Buries(f) })
	removed := p.get("a").Inspect().Decided
	if removed.Number < known+2 || p.get("b").Inspect().Decided.Number != known {
		t.Fatalf("got view %d there and %d here, want b to have skipped one", removed.Number, p.get("b").Inspect().Decided.Number)
	}
	// All that b learns of the removal is the last view: no fact on f reaches it.
	p.drop = kind[*Delta](func(m *Message) bool {
		return to("b")(m) && slices.ContainsFunc(m.Body.(*Delta).Records, func(r *member.Record) bool { return r.Node == f })
	})
	p.until(2*time.Second, "b caught up", func() bool { return p.get("b").Inspect().Decided.Number == removed.Number })
	p.crash("a")
	p.wantUp(20*time.Second, "b", "c", "d", "e")
	p.heal()
	p.run(5 * time.Second)
	if !p.up("b", "c", "d", "e") {
		t.Errorf("f is back:\n%s", p.state())
	}
}

// Interleaving 18: two incarnations of one address. The higher UID wins, a
// lower one is refused with the number to exceed.
func TestInterleaving18TwoIncarnations(t *testing.T) {
	p := newPump(t, 19)
	p.cluster("a", "b", "c")
	old := p.get("c")
	p.crash("c")
	p.wantUp(10*time.Second, "a", "b")

	err := p.try("a", Admit{Node: old.self})
	var tooOld *OldUIDError
	if !errors.As(err, &tooOld) || tooOld.Exceed < old.self.UID {
		t.Fatalf("the removed UID again: got %v, want the number to exceed, at least %x", err, old.self.UID)
	}
	// Two seeds accept two new incarnations at the same time.
	first := member.Node{Address: "c:1", UID: member.NextUID(p.now, tooOld.Exceed, 1)}
	second := member.Node{Address: "c:1", UID: member.NextUID(p.now, first.UID, 2)}
	p.must("a", Admit{Node: first})
	p.must("b", Admit{Node: second})
	p.run(3 * time.Second)
	for _, n := range []string{"a", "b"} {
		if r := p.get(n).table.Record("c:1"); r.Node != second {
			t.Errorf("%s: got %v at the address, want the later incarnation %v", n, r.Node, second)
		}
	}
	// The old process wakes: it is told, and disturbs nobody.
	old.alive = true
	old.Tick(p.now)
	p.collect(old)
	p.run(2 * time.Second)
	if !old.removed {
		t.Error("the old incarnation was not told that it was removed")
	}
	if err := p.try("a", Admit{Node: first}); !errors.As(err, &tooOld) || tooOld.Exceed < second.UID {
		t.Errorf("the lower of the two again: got %v, want the number to exceed", err)
	}
}

// Interleaving 22: one flapping link postpones no downing.
func TestInterleaving22FlappingLink(t *testing.T) {
	p := newPump(t, 22)
	p.cluster("a", "b", "c", "d", "e")
	p.crash("e")
	flap := false
	p.drop = func(m *Message) bool { return flap && (m.From == p.get("d").self) != (m.To == p.get("d").self) }
	gone := func() bool { return p.get("a").Inspect().Decided.Find(p.get("e").self) == nil }
	for range 12 {
		p.run(time.Second)
		flap = !flap
	}
	if !gone() {
		t.Errorf("e is still there after 12 s:\n%s", p.state())
	}
}

// Interleaving 29: a ghost. The joiner was accepted, its Welcome is lost, and
// it joins another cluster. It never becomes Up and is forgotten.
func TestInterleaving29Ghost(t *testing.T) {
	p := newPump(t, 29)
	p.cluster("a", "b", "c")
	view := p.get("a").Snapshot().View
	p.drop = kind[*Welcome](to("d"))
	p.join("d", "b")
	d := p.get("d").self
	p.must("d", Found{ID: member.ClusterID{9}})
	p.run(5 * time.Second)
	if v := p.get("a").Snapshot().View; v != view {
		t.Errorf("got view %d, want no view with a ghost", v)
	}
	p.heal()
	p.wantUp(15*time.Second, "a", "b", "c")
	if p.buried[d] == 0 {
		t.Error("the ghost has no tombstone")
	}
}

// A joiner that vanishes after its Welcome is cleaned up too.
func TestVanishedJoiner(t *testing.T) {
	p := newPump(t, 30)
	p.config = func(c *Config) { c.MinMembers = 9 }
	p.found("a")
	p.join("b", "a")
	p.run(time.Second)
	p.crash("b")
	p.until(15*time.Second, "b forgotten", func() bool { return len(p.get("a").Snapshot().Members) == 1 })
}
