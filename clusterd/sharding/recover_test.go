package sharding_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/clusterd/slots"
)

// TestRecoverIssuesAgain: three of five nodes die at once, more than the others may
// remove by themselves. An operator's word restores service: what the dead ran
// starts afresh at the two that are left, what ran there goes on.
func TestRecoverIssuesAgain(t *testing.T) {
	config := func(int) clusterd.Config {
		return clusterd.Config{Timing: engine.Fast(), Services: []clusterd.Service{sharding.Host(Tally)}}
	}
	clustertest.Run(t, 5, config, func(k *clustertest.Kit) {
		k.Eventually("each node has its share of the slots", func() bool { return shared(k, 5) })
		const names = 30
		want := map[string]int64{}
		for i := range names {
			id := fmt.Sprint("sum", i)
			if got := add(k.T, k.Node(1), id, 1); got != 1 {
				k.T.Errorf("%s: got %d, want 1", id, got)
			}
			if home := sharding.Home(k.Node(1), Tally.Name, id); home == k.Address(1) || home == k.Address(2) {
				want[id] = 1
			}
		}
		for _, i := range []int{3, 4, 5} {
			k.Kill(i)
		}
		time.Sleep(10 * time.Second)
		if k.Node(1).MayAct() {
			k.T.Error("two of five go on without a word")
		}
		if err := k.Node(1).Recover(k.T.Context()); err != nil {
			k.T.Fatal(err)
		}
		k.SettleAmong(1, 2)
		for i := range names {
			id := fmt.Sprint("sum", i)
			if got := add(k.T, k.Node(2), id, 0); got != want[id] {
				k.T.Errorf("%s after the recovery: got %d, want %d", id, got, want[id])
			}
		}
	})
}

// shared reports whether each of n nodes holds its share, so that no slot moves any more.
func shared(k *clustertest.Kit, n int) bool {
	for i := 1; i <= n; i++ {
		if held := sharding.Stats(k.Node(i)).Kinds[0].Slots; held != slots.Count/n && held != slots.Count/n+1 {
			return false
		}
	}
	return true
}
