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
	for _, c := range []struct {
		name string
		off  ingredients
		most int
	}{{"with", ingredients{}, 1}, {"without", ingredients{guard: true}, 2}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
			tr.drop = func(from, to uint64) bool { return from+to == 4 }
			tr.run(2500 * time.Millisecond)
			tr.drop = func(from, to uint64) bool { return from+to == 4 || from == 2 && to == 1 }
			if got := tr.serving(0, 5*time.Second); got != c.most {
				t.Errorf("nodes that served at one time: got %d, want %d", got, c.most)
			}
		})
	}
}

// TestRestartGuard: node 1 leads with the support of 2; 3 hears nothing of 1
// and stands in vain. Now 2 restarts and 1 hears no more of it. If 2 did not
// wait, it would vote for 3 while 1 still has the lease that 2 gave it.
func TestRestartGuard(t *testing.T) {
	for _, c := range []struct {
		name string
		off  ingredients
		most int
	}{{"with", ingredients{}, 1}, {"without", ingredients{restartGuard: true}, 2}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			tr.create(0, 1, 2, 3)
			tr.drop = func(from, to uint64) bool { return from+to == 4 }
			tr.run(10 * time.Second)
			tr.wantPrimary(0, 1)
			tr.drop = func(from, to uint64) bool { return from == 1 || to == 1 }
			tr.restart(2, c.off)
			if got := tr.serving(0, 10*time.Second); got != c.most {
				t.Errorf("nodes that served at one time: got %d, want %d", got, c.most)
			}
			if p := tr.primary(0); p != 2 && p != 3 {
				t.Errorf("primary %d at the end, want 2 or 3", p)
			}
		})
	}
}

// TestOwnStamp: the answers to node 1 arrive 1.9 s late. A lease that counted
// from their arrival would outlast the promises.
func TestOwnStamp(t *testing.T) {
	for _, c := range []struct {
		name string
		off  ingredients
		most int
	}{{"with", ingredients{}, 1}, {"without", ingredients{ownStamp: true}, 2}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
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
			if got := tr.serving(0, 5*time.Second); got != c.most {
				t.Errorf("nodes that served at one time: got %d, want %d", got, c.most)
			}
		})
	}
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
	for _, c := range []struct {
		name string
		off  ingredients
		most int
	}{{"with", ingredients{}, 1}, {"without", ingredients{released: true}, 2}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
			tr.step(1, Transfer{Shard: 0, To: 2})
			late := tr.hold(1)
			tr.run(time.Second)
			tr.wantPrimary(0, 1)
			tr.drop = cutOff(1)
			tr.deliver(2, late[2])
			if got := tr.serving(0, 5*time.Second); got != c.most {
				t.Errorf("nodes that served at one time: got %d, want %d", got, c.most)
			}
		})
	}
}

// TestReturnOfAMember: an answer of node 3's old replica arrives when 3 is back
// with an empty one. In the same term the leader would believe that the new one
// has what the old one had, and never send it that.
func TestReturnOfAMember(t *testing.T) {
	race.SkipPure(t)
	for _, c := range []struct {
		name string
		off  ingredients
		back bool
	}{{"with", ingredients{}, true}, {"without", ingredients{renewFirst: true}, false}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
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
				t.Fatal("node 3 still has its replica")
			}
			tr.drop = cutOff(3)
			plan(2, 1, 2, 3)
			tr.run(time.Second)
			tr.deliver(1, late)
			tr.drop, tr.endless = nil, !c.back
			tr.run(5 * time.Second)
			if back := tr.node(1).m.groups[0].conf.votes(3); back != c.back {
				t.Errorf("node 3 is a voter again: got %v, want %v", back, c.back)
			}
		})
	}
}

// TestJointAck: node 2 is being taken out while a write is under way that 3 has
// not got. Nodes 1 and 2 are a majority of the old voters, but of the new ones,
// 1 and 3, only node 1 would have what was acknowledged.
func TestJointAck(t *testing.T) {
	for _, c := range []struct {
		name string
		off  ingredients
		acks int
	}{{"with", ingredients{}, 0}, {"without", ingredients{jointAck: true}, 1}} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrio(t, 3, Config{Shards: 1})
			for _, n := range tr.nodes {
				n.m.without = c.off
			}
			tr.create(0, 1, 2, 3)
			tr.run(time.Second)
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
				t.Fatal("node 2 is still a voter")
			}
			if got := len(tr.node(1).acks(1)); got != c.acks {
				t.Errorf("acknowledged while one of two voters has it: got %d, want %d", got, c.acks)
			}
			tr.drop = nil
			tr.run(time.Second)
			if got := len(tr.node(1).acks(1)); got != 1 {
				t.Errorf("acks at the end: got %d, want 1", got)
			}
		})
	}
}
