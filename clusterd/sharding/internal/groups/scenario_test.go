package groups

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/internal/race"
)

// serving counts the nodes that serve a shard, step by step for d.
func (tr *trio) serving(shard uint32, d time.Duration) (most int) {
	tr.t.Helper()
	for end := tr.now.Add(d); tr.now.Before(end); {
		tr.run(tr.nodes[0].m.cfg.Timing.Beat / 5)
		n := 0
		for _, node := range tr.nodes {
			if node.m.CanServe(shard, tr.now) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// withAndWithout plays a scenario with all ingredients and without some: the same
// faults must do harm then. Three nodes have one shard, whose primary is node 1.
func withAndWithout(t *testing.T, some ingredients, play func(tr *trio, off ingredients)) {
	t.Helper()
	for name, off := range map[string]ingredients{"with": {}, "without": some} { // order: each is played by itself
		t.Run(name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
			play(tr, off)
		})
	}
}

// wantServing holds how many nodes serve a shard at one time in the next while:
// one, or two where an ingredient is missing.
func (tr *trio) wantServing(off ingredients, d time.Duration) {
	tr.t.Helper()
	want := 1
	if off != (ingredients{}) {
		want = 2
	}
	if got := tr.serving(0, d); got != want {
		tr.t.Errorf("nodes that served at one time: got %d, want %d", got, want)
	}
}

func (tr *trio) restart(id uint64, off ingredients) {
	tr.t.Helper()
	n := tr.node(id)
	cfg := n.m.cfg
	cfg.Boot += 100
	m, err := New(cfg, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	m.without = off
	for _, s := range n.disk.stored() {
		if _, err := m.open(s); err != nil {
			tr.t.Fatal(err)
		}
		n.state[s.Shard] = decodeState(n.disk.shards[s.Shard].snapshots[s.Snapshot.Index])
	}
	n.m, n.inbox = m, nil
	m.Tick(tr.now)
}

// TestGuard: node 3 hears nothing of 1 and stands; then 1 hears nothing of 2 any more.
// Without its promise to 1, node 2 would vote for 3 while 1 still has the lease that
// 2 gave it.
func TestGuard(t *testing.T) {
	withAndWithout(t, ingredients{guard: true}, func(tr *trio, off ingredients) {
		tr.drop = func(from, to uint64) bool { return from+to == 4 }
		tr.run(2500 * time.Millisecond)
		tr.drop = func(from, to uint64) bool { return from+to == 4 || from == 2 && to == 1 }
		tr.wantServing(off, 5*time.Second)
	})
}

// TestRestartGuard: node 1 leads with the support of 2; 3 hears nothing of 1
// and stands in vain. Now 2 restarts and 1 hears no more of it. If 2 did not
// wait, it would vote for 3 while 1 still has the lease that 2 gave it.
func TestRestartGuard(t *testing.T) {
	withAndWithout(t, ingredients{restartGuard: true}, func(tr *trio, off ingredients) {
		tr.drop = func(from, to uint64) bool { return from+to == 4 }
		tr.run(10 * time.Second)
		tr.wantPrimary(0, 1)
		tr.drop = func(from, to uint64) bool { return from == 1 || to == 1 }
		tr.restart(2, off)
		tr.wantServing(off, 10*time.Second)
		if p := tr.primary(0); p != 2 && p != 3 {
			tr.t.Errorf("primary %d at the end, want 2 or 3", p)
		}
	})
}

// TestOwnStamp: the answers to node 1 arrive 1.9 s late. A lease that counted
// from their arrival would outlast the promises.
func TestOwnStamp(t *testing.T) {
	withAndWithout(t, ingredients{ownStamp: true}, func(tr *trio, off ingredients) {
		var late []Receive
		tr.drop = cutOff(1)
		tr.node(1).m.Tick(tr.now.Add(tr.node(1).m.cfg.Timing.Beat))
		for _, p := range tr.node(1).m.Ready().Packets {
			to := tr.node(p.To)
			_ = to.m.Step(tr.now, Receive{From: 1, Data: p.Data})
			for _, answer := range to.m.Ready().Packets {
				late = append(late, Receive{From: p.To, Data: answer.Data})
			}
		}
		tr.run(1900 * time.Millisecond)
		for _, in := range late {
			_ = tr.node(1).m.Step(tr.now, in)
		}
		tr.wantServing(off, 5*time.Second)
	})
}

// hold hands out what a node would send and keeps it back.
func (tr *trio) hold(id uint64) (late map[uint64][]Receive) {
	tr.t.Helper()
	late = map[uint64][]Receive{}
	n := tr.node(id)
	for range 4 {
		rd := n.m.Ready()
		for _, p := range rd.Packets {
			late[p.To] = append(late[p.To], Receive{From: id, Data: p.Data})
		}
		if rd.Batch != 0 {
			if err := n.disk.apply(rd.Writes); err != nil {
				tr.t.Fatal(err)
			}
			tr.step(id, Persisted{Batch: rd.Batch})
		}
		for _, a := range rd.Applies {
			n.state[a.Shard].apply(a.Index, a.Data)
		}
	}
	return late
}

func (tr *trio) deliver(to uint64, late []Receive) {
	for _, in := range late {
		_ = tr.node(to).m.Step(tr.now, in)
	}
}

// TestReleased: node 1 hands over to 2, but the order is late; 1 is primary
// again when it arrives. The votes that 2 then asks for are forced: in the same
// term 3 would break its promise to 1.
func TestReleased(t *testing.T) {
	withAndWithout(t, ingredients{released: true}, func(tr *trio, off ingredients) {
		tr.step(1, Transfer{Shard: 0, To: 2})
		late := tr.hold(1)
		tr.run(time.Second)
		tr.wantPrimary(0, 1)
		tr.drop = cutOff(1)
		tr.deliver(2, late[2])
		tr.wantServing(off, 5*time.Second)
	})
}

// TestReturnOfAMember: an answer of node 3's old replica arrives when 3 is back
// with an empty one. In the same term the leader would believe that the new one
// has what the old one had, and never send it that.
func TestReturnOfAMember(t *testing.T) {
	race.SkipPure(t)
	withAndWithout(t, ingredients{renewFirst: true}, func(tr *trio, off ingredients) {
		tr.step(1, Propose{Shard: 0, ID: 1, Level: Quorum, Data: []byte("a=x")})
		tr.deliver(3, tr.hold(1)[3])
		late := tr.hold(3)[1]
		tr.run(time.Second)
		plan := func(view uint64, members ...uint64) {
			for _, n := range tr.nodes {
				tr.step(n.id, Plan{View: view, Rows: []PlanRow{{Shard: 0, Members: members}}})
			}
		}
		plan(1, 1, 2)
		tr.run(time.Second)
		if g := tr.node(3).m.groups[0]; !g.blank() {
			tr.t.Fatal("node 3 still has its replica")
		}
		tr.drop = cutOff(3)
		plan(2, 1, 2, 3)
		tr.run(time.Second)
		tr.deliver(1, late)
		want := !off.renewFirst
		tr.drop, tr.endless = nil, !want
		tr.run(5 * time.Second)
		if back := tr.node(1).m.groups[0].conf.votes(3); back != want {
			tr.t.Errorf("node 3 is a voter again: got %v, want %v", back, want)
		}
	})
}

// TestJointAck: node 2 is being taken out while a write is under way that 3 has
// not got. Nodes 1 and 2 are a majority of the old voters, but of the new ones,
// 1 and 3, only node 1 would have what was acknowledged.
func TestJointAck(t *testing.T) {
	withAndWithout(t, ingredients{jointAck: true}, func(tr *trio, off ingredients) {
		tr.drop = cutOff(3)
		tr.step(1, Propose{Shard: 0, ID: 1, Level: Quorum, Data: []byte("a=x")})
		write := tr.hold(1)[2]
		tr.step(1, Plan{View: 1, Rows: []PlanRow{{Shard: 0, Members: []uint64{1, 3}}}})
		removal := tr.hold(1)[2]
		tr.deliver(2, write)
		tr.deliver(1, tr.hold(2)[1])
		tr.ready(tr.node(1))
		tr.deliver(2, removal)
		tr.deliver(1, tr.hold(2)[1])
		tr.ready(tr.node(1))
		if g := tr.node(1).m.groups[0]; g.conf.votes(2) {
			tr.t.Fatal("node 2 is still a voter")
		}
		want := 0
		if off.jointAck {
			want = 1
		}
		if got := len(tr.node(1).acks(1)); got != want {
			tr.t.Errorf("acknowledged while one of two voters has it: got %d, want %d", got, want)
		}
		tr.drop = nil
		tr.run(time.Second)
		if got := len(tr.node(1).acks(1)); got != 1 {
			tr.t.Errorf("acks at the end: got %d, want 1", got)
		}
	})
}
