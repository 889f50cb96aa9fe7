package engine

import (
	"errors"
	"testing"
	"time"
)

// Interleaving 7: a removal without a quorum exists only as an operator's
// recovery, and that draws a new branch: whoever comes back is a stranger, and
// neither side calls the other removed.
func TestInterleaving7RecoveryDrawsABranch(t *testing.T) {
	p := newPump(t, 7)
	p.cluster("a", "b", "c", "d", "e")
	old := p.get("a").id
	if err := p.try("a", Recover{}); !errors.Is(err, ErrHasQuorum) {
		t.Fatalf("got %v from a cluster that lives, want %v", err, ErrHasQuorum)
	}
	p.cut("ab", "cde")
	p.run(20 * time.Second)
	if p.up("a", "b") {
		t.Fatal("two of five went on by themselves")
	}
	p.must("b", Recover{})
	p.wantUp(20*time.Second, "a", "b")
	a, b := p.get("a"), p.get("b")
	if a.id != b.id || a.id.Cluster != old.Cluster || a.id.Branch == old.Branch || a.id.Branch == 0 {
		t.Errorf("got %v and %v after %v, want one new branch of the same cluster", a.id, b.id, old)
	}
	if got := p.get("c").id; got != old || !p.up("c", "d", "e") {
		t.Errorf("got %v, want the majority to go on as it was", got)
	}
	p.heal()
	p.run(20 * time.Second)
	if !p.up("a", "b") || !p.up("c", "d", "e") {
		t.Errorf("after the heal the two branches disturbed each other:\n%s", p.state())
	}
	m := &Message{From: p.get("c").self, To: a.self, Identity: old, Body: &Heartbeat{Stamp: 1}}
	if err := a.Step(p.now, m); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v for a message of the former branch, want %v", err, ErrForeign)
	}
}

// Whoever has a quorum, or was given up, does not follow a recovery.
func TestRecoveryIsNotForcedOnOthers(t *testing.T) {
	p := newPump(t, 8)
	p.cluster("a", "b", "c")
	c := p.get("c")
	p.cut("ab", "c")
	p.run(20 * time.Second)
	p.must("c", Recover{})
	r := c.lead.recovery
	if r == nil || len(r.View.Members) != 1 {
		t.Fatalf("got %v, want c alone", r)
	}
	for _, n := range []string{"a", "b"} {
		x := p.get(n)
		if err := x.Step(p.now, &Message{From: c.self, To: x.self, Identity: c.id, Body: r}); err == nil {
			t.Errorf("%s follows though its cluster lives", n)
		}
	}
	if err := p.try("c", Recover{}); !errors.Is(err, ErrHasQuorum) {
		t.Errorf("got %v from the recovered, want %v", err, ErrHasQuorum)
	}
}

// A repeated, late or lost word of the recovery changes nothing.
func TestRecoveryOverABadNetwork(t *testing.T) {
	p := newPump(t, 9)
	p.cluster("a", "b", "c", "d", "e", "f", "g")
	for _, n := range []string{"d", "e", "f", "g"} {
		p.crash(n)
	}
	p.run(20 * time.Second)
	p.twice = func(*Message) bool { return true }
	p.drop = func(*Message) bool { return p.rng.IntN(4) == 0 }
	p.must("c", Recover{})
	p.run(10 * time.Second)
	p.drop = nil
	p.wantUp(20*time.Second, "a", "b", "c")
}
