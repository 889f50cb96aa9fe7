package engine

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/rules"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// TestRecoveryIsSymmetrical: two sides of a cut that heals before anybody is removed
// take each other back at the same pace, and tell so.
func TestRecoveryIsSymmetrical(t *testing.T) {
	p := newPump(t, 20)
	p.cluster("a", "b", "c", "d")
	sides := map[string]string{"a": "cd", "b": "cd", "c": "ab", "d": "ab"}
	unreachable := func(from, to string) bool { return !p.get(from).verdict.reachable(p.get(to).self) }
	p.cut("ab", "cd")
	p.until(5*time.Second, "each side sees the other gone", func() bool {
		return unreachable("a", "c") && unreachable("a", "d") && unreachable("c", "a") && unreachable("c", "b")
	})
	p.heal()
	took := map[string]time.Duration{}
	healed := p.now
	p.until(3*time.Second, "each side has the other back", func() bool {
		for one, others := range sides { // order: each is looked at by itself
			back := true
			for _, other := range others {
				back = back && !unreachable(one, string(other))
			}
			if back && took[one] == 0 {
				took[one] = p.now.Sub(healed)
			}
		}
		return len(took) == len(sides)
	})
	for one, d := range took { // order: each is looked at by itself
		if d > 4*Lan().Heartbeat {
			t.Errorf("%s took the others back after %v, want at most four heartbeats", one, d)
		}
		last := map[string]bool{}
		for _, e := range told[ReachabilityChanged](p.get(one)) {
			last[e.Member.Address[:1]] = e.Member.Reachable
		}
		for _, other := range sides[one] {
			if back, known := last[string(other)]; !back || !known {
				t.Errorf("%s told last of %c: reachable %t, want that it is", one, other, back)
			}
		}
	}
}

// TestChurnDoesNotPostponeDowning: while new accusations come all the time, of members
// that are back soon, a crashed one is removed after twice the stable time.
func TestChurnDoesNotPostponeDowning(t *testing.T) {
	p := newPump(t, 21)
	p.cluster("a", "b", "c", "d", "e", "f", "g")
	p.crash("g")
	gone := p.get("g").self
	p.until(5*time.Second, "g is unreachable", func() bool { return !p.get("a").verdict.reachable(gone) })
	took := time.Duration(0)
	for took = 0; p.get("a").views.decided.Find(gone) != nil && took < 10*time.Second; took += 100 * time.Millisecond {
		for _, b := range p.nodes {
			b.timers.Accused(p.now) // somebody accused somebody else just now
		}
		p.run(100 * time.Millisecond)
	}
	if most := 2*Lan().StableAfter + time.Second; took > most {
		t.Errorf("removed after %v of churn, want at most %v", took, most)
	}
}

// TestUnresolvedAccusationStopsNobody: two of five accuse a third, which is one too
// few, for five minutes: nobody is removed, nobody stops, and all keep their leases.
func TestUnresolvedAccusationStopsNobody(t *testing.T) {
	race.SkipPure(t)
	p := newPump(t, 22)
	p.config = func(c *Config) { c.Without = rules.Of(rules.Probes) } // else there is no accusation
	p.cluster("a", "b", "c", "d", "e")
	p.cut("ab", "d")
	p.run(5 * time.Second)
	if accused, _ := p.row("a"); len(accused) != 1 {
		t.Fatalf("a accuses %v, want d", accused)
	}
	for end := p.now.Add(5 * time.Minute); p.now.Before(end); p.run(time.Second) {
		for _, b := range p.nodes {
			if !b.Lease().Valid(p.now) {
				t.Fatalf("%s has no lease", b.name)
			}
		}
	}
	if !p.up("a", "b", "c", "d", "e") {
		t.Errorf("somebody went:\n%s", p.state())
	}
}

// TestStewardIsHeardFromWhileMembersCome: in a large cluster the pace of the
// heartbeats to a steward follows the number of members. When each new one began
// the wait anew, a steward heard nothing for as long as they came, and a thousand
// that joined at once came to be sought by way of others.
func TestStewardIsHeardFromWhileMembersCome(t *testing.T) {
	p := newPump(t, 85)
	p.cluster("a", "b", "c")
	e := p.get("c").Engine
	steward := e.roster.find(p.get("a").self)
	const beats = 400
	sent := 0
	for i := range beats {
		n := 4000 + 20*i
		steward.pace(Lan().stewardEvery(n))
		e.now = e.now.Add(Lan().Heartbeat)
		if e.turn(steward) {
			sent++
		}
	}
	if least := beats * 500 / 12_000 / 2; sent < least {
		t.Errorf("a steward got %d heartbeats in %d beats while members came, want at least %d", sent, beats, least)
	}
	steward.pace(Lan().stewardEvery(100_000))
	e.turn(steward)
	steward.pace(Lan().stewardEvery(2000))
	if wait := steward.due.Sub(e.now); !e.turn(steward) && steward.due.Sub(e.now) > Lan().stewardEvery(2000) {
		t.Errorf("the next heartbeat is due after %v, was %v; want it within %v, which is the pace now", steward.due.Sub(e.now), wait, Lan().stewardEvery(2000))
	}
}
