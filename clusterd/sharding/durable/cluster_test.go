package durable_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/sharding/store"
)

// disks are what the nodes of a test write on: they survive restarts.
type disks struct {
	mu sync.Mutex
	m  map[int]*store.Memory
}

func (d *disks) of(i int) *store.Memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.m == nil {
		d.m = map[int]*store.Memory{}
	}
	if d.m[i] == nil {
		d.m[i] = new(store.Memory)
	}
	return d.m[i]
}

// hosts configures nodes that host counters and journals.
func hosts(d *disks, cfg durable.Config) func(int) clusterd.Config {
	return func(i int) clusterd.Config {
		cfg.Store = d.of(i)
		return clusterd.Config{Timing: engine.Fast(), Services: []clusterd.Service{durable.Host(cfg, Counter, Journal)}}
	}
}

// bumps adds one to each of n counters from a node, and reports those that are not
// then what they should be. Who does not know whether a message was handled looks.
func bumps(k *clustertest.Kit, node, n int, want int64) {
	k.T.Helper()
	for i := range n {
		id := fmt.Sprint("c", i)
		got, err := add(k, node, id, 1)
		for try := 0; err != nil && try < 10; try++ {
			time.Sleep(100 * time.Millisecond) // who sends to one that was removed is told at once
			if errors.Is(err, durable.ErrUnknownOutcome) {
				if got, err = add(k, node, id, 0); err != nil || got == want {
					continue
				}
			}
			got, err = add(k, node, id, 1)
		}
		if err != nil || got != want {
			k.T.Errorf("node %d: %s: got %d, %v, want %d", node, id, got, err, want)
		}
	}
}

// settled waits until every shard has a primary and the wanted replicas, and each of
// the nodes named, all that there are, its share of them; all of these know it.
func settled(k *clustertest.Kit, replicas int, nodes ...int) {
	k.T.Helper()
	k.Eventually("all shards have their primaries and replicas", func() bool {
		for _, i := range nodes {
			rows, err := durable.Table(k.Node(i))
			if err != nil {
				return false
			}
			copies := map[string]int{}
			for _, r := range rows {
				if r.Primary == "" || len(r.Replicas) != replicas-1 || r.To != "" {
					return false
				}
				copies[r.Primary]++
				for _, address := range r.Replicas {
					copies[address]++
				}
			}
			if share := len(rows) * replicas / len(nodes); copies[k.Address(i)] < share {
				return false // it came late, and has not got what is planned for it
			}
		}
		return true
	})
}

func TestThreeNodes(t *testing.T) {
	clustertest.Run(t, 3, hosts(new(disks), durable.Config{Shards: 8}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 1)
		bumps(k, 2, 20, 2)
		bumps(k, 3, 20, 3)
	})
}

func TestFailoverKeepsWhatWasAcknowledged(t *testing.T) {
	clustertest.Run(t, 3, hosts(new(disks), durable.Config{Shards: 8}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 1)
		begin := time.Now()
		k.Kill(3)
		bumps(k, 1, 20, 2)
		t.Logf("all answered %v after the crash", time.Since(begin))
		k.Restart(3)
		settled(k, 3, 1, 2, 3)
		bumps(k, 3, 20, 3)
		k.Kill(1)
		bumps(k, 2, 20, 4)
		k.Restart(1)
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 5)
	})
}

func TestFullRestart(t *testing.T) {
	clustertest.Run(t, 3, hosts(new(disks), durable.Config{Shards: 8}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 1)
		for i := 1; i <= 3; i++ {
			k.Kill(i)
		}
		for i := 1; i <= 3; i++ {
			k.Restart(i)
		}
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 2)
	})
}

func TestLeaveHandsOver(t *testing.T) {
	clustertest.Run(t, 4, hosts(new(disks), durable.Config{Shards: 8}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3, 4)
		bumps(k, 1, 20, 1)
		if err := k.Node(4).Leave(k.T.Context()); err != nil {
			t.Error(err)
		}
		settled(k, 3, 1, 2, 3)
		bumps(k, 2, 20, 2)
		if err := k.Node(3).Leave(k.T.Context()); err != nil {
			t.Error(err)
		}
		bumps(k, 2, 20, 3)
	})
}

func TestLostReplicaIsRebuilt(t *testing.T) {
	clustertest.Run(t, 4, hosts(new(disks), durable.Config{Shards: 8, Rebuild: 10 * time.Second}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3, 4)
		bumps(k, 1, 20, 1)
		k.Kill(4)
		time.Sleep(30 * time.Second)
		settled(k, 3, 1, 2, 3)
		k.Kill(3)
		bumps(k, 1, 20, 2)
	})
}

// TestRemovedNodeRejoins holds a node still until the others have removed it. It
// comes back in the same process, under a new UID and with the same store.
func TestRemovedNodeRejoins(t *testing.T) {
	clustertest.Run(t, 3, hosts(new(disks), durable.Config{Shards: 8, Rebuild: 5 * time.Second}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 1)
		k.Freeze(3)
		time.Sleep(20 * time.Second)
		bumps(k, 1, 20, 2)
		k.Thaw(3)
		k.Eventually("node 3 is back", func() bool { return len(k.Up(1)) == 3 && len(k.Up(3)) == 3 })
		settled(k, 3, 1, 2, 3)
		bumps(k, 3, 20, 3)
		k.Kill(1)
		bumps(k, 3, 20, 4)
	})
}

func TestTransfer(t *testing.T) {
	clustertest.Run(t, 3, hosts(new(disks), durable.Config{Shards: 4}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		for n := range 12 {
			to := k.Address(n%3 + 1)
			if err := durable.Transfer(k.T.Context(), k.Node(1), 77, to); err != nil {
				t.Fatal(err)
			}
			if row, err := durable.RowOf(k.Node(1), 77); err != nil || row.Primary != to {
				t.Fatalf("got %+v, %v, want primary %s", row, err, to)
			}
		}
		bumps(k, 2, 20, 1)
	})
}

// TestStandbyIsNeverAPrimary: a node that only keeps replicas. The others share its
// part of the primaries, and what it has is there when one of them is lost.
func TestStandbyIsNeverAPrimary(t *testing.T) {
	d := new(disks)
	config := func(i int) clusterd.Config { return hosts(d, durable.Config{Shards: 8, Standby: i == 1})(i) }
	clustertest.Run(t, 3, config, func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		primaries := func() map[string]int {
			rows, err := durable.Table(k.Node(1))
			if err != nil {
				k.T.Fatal(err)
			}
			leads := map[string]int{}
			for _, r := range rows {
				leads[r.Primary]++
			}
			return leads
		}
		k.Eventually("nodes 2 and 3 share the primaries", func() bool {
			p := primaries()
			return p[k.Address(1)] == 0 && p[k.Address(2)] == 4 && p[k.Address(3)] == 4
		})
		if err := durable.Transfer(k.T.Context(), k.Node(2), 77, k.Address(1)); !errors.Is(err, durable.ErrStandby) {
			k.T.Errorf("transfer to the standby: got %v, want ErrStandby", err)
		}
		bumps(k, 1, 20, 1)
		k.Kill(3)
		bumps(k, 1, 20, 2)
		if p := primaries(); p[k.Address(2)] != 8 {
			k.T.Errorf("primaries after node 3 was killed: got %v, want all on node 2", p)
		}
	})
}

// TestRecoverServesAgain: three of five nodes die at once, more than the others may
// remove. An operator's word lets these go on: with the shards of which they keep a
// majority, and as soon as one of the dead is back, with the rest.
func TestRecoverServesAgain(t *testing.T) {
	d := new(disks)
	clustertest.Run(t, 5, hosts(d, durable.Config{Shards: 32, Rebuild: time.Hour}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3, 4, 5)
		bumps(k, 1, 40, 1)
		for _, i := range []int{3, 4, 5} {
			k.Kill(i)
		}
		time.Sleep(10 * time.Second)
		if _, err := add(k, 1, "c0", 0); err == nil {
			k.T.Error("a minority answers")
		}
		if err := k.Node(1).Recover(k.T.Context()); err != nil {
			k.T.Fatal(err)
		}
		served, waiting := 0, 0
		k.Eventually("some shards are served", func() bool {
			served, waiting = 0, 0
			for i := range 40 {
				switch got, err := addWithin(k, 1, fmt.Sprint("c", i), 0, 500*time.Millisecond); {
				case err == nil && got == 1:
					served++
				case err == nil:
					k.T.Errorf("c%d: got %d, want 1", i, got)
				default:
					waiting++
				}
			}
			return served > 0
		})
		k.T.Logf("without most nodes %d of 40 entities are served, %d wait for a majority of their shard", served, waiting)
		k.Restart(3)
		k.Restart(4)
		bumps(k, 1, 40, 2)
	})
}

func TestForeignStoreIsRefused(t *testing.T) {
	var mine, theirs disks
	clustertest.Run(t, 1, hosts(&theirs, durable.Config{Shards: 4, Replicas: 1}), func(k *clustertest.Kit) {
		bumps(k, 1, 5, 1)
	})
	mine.m = map[int]*store.Memory{4: theirs.of(1)}
	clustertest.Run(t, 3, hosts(&mine, durable.Config{Shards: 4}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		k.Add()
		k.Eventually("node 4 says that its store is foreign", func() bool {
			s, err := durable.StatusOf(k.Node(4))
			return err == nil && errors.Is(s.Fault, durable.ErrForeignStore)
		})
		bumps(k, 4, 20, 1)
	})
}
