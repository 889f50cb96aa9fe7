package engine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// status returns the status that a node shows of another; 0 = it does not list it.
func (p *pump) status(at, of string) member.Status {
	for _, m := range p.get(at).Snapshot().Members {
		if m.Address == of+":1" {
			return m.Status
		}
	}
	return 0
}

func withRoles(roles map[string][]string) func(*Config) {
	return func(c *Config) { c.Info.Roles = roles[c.Self.Address[:1]] }
}

// A joiner is WeaklyUp while a view cannot become active, on the side that may
// let it in, and Up once it can.
func TestWeaklyUp(t *testing.T) {
	p := newPump(t, 41)
	p.cluster("a", "b", "c", "d")
	p.config = nil
	p.drop = func(m *Message) bool { // d hears nobody's waves, and is heard: nothing becomes active
		_, wave := m.Body.(*WriteWave)
		return wave
	}
	p.join("e", "a")
	p.until(12*time.Second, "e weakly up", func() bool {
		return p.status("a", "e") == member.WeaklyUp && p.status("d", "e") == member.WeaklyUp
	})
	if v := p.get("a").Inspect().Decided; v.Votes(p.get("e").self) {
		t.Errorf("a WeaklyUp member votes in view %d", v.Number)
	}
	p.heal()
	p.wantUp(5*time.Second, "a", "b", "c", "d", "e")
	var seen []member.Status
	for _, ev := range told[MemberChanged](p.get("b")) {
		if ev.Member.Node == p.get("e").self {
			seen = append(seen, ev.Member.Status)
		}
	}
	if want := []member.Status{member.Joining, member.WeaklyUp, member.Up}; !slices.Equal(seen, want) {
		t.Errorf("got %v told of e, want %v", seen, want)
	}
}

func TestWeaklyUpWaitsForTheMinimum(t *testing.T) {
	p := newPump(t, 42)
	p.config = func(c *Config) { c.MinMembers = 3 }
	p.found("a")
	p.join("b", "a")
	p.run(20 * time.Second)
	if got := p.status("a", "b"); got != member.Joining {
		t.Errorf("got b %v below the least number of members, want it joining", got)
	}
}

// Interleaving 30: the founder is Up at once, for somebody must decide, and yet
// nothing is placed before the least number of members is met, also by role.
func TestInterleaving30FounderIsUpButPlacementWaits(t *testing.T) {
	p := newPump(t, 43)
	p.config = func(c *Config) {
		c.MinMembers, c.MinByRole = 2, map[string]int{"store": 2}
		if c.Self.Address != "b:1" {
			c.Info.Roles = []string{"store"}
		}
	}
	p.found("a")
	p.join("b", "a")
	p.run(5 * time.Second)
	if s := p.get("a").Snapshot(); s.Open || p.status("a", "a") != member.Up || p.status("a", "b") != member.Joining {
		t.Errorf("got %v open=%t, want the founder up and b waiting for another store", s.Members, s.Open)
	}
	p.join("c", "a")
	p.wantUp(5*time.Second, "a", "b", "c")
	for _, b := range p.nodes {
		if s := b.Snapshot(); !s.Open {
			t.Errorf("%s: got a cluster that is not open with %v", b.name, s.Members)
		}
	}
	p.crash("c")
	p.wantUp(10*time.Second, "a", "b")
	if !p.get("a").Snapshot().Open {
		t.Error("the cluster is no longer open: the minimum is for the start only")
	}
}

func TestMinimumsRefused(t *testing.T) {
	for name, c := range map[string]Config{
		"members": {MinMembers: -1}, "role": {MinByRole: map[string]int{"store": -1}},
	} {
		if _, err := c.validated(); err == nil {
			t.Errorf("%s: a negative minimum is taken", name)
		}
	}
}

// V3: a view adds no more voters than the last one had, so that the old half can
// always drop newcomers that vanish. A voter refuses one that does.
func TestNoMoreNewcomersThanVoters(t *testing.T) {
	p := newPump(t, 44)
	p.found("a")
	for _, n := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		p.join(n, "a")
	}
	p.wantUp(20*time.Second, "a", "b", "c", "d", "e", "f", "g", "h")
	for k, v := range p.decided {
		if base := p.decided[k-1]; base != nil && newVoters(base, v) > base.Voters() {
			t.Errorf("view %d adds %d voters to %d", k, newVoters(base, v), base.Voters())
		}
	}
	b := p.get("b")
	flood := *b.views.decided
	flood.Number++
	flood.Members = slices.Clone(flood.Members)
	for i := range byte(9) {
		n := member.Node{Address: "x:1" + string('0'+i), UID: 1}
		flood.Members = append(flood.Members, member.Entry{Node: n, Status: member.Up, UpNumber: flood.NextUp})
		flood.NextUp++
	}
	a := p.get("a").self
	w := &WriteWave{Term: member.Term{Counter: 99, Leader: a}, Change: member.Diff(b.views.decided, &flood)}
	if err := b.Step(p.now, &Message{From: a, To: b.self, Identity: b.id, Body: w}); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v for a view with nine newcomers after eight, want it refused", err)
	}
}

func TestAgeAndOldest(t *testing.T) {
	p := newPump(t, 45)
	p.config = withRoles(map[string][]string{"a": {"store"}, "c": {"store"}, "d": {"web"}})
	p.cluster("d", "c")
	p.join("b", "d")
	p.wantUp(5*time.Second, "b", "c", "d")
	p.join("a", "d")
	p.wantUp(5*time.Second, "a", "b", "c", "d")
	for _, b := range p.nodes {
		s := b.Snapshot()
		var ages string
		for _, m := range s.ByAge() {
			ages += m.Address[:1]
		}
		if ages != "dcba" {
			t.Errorf("%s: got ages %s, want dcba", b.name, ages)
		}
		for role, want := range map[string]string{"": "d:1", "store": "c:1", "web": "d:1"} {
			if m, ok := s.Oldest(role); !ok || m.Address != want {
				t.Errorf("%s: got oldest %q of role %q, want %q", b.name, m.Address, role, want)
			}
		}
		if m, ok := s.Oldest("none"); ok {
			t.Errorf("%s: got %v oldest of a role that nobody has", b.name, m)
		}
		for role, want := range map[string]string{"": "a:1", "store": "a:1", "web": "d:1", "none": ""} {
			if got := s.LeaderOf(role); got != want {
				t.Errorf("%s: got leader %q of role %q, want %q", b.name, got, role, want)
			}
		}
	}
	if !(Member{UpNumber: 3}).Older(Member{}) || (Member{}).Older(Member{UpNumber: 1}) {
		t.Error("a member that was never Up is not the youngest")
	}
}

func TestRoleLeaderFollows(t *testing.T) {
	p := newPump(t, 46)
	p.config = withRoles(map[string][]string{"b": {"store"}, "c": {"store"}})
	p.cluster("a", "b", "c")
	p.leave("b")
	p.wantUp(5*time.Second, "a", "c")
	p.leave("c")
	p.wantUp(5*time.Second, "a")
	var got []string
	for _, e := range told[RoleLeaderChanged](p.get("a")) {
		got = append(got, e.Role+"="+e.Leader)
	}
	if last := got[len(got)-2:]; !slices.Equal(last, []string{"store=c:1", "store="}) {
		t.Errorf("got %v, want the role to pass to c and then to nobody", got)
	}
}

// Interleaving 31: what a member tells of itself is ordered by its own counter.
func TestInterleaving31OwnMetadataHasItsOwnCounter(t *testing.T) {
	p := newPump(t, 47)
	p.cluster("a", "b", "c")
	p.twice = func(*Message) bool { return p.rng.IntN(3) == 0 }
	p.delay = func(*Message) time.Duration { return time.Duration(1+p.rng.IntN(2000)) * time.Millisecond }
	for _, version := range []string{"1", "2", "3"} {
		p.must("b", Describe{Info: member.Info{Kinds: []string{"room"}, Version: version, Zone: "z" + version}})
		p.run(200 * time.Millisecond)
	}
	p.run(10 * time.Second)
	for _, n := range p.nodes {
		m := n.Snapshot().Members[1]
		if m.Info.Version != "3" || m.Info.Zone != "z3" {
			t.Errorf("%s: got version %q in zone %q, want the third", n.name, m.Info.Version, m.Info.Zone)
		}
		if got := n.Inspect().Decided.Find(m.Node).Info.Zone; got != "z3" {
			t.Errorf("%s: got zone %q in the view, which placement follows, want z3", n.name, got)
		}
	}
	if got := told[InfoChanged](p.get("c")); len(got) == 0 || got[len(got)-1].Member.Info.Version != "3" {
		t.Errorf("got %v told, want the third version last", got)
	}
}

func TestDescribeBeforeTheJoin(t *testing.T) {
	p := newPump(t, 48)
	p.found("a")
	p.start("b")
	p.must("b", Describe{Info: member.Info{Version: "late"}})
	p.must("b", Expect{From: p.get("a").self})
	p.must("a", Admit{Node: p.get("b").self})
	p.wantUp(5*time.Second, "a", "b")
	if got := p.get("a").Snapshot().Members[1].Info.Version; got != "late" {
		t.Errorf("got version %q, want the one that was told before the join", got)
	}
	big := member.Info{Meta: []member.Pair{{Key: "k", Value: string(make([]byte, member.MaxMeta))}}}
	if err := p.try("b", Describe{Info: big}); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v for too much, want %v", err, ErrMalformed)
	}
}

// Interleaving 16: nobody is Exiting before it has drained, and who never
// drains is removed as if it were down.
func TestInterleaving16ExitingOnlyWhenDrained(t *testing.T) {
	p := newPump(t, 49)
	p.cluster("a", "b", "c")
	p.must("b", Leave{})
	p.run(10 * time.Second)
	if got := p.status("c", "b"); got != member.Leaving {
		t.Errorf("got %v after ten seconds of handing over, want leaving", got)
	}
	p.must("b", Drained{})
	p.wantUp(5*time.Second, "a", "c")
	if got := told[SelfRemoved](p.get("b")); len(got) != 1 || got[0].Cause != "left" {
		t.Errorf("got %v, want b to have left", got)
	}
}

func TestInterleaving16LeaveDeadline(t *testing.T) {
	for _, slow := range []string{"a", "b"} { // the leader, and a plain member
		p := newPump(t, 50)
		p.cluster("a", "b", "c")
		p.must(slow, Leave{})
		rest := slices.DeleteFunc([]string{"a", "b", "c"}, func(n string) bool { return n == slow })
		took := p.wantUp(30*time.Second, rest...)
		if deadline := Lan().Leave; took < deadline {
			t.Errorf("%s: removed after %v, before the deadline of %v", slow, took, deadline)
		}
		p.run(time.Second)
		if got := told[SelfRemoved](p.get(slow)); len(got) != 1 || got[0].Cause != "overdue" {
			t.Errorf("%s: got %v, want it removed as overdue", slow, got)
		}
	}
}

// Interleaving 32: what hides in the lattice is said by the view: why a member
// is going or gone, and that the cluster shuts down.
func TestInterleaving32ViewsTellTheCause(t *testing.T) {
	p := newPump(t, 51)
	p.cluster("a", "b", "c", "d", "e")
	b, c, d := p.get("b").self, p.get("c").self, p.get("d").self
	p.must("b", Leave{})
	p.run(time.Second)
	if m := p.get("a").Inspect().Decided.Find(b); m.Status != member.Leaving || m.Cause != member.CauseLeft {
		t.Errorf("got %+v, want b leaving because it wants to", m)
	}
	p.must("b", Drained{})
	p.wantUp(5*time.Second, "a", "c", "d", "e")
	p.must("a", Down{Address: c.Address})
	p.wantUp(9*time.Second, "a", "d", "e")
	p.crash("d")
	p.wantUp(20*time.Second, "a", "e")
	for n, want := range map[member.Node]member.Cause{ // order: each is looked up by itself
		b: member.CauseLeft, c: member.CauseDown, d: member.CauseUnreachable,
	} {
		if got := p.get("e").Inspect().Decided.Tombstone(n.Address); got == nil || got.Cause != want {
			t.Errorf("%s: got tombstone %v, want cause %v", n, got, want)
		}
	}
}

func TestClusterShutdown(t *testing.T) {
	p := newPump(t, 52)
	p.cluster("a", "b", "c")
	p.must("b", Shutdown{})
	p.until(5*time.Second, "all know", func() bool {
		return !slices.ContainsFunc(p.nodes, func(b *box) bool { return len(told[ClusterShutdown](b)) == 0 })
	})
	for _, b := range p.nodes {
		views := told[ViewActive](b)
		if s := b.Snapshot(); !s.Shutdown || !views[len(views)-1].Shutdown {
			t.Errorf("%s: got %v, want the shutdown in the snapshot and in the view", b.name, s)
		}
	}
	d := p.start("d")
	if err := p.try("a", Admit{Node: d.self}); !errors.Is(err, ErrShutdown) {
		t.Errorf("got %v for a joiner, want %v", err, ErrShutdown)
	}
	for _, n := range []string{"c", "a", "b"} {
		p.must(n, Leave{})
		p.must(n, Drained{})
	}
	p.until(10*time.Second, "all gone", func() bool {
		return p.get("a").removed && p.get("b").removed && p.get("c").removed
	})
}

// A joiner that was accepted just before the shutdown does not keep the last
// voter from going.
func TestClusterShutdownSendsJoinersAway(t *testing.T) {
	p := newPump(t, 53)
	p.config = func(c *Config) { c.MinMembers = 9 }
	p.found("a")
	p.join("b", "a")
	p.run(time.Second)
	p.must("a", Shutdown{})
	p.must("a", Leave{}) // b was sent away at once, so a is alone and may go
	p.until(10*time.Second, "both gone", func() bool { return p.get("a").removed && p.get("b").removed })
}

// Interleaving 17: tombstones are pruned by a decided view only, after their
// time; whoever still speaks of what was pruned is refused and told.
func TestInterleaving17PrunedByAView(t *testing.T) {
	p := newPump(t, 54)
	p.config = func(c *Config) { c.Timing = Lan(); c.Timing.Tombstones = time.Minute }
	p.cluster("a", "b", "c")
	ghost := p.join("d", "a")
	p.run(500 * time.Millisecond)
	old := *p.get("a").table.Record("d:1")
	p.wantUp(5*time.Second, "a", "b", "c", "d")
	p.crash("d")
	p.wantUp(20*time.Second, "a", "b", "c")
	if v := p.get("b").Inspect().Decided; v.Tombstone("d:1") == nil {
		t.Fatal("no tombstone of d")
	}
	p.run(50 * time.Second)
	if v := p.get("b").Inspect().Decided; v.Tombstone("d:1") == nil || v.Floor != 0 {
		t.Errorf("pruned before its time: floor %d", v.Floor)
	}
	p.run(40 * time.Second)
	for _, b := range p.nodes[:3] {
		v := b.Inspect().Decided
		if v.Tombstone("d:1") != nil || v.Floor == 0 || b.table.Record("d:1") != nil {
			t.Errorf("%s: not pruned: floor %d, %v", b.name, v.Floor, b.table.Record("d:1"))
		}
	}
	if p.get("b").merge(&old) {
		t.Error("a late record brings the dead back")
	}
	b := p.get("b")
	late := &Message{From: ghost.self, To: b.self, Identity: b.id, Body: &Delta{Records: []*member.Record{&old}}}
	if err := b.Step(p.now, late); !errors.Is(err, ErrStranger) {
		t.Errorf("got %v for facts of the pruned, want %v", err, ErrStranger)
	}
	if out := b.Ready().Messages; len(out) == 0 || out[0].To != ghost.self {
		t.Errorf("got %v, want the pruned one to be told that it is gone", out)
	} else if _, ok := out[0].Body.(*Gone); !ok {
		t.Errorf("got %T, want Gone", out[0].Body)
	}
}
