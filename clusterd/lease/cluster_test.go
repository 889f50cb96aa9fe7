package lease_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/lease"
)

// TestTheSideWithTheLeaseLives runs real nodes whose lease is in a file: of a cut
// cluster the larger side gets it and goes on, the smaller one may not act; when the
// larger one is gone for good, the smaller one goes on.
func TestTheSideWithTheLeaseLives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	cfg := func(int) clusterd.Config {
		return clusterd.Config{Downing: lease.Majority{Store: lease.New(&lease.File{Path: path})}}
	}
	clustertest.Run(t, 5, cfg, func(k *clustertest.Kit) {
		k.Split([]int{1, 2}, []int{3, 4, 5})
		k.SettleAmong(3, 4, 5)
		k.Eventually("3 may act", k.Node(3).MayAct)
		if k.Node(1).MayAct() || k.Node(2).MayAct() {
			k.T.Error("the side without the lease may act")
		}
		k.HealAll()
		k.Settle()
		k.Eventually("1 may act again", k.Node(1).MayAct)
		for _, i := range []int{3, 4, 5} {
			k.Kill(i)
		}
		began := time.Now()
		k.SettleAmong(1, 2)
		k.Eventually("1 may act without the larger side", k.Node(1).MayAct)
		k.T.Logf("two of five went on %v after the others died", time.Since(began))
	})
}

// TestLeaseFollowsTheLeader: a leader that leaves hands the lease on.
func TestLeaseFollowsTheLeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	cfg := func(int) clusterd.Config {
		return clusterd.Config{Downing: lease.Majority{Store: lease.New(&lease.File{Path: path})}}
	}
	clustertest.Run(t, 2, cfg, func(k *clustertest.Kit) {
		if err := k.Node(1).Leave(k.T.Context()); err != nil {
			k.T.Fatal(err)
		}
		k.SettleAmong(2)
		k.Eventually("2 may act", k.Node(2).MayAct)
	})
}
