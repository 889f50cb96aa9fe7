package groups

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMoveOfAReplica(t *testing.T) {
	tr := newTrio(t, 4, Config{Shards: 1, Limits: Limits{PartBytes: 100}})
	tr.create(0, 1, 2, 3)
	for i := range 50 {
		tr.write(1, 0, Quorum, strings.Repeat("v", i+1))
	}
	for _, n := range tr.nodes {
		tr.step(n.id, Plan{View: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{2, 3, 4}, Primary: 4}}})
	}
	tr.settle()
	tr.run(2 * time.Second)
	tr.wantPrimary(0, 4)
	if got, want := tr.node(4).state[0].lists["a"], tr.node(2).state[0].lists["a"]; got != want || len(got) < 1000 {
		t.Errorf("the new replica has %d bytes, want the %d of the others", len(got), len(want))
	}
	if s := tr.node(1).disk.shards[0]; len(s.log) > 0 || len(s.snapshots) > 0 || s.term == 0 {
		t.Errorf("the replica that left: log %d, snapshots %d, term %d; want only its term and vote", len(s.log), len(s.snapshots), s.term)
	}
	if got := tr.node(1).all.Roles[len(tr.node(1).all.Roles)-1].Role; got != None {
		t.Errorf("role of the node that left: %d, want None", got)
	}
	// And back again: in a later term, as it was removed in an earlier one.
	for _, n := range tr.nodes {
		tr.step(n.id, Plan{View: 2, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2, 3}, Primary: 1}}})
	}
	tr.run(3 * time.Second)
	tr.wantPrimary(0, 1)
}

func TestResync(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes int
		full   bool
	}{{"delta", 5, false}, {"full", 60, true}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1, Limits: Limits{LogEntries: 20, KeepEntries: 10, PartBytes: 50}})
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
			tr.drop = cutOff(3)
			for i := range c.writes {
				tr.write(1, 0, Quorum, fmt.Sprint("v", i))
			}
			tr.drop = nil
			before := len(tr.node(3).all.Installs)
			tr.run(2 * time.Second)
			if got, want := tr.node(3).state[0].lists["a"], tr.node(1).state[0].lists["a"]; got != want {
				t.Errorf("resynced state %q, want %q", got, want)
			}
			if got := len(tr.node(3).all.Installs) > before; got != c.full {
				t.Errorf("a whole snapshot was sent: %v, want %v", got, c.full)
			}
		})
	}
}

// TestSnapshotResumes cuts the link in the middle of a snapshot again and
// again: what is durable at the receiver is not sent a second time.
func TestSnapshotResumes(t *testing.T) {
	tr := newTrio(t, 4, Config{Shards: 1, Limits: Limits{PartBytes: 100, Window: 1}})
	tr.create(0, 1, 2, 3)
	for i := range 100 {
		tr.write(1, 0, Quorum, strings.Repeat("v", i+1))
	}
	tr.run(time.Second)
	toFour := 0
	tr.drop = func(from, to uint64) bool {
		if from == 1 && to == 4 {
			toFour++
			return toFour%5 == 0
		}
		return false
	}
	for _, n := range tr.nodes {
		tr.step(n.id, Plan{View: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2, 3, 4}}}})
	}
	last := uint64(0)
	for range 400 {
		tr.run(100 * time.Millisecond)
		for _, mv := range tr.node(1).m.Moves() {
			if mv.To != 4 || mv.Sent < last || mv.Sent > mv.Size {
				t.Fatalf("progress %+v after %d bytes", mv, last)
			}
			last = mv.Sent
		}
	}
	if last == 0 {
		t.Error("no progress was seen")
	}
	if got, want := tr.node(4).state[0].lists["a"], tr.node(1).state[0].lists["a"]; got != want {
		t.Errorf("the new replica has %d bytes, want %d", len(got), len(want))
	}
}

// TestTransfersAreBounded: a node sends so many snapshots at one time; the rest
// wait, and all arrive.
func TestTransfersAreBounded(t *testing.T) {
	tr := newTrio(t, 2, Config{Shards: 8, Limits: Limits{Transfers: 2, PartBytes: 100}})
	plan := Plan{View: 1}
	for shard := range uint32(8) {
		tr.create(shard, 1)
		for i := range 30 {
			tr.write(1, shard, Quorum, strings.Repeat("v", i+1))
		}
		plan.Rows = append(plan.Rows, PlanRow{Shard: shard, Members: []uint64{1, 2}})
	}
	for _, n := range tr.nodes {
		tr.step(n.id, plan)
	}
	most := 0
	for range 5000 {
		n := tr.node(1)
		for _, p := range tr.nodes {
			inbox := p.inbox
			p.inbox = nil
			for _, in := range inbox {
				_ = p.m.Step(tr.now, in)
			}
			tr.ready(p)
		}
		sending := 0
		for _, mv := range n.m.Moves() {
			if mv.Sent > 0 {
				sending++
			}
		}
		most = max(most, sending)
		tr.now = tr.now.Add(time.Millisecond)
		for _, p := range tr.nodes {
			p.m.Tick(tr.now)
		}
	}
	if most == 0 || most > 2 {
		t.Errorf("snapshots under way at one time: got %d, want 1 or 2", most)
	}
	for shard := range uint32(8) {
		if got := tr.node(1).m.groups[shard].conf.voters; !slices.Equal(got, []uint64{1, 2}) {
			t.Errorf("shard %d: voters %v, want 1 and 2", shard, got)
		}
	}
}

// TestOldPlanIsNotFollowed: a primary that has heard of a newer plan takes no
// step towards its own, older one.
func TestOldPlanIsNotFollowed(t *testing.T) {
	tr := newTrio(t, 3, Config{Shards: 1})
	tr.create(0, 1, 2, 3)
	tr.step(2, Plan{View: 2, Number: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2, 3}, Primary: 3}}})
	tr.step(3, Plan{View: 2, Number: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2, 3}, Primary: 3}}})
	tr.step(2, Unreachable{Node: 9})
	tr.run(time.Second) // the packets of 2 and 3 say that there is a newer plan
	tr.step(1, Plan{View: 1, Number: 7, Rows: []PlanRow{{Shard: 0, Members: []uint64{2, 3}, Primary: 2}}})
	tr.run(3 * time.Second)
	tr.wantPrimary(0, 1)
	tr.step(1, Plan{View: 2, Number: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 2, 3}, Primary: 3}}})
	tr.run(time.Second)
	tr.wantPrimary(0, 3)
}
