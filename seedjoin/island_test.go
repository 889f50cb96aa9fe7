package seedjoin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// islandWorld has two clusters: older of a, b, c and later of d, e, f. Each
// knows the seeds of the other; they hear of one another when the cut is healed.
func islandWorld(t *testing.T, mods ...func(*Config)) (w *world, older, later []string) {
	t.Helper()
	w = newWorld(t, 1)
	w.islands = true
	w.delay = 20 * time.Millisecond
	older = []string{a, b, c}
	later = []string{d, "127.0.0.1:7005", "127.0.0.1:7006"}
	seeds := []string{a, d}
	side := func(addr string) bool { return addr <= c }
	w.cut = func(from, to string) bool { return side(from) != side(to) }
	alone := func(c *Config) { c.FoundAlone = true }
	for _, addr := range older {
		w.up(addr, seeds, append(mods, alone)...)
	}
	w.until(20*time.Second, "the older cluster", func() bool { return len(w.clusters) == 1 && w.of(0) == 3 })
	for _, addr := range later {
		w.up(addr, []string{d, a}, append(mods, alone)...)
	}
	w.until(20*time.Second, "the later cluster", func() bool { return len(w.clusters) == 2 && w.of(1) == 3 })
	return w, older, later
}

// of counts the living members of a cluster.
func (w *world) of(cluster int) (n int) {
	for _, p := range w.procs { // order: a count
		if p.stand.Identity == w.clusters[cluster].id {
			n++
		}
	}
	return n
}

func (w *world) heal() { w.cut = func(string, string) bool { return false } }

// Finding 25: the later cluster ends, and its members join the other.
func TestIslandHeals(t *testing.T) {
	w, _, later := islandWorld(t)
	for _, addr := range later { // the next incarnation founds nothing in any case
		w.procs[addr].cfg.FoundAlone = false
	}
	w.heal()
	took := w.until(20*time.Second, "one cluster of six", func() bool { return w.of(0) == 6 })
	if took > 10*time.Second {
		t.Errorf("healing took %s, want at most 10s", took)
	}
	if len(w.clusters) != 2 {
		t.Errorf("got %d clusters founded, want 2", len(w.clusters))
	}
}

// Both sides are told of, with their sizes.
func TestIslandTellsBothSizes(t *testing.T) {
	w, older, later := islandWorld(t, func(c *Config) { c.ReportOnly = true })
	w.remove(w.clusters[1], w.procs[later[2]].self)
	w.kill(later[2])
	w.run(time.Second)
	w.heal()
	w.run(30 * time.Second)
	for _, tt := range []struct {
		name      string
		at        string
		size, own int
	}{{"older", older[0], 2, 3}, {"later", later[0], 3, 2}} {
		es := eventsOf[Island](w.procs[tt.at])
		if len(es) < 3 || len(es) > 8 {
			t.Errorf("%s: got %d events in 30 s, want one every few seconds", tt.name, len(es))
			continue
		}
		if es[0].Size != tt.size || es[0].Own != tt.own || !strings.Contains(es[0].Plan, "left to you") {
			t.Errorf("%s: got %+v, want %d beside %d, healing left to the operator", tt.name, es[0], tt.size, tt.own)
		}
	}
	if w.of(0) != 3 || w.of(1) != 2 {
		t.Errorf("got %d and %d members, want both sides as they were", w.of(0), w.of(1))
	}
}

// The operator's word ends either side, also the older.
func TestYieldOnWord(t *testing.T) {
	for side, what := range []string{"older", "later"} {
		t.Run(what, func(t *testing.T) {
			w, older, later := islandWorld(t, func(c *Config) { c.ReportOnly = true })
			w.heal()
			w.run(10 * time.Second)
			told := [][]string{older, later}[side]
			p := w.procs[told[0]]
			if len(eventsOf[Island](p)) == 0 {
				t.Fatal("no island told")
			}
			for _, addr := range told {
				w.procs[addr].cfg.FoundAlone = false
			}
			w.step(p, Yield{})
			w.until(20*time.Second, "one cluster of six", func() bool { return w.of(1-side) == 6 })
		})
	}
}

func TestYieldWithoutIsland(t *testing.T) {
	w := newWorld(t, 1)
	p := w.up(a, []string{a})
	w.run(5 * time.Second)
	w.step(p, Yield{})
	w.run(5 * time.Second)
	if len(eventsOf[Yielded](p)) != 0 {
		t.Error("yielded to nobody")
	}
}

// Durable data makes a side stay until the operator has decided.
func TestDurableSideDoesNotYield(t *testing.T) {
	w, _, later := islandWorld(t, func(c *Config) { c.Durable = c.Self.Address == "127.0.0.1:7005" })
	w.heal()
	w.run(30 * time.Second)
	if w.of(0) != 3 || w.of(1) != 3 {
		t.Fatalf("got %d and %d members, want both sides as they were", w.of(0), w.of(1))
	}
	es := eventsOf[Island](w.procs[later[0]])
	if len(es) == 0 || !strings.Contains(es[len(es)-1].Plan, "durable") {
		t.Errorf("got %+v, want events that tell of durable data", es)
	}
}

// A later side of which only a minority reaches the island stays.
func TestMinorityReachesTheIsland(t *testing.T) {
	w, _, later := islandWorld(t)
	older := func(addr string) bool { return addr <= c }
	w.cut = func(from, to string) bool {
		return older(from) != older(to) && from != later[0] && to != later[0]
	}
	w.run(30 * time.Second)
	if w.of(1) != 3 {
		t.Errorf("got %d members of the later side, want 3: one of three has reached the other", w.of(1))
	}
}

// A side without a lease yields whatever the IDs, after T_found.
func TestSideWithoutLeaseYields(t *testing.T) {
	w, older, _ := islandWorld(t)
	for _, addr := range older {
		w.procs[addr].cfg.FoundAlone = false
	}
	w.clusters[0].stuck = true
	w.publish(w.clusters[0])
	w.heal()
	w.until(25*time.Second, "one cluster of six", func() bool { return w.of(1) == 6 })
}

// Two branches of one cluster are told, and neither yields by itself.
func TestBranchesWaitForTheOperator(t *testing.T) {
	s := newSolo(t, a, a, b)
	id := member.Identity{Cluster: member.ClusterID{9}, Branch: 1}
	self := s.cfg.Self
	step(t, s.Machine, s.at, Stand{Standing{Identity: id, View: 3, Lease: true, Steward: true, Members: member.Nodes{self}, Voters: member.Nodes{self}}})
	other := member.Identity{Cluster: id.Cluster}
	rd := s.from(b, Answer{Asked: b, State: Member, Identity: other, Lease: true, Size: 4})
	var told []string
	for _, e := range rd.Events {
		told = append(told, fmt.Sprintf("%T", e))
		if i, ok := e.(Island); ok && !strings.Contains(i.Plan, "branches") {
			t.Errorf("got plan %q, want it to tell of branches", i.Plan)
		}
	}
	if fmt.Sprint(told) != "[seedjoin.Island]" {
		t.Errorf("got events %v, want the island alone", told)
	}
	for range 30 {
		s.at = s.at.Add(time.Second)
		s.Tick(s.at)
		for _, e := range s.Ready().Events {
			if _, ok := e.(Yielded); ok {
				t.Fatal("a branch yielded by itself")
			}
		}
	}
}

// A process that has left its cluster for another is not let in again by those
// that have not heard yet.
func TestShunnedClusterDoesNotCount(t *testing.T) {
	left := member.Identity{Cluster: member.ClusterID{7}}
	w := newWorld(t, 1)
	p := w.up(a, []string{a, b}, func(c *Config) { c.Shun = left })
	m := p.m
	w.step(p, &Message{From: member.Node{Address: b, UID: 9}, To: p.self, Body: Invite{Asked: a, Name: "test", Identity: left}})
	w.step(p, &Message{From: member.Node{Address: b, UID: 9}, To: p.self, Body: Answer{Asked: b, Stamp: m.stamped, State: Member, Identity: left, Lease: true}})
	if m.target() != nil || m.named() {
		t.Error("the cluster that was left counts")
	}
}
