package durable_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/sharding/store"
)

// TestDiskThatFailsAtEveryPoint lets the only disk of a node refuse everything from
// its k-th batch on, then crash and lose what was not synced, for each k. Whatever
// was acknowledged is there after the restart, and nothing was counted twice.
func TestDiskThatFailsAtEveryPoint(t *testing.T) {
	for point := int64(1); point <= 24; point++ {
		t.Run(fmt.Sprint(point), func(t *testing.T) { testFailingDisk(t, point) })
	}
}

func testFailingDisk(t *testing.T, point int64) {
	var batches atomic.Int64
	var healthy atomic.Bool
	disk := &store.Memory{Fault: func([]store.Op, bool) error {
		if !healthy.Load() && batches.Add(1) >= point+1 { // the first is Install's
			return store.ErrFull
		}
		return nil
	}}
	cfg := func(int) clusterd.Config {
		c := durable.Config{Shards: 2, Replicas: 1, Store: disk}
		return clusterd.Config{Timing: engine.Fast(), Services: []clusterd.Service{durable.Host(c, Counter)}}
	}
	clustertest.Run(t, 1, cfg, func(k *clustertest.Kit) {
		acked := map[string]int64{}
		for i := range 16 {
			id := fmt.Sprint("c", i%4)
			sum, err := addWithin(k, 1, id, 1, 500*time.Millisecond)
			if err != nil {
				break
			}
			acked[id] = sum
		}
		if batches.Load() > point {
			if s, err := durable.StatusOf(k.Node(1)); err != nil || !errors.Is(s.StoreFault, store.ErrFull) {
				t.Errorf("status: got %+v, %v, want ErrFull", s, err)
			}
		}
		k.Kill(1)
		disk.Crash()
		healthy.Store(true)
		k.Restart(1)
		for i := range 4 {
			id := fmt.Sprint("c", i)
			sum, err := add(k, 1, id, 0)
			if err != nil || sum < acked[id] || sum > acked[id]+1 {
				t.Errorf("%s: got %d, %v, want the %d that were acknowledged, and one more at most", id, sum, err, acked[id])
			}
		}
	})
}

// TestFullDisk fills the disk of one of three nodes for a while: it is reported,
// the others go on, and what is acknowledged meanwhile is still there when that
// node is one of the last two.
func TestFullDisk(t *testing.T) {
	var full atomic.Bool
	var d disks
	d.of(3).Fault = func([]store.Op, bool) error {
		if full.Load() {
			return store.ErrFull
		}
		return nil
	}
	clustertest.Run(t, 3, hosts(&d, durable.Config{Shards: 4}), func(k *clustertest.Kit) {
		settled(k, 3, 1, 2, 3)
		bumps(k, 1, 20, 1)
		full.Store(true)
		bumps(k, 1, 20, 2)
		k.Eventually("the full disk is reported", func() bool {
			s, err := durable.StatusOf(k.Node(3))
			return err == nil && errors.Is(s.StoreFault, store.ErrFull)
		})
		full.Store(false)
		k.Eventually("the disk is well", func() bool {
			s, err := durable.StatusOf(k.Node(3))
			return err == nil && s.StoreFault == nil
		})
		time.Sleep(5 * time.Second)
		k.Kill(1)
		bumps(k, 2, 20, 3)
	})
}
