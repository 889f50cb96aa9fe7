package groups

import (
	"testing"
	"time"
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
