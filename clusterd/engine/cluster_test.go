package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

func TestJoinIsQuick(t *testing.T) {
	p := newPump(t, 1)
	p.found("b")
	p.run(time.Second)
	for _, name := range []string{"a", "c", "d", "e"} {
		p.join(name, "b")
		all := []string{"b"}
		for _, b := range p.nodes {
			if b.name != "b" {
				all = append(all, b.name)
			}
		}
		if took := p.wantUp(5*time.Second, all...); took > time.Second {
			t.Errorf("%s: got up everywhere after %v, want within 1 s", name, took)
		}
	}
	first := p.get("a").events
	if got, ok := first[len(first)-1].(ViewActive); !ok && len(told[ViewActive](p.get("a"))) == 0 {
		t.Errorf("the joiner was told of no active view; its last event is %v", got)
	}
}

func TestFounder(t *testing.T) {
	p := newPump(t, 1)
	b := p.found("a")
	s := b.Snapshot()
	if !s.Converged || s.Leader != "a:1" || s.View != 1 || len(s.Members) != 1 || s.Members[0].Status != member.Up {
		t.Errorf("got %+v, want the only member, Up and leader of view 1", s)
	}
	if got := told[ViewActive](b); len(got) != 1 || got[0].Number != 1 || got[0].Leader != "a:1" {
		t.Errorf("got %v, want view 1 active once", got)
	}
	if err := p.try("a", Found{ID: member.ClusterID{2}}); err != ErrMember {
		t.Errorf("founding again: got %v, want %v", err, ErrMember)
	}
}

func TestSevenNodesInAnyOrder(t *testing.T) {
	for seed := range uint64(10) {
		p := newPump(t, seed)
		p.found("d")
		for _, i := range p.rng.Perm(6) {
			p.join([]string{"a", "b", "c", "e", "f", "g"}[i], "d")
			p.run(time.Duration(p.rng.IntN(300)) * time.Millisecond)
		}
		p.wantUp(10*time.Second, "a", "b", "c", "d", "e", "f", "g")
		if got := p.get("a").Snapshot().Leader; got != "a:1" {
			t.Errorf("seed %d: got leader %s, want the lowest address a:1", seed, got)
		}
	}
}

func TestCrashIsRemoved(t *testing.T) {
	p := newPump(t, 2)
	p.cluster("a", "b", "c", "d", "e")
	p.crash("c")
	took := p.wantUp(10*time.Second, "a", "b", "d", "e")
	t.Log("removed after", took)
	if took > 7*time.Second {
		t.Errorf("got c removed after %v, want within 7 s", took)
	}
	for _, n := range []string{"a", "b", "d", "e"} {
		events := told[MemberChanged](p.get(n))
		last := events[len(events)-1]
		if last.Member.Address != "c:1" || last.Member.Status != member.Removed {
			t.Errorf("%s: got last change %v, want c removed", n, last)
		}
	}
}

func TestLeaderCrash(t *testing.T) {
	p := newPump(t, 3)
	p.cluster("b", "a", "c", "d")
	p.crash("a")
	p.wantUp(10*time.Second, "b", "c", "d")
	p.join("e", "c")
	p.wantUp(5*time.Second, "b", "c", "d", "e")
}

// leave lets a node leave as its shell would: it reports drained when it sees
// itself Leaving.
func (p *pump) leave(name string) {
	p.t.Helper()
	p.must(name, Leave{})
	b := p.get(name)
	p.until(5*time.Second, name+" leaving", func() bool {
		return b.removed || slices.ContainsFunc(b.Snapshot().Members, func(m Member) bool {
			return m.Node == b.self && m.Status == member.Leaving
		})
	})
	if !b.removed {
		p.must(name, Drained{})
	}
}

func TestGracefulLeave(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		p := newPump(t, 4)
		p.cluster("a", "b", "c")
		p.run(time.Second)
		began := p.now
		p.leave(name)
		var rest []string
		for _, n := range []string{"a", "b", "c"} {
			if n != name {
				rest = append(rest, n)
			}
		}
		p.wantUp(5*time.Second, rest...)
		took := p.now.Sub(began)
		t.Log(name, "left after", took)
		if took > 1500*time.Millisecond {
			t.Errorf("%s: got left after %v, want within 1.5 s", name, took)
		}
		p.run(time.Second)
		if got := told[SelfRemoved](p.get(name)); len(got) != 1 || got[0].Cause != "left" {
			t.Errorf("%s: got %v, want one removal because it left", name, got)
		}
		for _, n := range rest {
			if got := told[ReachabilityChanged](p.get(n)); len(got) != 0 {
				t.Errorf("%s: got %v while %s left, want none", n, got, name)
			}
			wantStatuses(t, p.get(n), p.get(name).self, member.Joining, member.Up, member.Leaving, member.Exiting, member.Removed)
		}
	}
}

// wantStatuses holds that a node told these statuses of another, in this order;
// Joining may be missing.
func wantStatuses(t *testing.T, b *box, of member.Node, want ...member.Status) {
	t.Helper()
	var got []member.Status
	for _, ev := range told[MemberChanged](b) {
		if ev.Member.Node == of {
			got = append(got, ev.Member.Status)
		}
	}
	if len(got) > 0 && got[0] != member.Joining && want[0] == member.Joining {
		want = want[1:]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s told of %s: got %v, want %v", b.name, of, got, want)
	}
}

func TestLeaveOfTwo(t *testing.T) {
	p := newPump(t, 5)
	p.cluster("a", "b")
	p.leave("a") // the leader: b takes over
	p.wantUp(3*time.Second, "b")
	p.leave("b") // the last one: simply done
	if got := told[SelfRemoved](p.get("b")); len(got) != 1 || got[0].Cause != "left" {
		t.Errorf("got %v, want the last member gone at once", got)
	}
}

func TestAllLeaveAtOnce(t *testing.T) {
	p := newPump(t, 6)
	names := []string{"a", "b", "c", "d"}
	p.cluster(names...)
	for _, n := range names {
		p.must(n, Leave{})
	}
	p.run(100 * time.Millisecond)
	for _, n := range names {
		_ = p.try(n, Drained{})
	}
	p.until(10*time.Second, "all gone", func() bool {
		return !slices.ContainsFunc(p.nodes, func(b *box) bool { return !b.removed })
	})
	for _, b := range p.nodes {
		if got := told[SelfRemoved](b); len(got) != 1 || got[0].Cause != "left" {
			t.Errorf("%s: got %v, want left", b.name, got)
		}
	}
}

func TestOperatorDown(t *testing.T) {
	for _, victim := range []string{"a", "c"} {
		p := newPump(t, 7)
		p.cluster("a", "b", "c")
		p.must("b", Down{Address: victim + ":1"})
		rest := slices.DeleteFunc([]string{"a", "b", "c"}, func(n string) bool { return n == victim })
		p.wantUp(3*time.Second, rest...)
		p.run(time.Second)
		if got := told[SelfRemoved](p.get(victim)); len(got) != 1 || got[0].Cause != "down" {
			t.Errorf("%s: got %v, want removed because it was downed", victim, got)
		}
	}
}

// TestTwoNodesAndACut: the side of the oldest lives, the other waits.
func TestTwoNodesAndACut(t *testing.T) {
	p := newPump(t, 8)
	p.cluster("b", "a") // b is older, a has the lower address
	p.cut("a", "b")
	p.wantUp(10*time.Second, "b")
	p.run(20 * time.Second)
	a := p.get("a")
	if a.removed || len(a.Snapshot().Members) != 2 {
		t.Errorf("the side without the oldest acted: %v", a.Snapshot())
	}
	if a.Standing().Lease {
		t.Error("the side without a quorum says that it may act")
	}
	p.heal()
	p.run(time.Second)
	if got := told[SelfRemoved](a); len(got) != 1 || got[0].Cause != "unreachable" {
		t.Errorf("after the heal: got %v, want it told that it was removed", got)
	}
}

func TestMinoritySideWaits(t *testing.T) {
	p := newPump(t, 9)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("ab", "cde")
	p.wantUp(10*time.Second, "c", "d", "e")
	p.run(30 * time.Second)
	for _, n := range []string{"a", "b"} {
		if s := p.get(n).Snapshot(); len(s.Members) != 5 {
			t.Errorf("%s: got %d members on the small side, want all 5 still", n, len(s.Members))
		}
	}
	p.heal()
	p.until(5*time.Second, "the removed know it", func() bool { return p.get("a").removed && p.get("b").removed })
}

func TestHealBeforeStable(t *testing.T) {
	p := newPump(t, 10)
	p.cluster("a", "b", "c")
	p.cut("c", "ab")
	p.until(6*time.Second, "c unreachable", func() bool { return len(told[ReachabilityChanged](p.get("a"))) > 0 })
	p.heal()
	p.wantUp(3*time.Second, "a", "b", "c")
	if got := len(told[ViewActive](p.get("a"))); p.get("a").Snapshot().View > uint64(got)+3 {
		t.Errorf("views went on during a short cut: %v", p.get("a").Snapshot())
	}
}

// TestOneWayLoss: one direction between two of three members is lost. Nobody
// has enough accusers, and views still go on.
func TestOneWayLoss(t *testing.T) {
	for _, c := range [][2]string{{"a", "b"}, {"b", "a"}, {"b", "c"}, {"a", "c"}} {
		p := newPump(t, 11)
		p.cluster("a", "b", "c")
		p.cutOneWay(c[0], c[1])
		p.run(15 * time.Second)
		if !p.up("a", "b", "c") {
			t.Fatalf("%v: after 15 s of one-way loss:\n%s", c, p.state())
		}
		p.join("d", "c")
		p.wantUp(10*time.Second, "a", "b", "c", "d")
	}
}

// TestDeaf: a member that hears nothing but still sends is removed.
func TestDeaf(t *testing.T) {
	p := newPump(t, 12)
	p.cluster("a", "b", "c", "d")
	p.cutOneWay("abc", "d")
	p.wantUp(12*time.Second, "a", "b", "c")
}

func TestRestartAtTheSameAddress(t *testing.T) {
	p := newPump(t, 13)
	p.cluster("a", "b", "c")
	old := p.get("c").self
	p.crash("c")
	p.start("c")
	c := p.get("c")
	if c.self.UID <= old.UID {
		t.Fatalf("got UID %x after %x", c.self.UID, old.UID)
	}
	p.must("c", Expect{From: member.Node{Address: "b:1"}})
	if err := p.try("b", Admit{Node: c.self}); err != ErrAddressInUse {
		t.Errorf("got %v while the old one is a member, want %v", err, ErrAddressInUse)
	}
	p.must("b", Replace{Old: old})
	p.until(3*time.Second, "admitted", func() bool { return p.try("b", Admit{Node: c.self}) == nil })
	p.wantUp(5*time.Second, "a", "b", "c")
	if err := p.try("b", Replace{Old: old}); err != nil {
		t.Errorf("replacing once more: got %v, want no fault", err)
	}
}

func TestMinMembers(t *testing.T) {
	p := newPump(t, 14)
	p.config = func(c *Config) { c.MinMembers = 3 }
	p.found("a")
	p.join("b", "a")
	p.run(5 * time.Second)
	if s := p.get("a").Snapshot(); s.Members[0].Status != member.Up || s.Members[1].Status != member.Joining {
		t.Errorf("got %v, want b waiting for a third", s.Members)
	}
	if got := told[ViewActive](p.get("a")); len(got) != 0 {
		t.Errorf("got %v before the least number is met, want no active view told", got)
	}
	p.join("c", "a")
	p.wantUp(5*time.Second, "a", "b", "c")
	for _, b := range p.nodes {
		if got := told[ViewActive](b); len(got) == 0 || len(got[len(got)-1].Members) != 3 {
			t.Errorf("%s: got %v, want active views now", b.name, got)
		}
	}
}

func TestViewsAreToldOnceAndInOrder(t *testing.T) {
	p := newPump(t, 15)
	p.twice = func(*Message) bool { return true }
	p.cluster("a", "b", "c", "d")
	p.leave("b")
	p.wantUp(5*time.Second, "a", "c", "d")
	for _, b := range p.nodes {
		last := uint64(0)
		for _, v := range told[ViewActive](b) {
			if v.Number <= last {
				t.Errorf("%s: got view %d after %d", b.name, v.Number, last)
			}
			last = v.Number
			if !slices.Equal(v.Members[0].Info.Kinds, []string{"room"}) {
				t.Errorf("%s: got kinds %v in view %d, want room", b.name, v.Members[0].Info.Kinds, v.Number)
			}
		}
	}
}

func TestUpNumbersAreUnique(t *testing.T) {
	p := newPump(t, 16)
	p.cluster("d", "a", "b", "c", "e")
	seen := map[uint64]bool{}
	for _, m := range p.get("a").Snapshot().Members {
		if seen[m.UpNumber] {
			t.Errorf("upNumber %d twice", m.UpNumber)
		}
		seen[m.UpNumber] = true
	}
}
