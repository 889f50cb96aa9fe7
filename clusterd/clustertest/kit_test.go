package clustertest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
)

func fast(int) clusterd.Config { return clusterd.Config{Timing: engine.Fast()} }

func TestRunStartsAndEndsNodes(t *testing.T) {
	clustertest.Run(t, 3, nil, func(k *clustertest.Kit) {
		k.Settle()
		for i := 1; i <= k.Len(); i++ {
			if got, want := k.Up(i), []string{"n1:1", "n2:1", "n3:1"}; !slices.Equal(got, want) {
				t.Errorf("node %d sees %v up, want %v", i, got, want)
			}
			n := k.Node(i)
			k.T.Cleanup(func() { // after Run's own end
				select {
				case <-n.Done():
				default:
					t.Errorf("node %d runs on", i)
				}
			})
		}
	})
}

func TestKillAndRestart(t *testing.T) {
	clustertest.Run(t, 3, fast, func(k *clustertest.Kit) {
		before := k.Node(1).Self().UID
		k.Kill(1)
		k.SettleAmong(2, 3)
		k.Restart(1)
		k.Settle()
		if after := k.Node(1).Self().UID; after <= before {
			t.Errorf("UID after a restart: got %x, want more than %x", after, before)
		}
	})
}

func TestSplitAndHeal(t *testing.T) {
	clustertest.Run(t, 5, fast, func(k *clustertest.Kit) {
		k.Split([]int{1, 2}, []int{3, 4, 5})
		k.SettleAmong(3, 4, 5)
		k.HealAll()
		k.Eventually("the small side learns that it is out", func() bool {
			return len(k.Up(1)) == 5 || ended(k.Node(1))
		})
	})
}

func ended(n *clusterd.Node) bool {
	select {
	case <-n.Done():
		return errors.Is(n.Err(), clusterd.ErrRemoved)
	default:
		return false
	}
}

func TestFrozenNodeIsRemoved(t *testing.T) {
	clustertest.Run(t, 3, fast, func(k *clustertest.Kit) {
		k.Freeze(3)
		k.SettleAmong(1, 2)
		seen := k.Up(3)
		time.Sleep(20 * time.Second)
		if got := k.Up(3); !slices.Equal(got, seen) {
			t.Errorf("a frozen node went on: it sees %v, saw %v", got, seen)
		}
		k.Thaw(3)
		k.Eventually("node 3 learns that it was removed", func() bool {
			return len(k.Up(3)) == 3 || ended(k.Node(3))
		})
	})
}

func TestAShortFreezeHarmsNobody(t *testing.T) {
	clustertest.Run(t, 3, fast, func(k *clustertest.Kit) {
		uid := k.Node(2).Self().UID
		k.Freeze(2)
		time.Sleep(300 * time.Millisecond)
		k.Thaw(2)
		time.Sleep(10 * time.Second)
		k.Settle()
		if got := k.Node(2).Self().UID; got != uid {
			t.Errorf("UID: got %x, want %x as before", got, uid)
		}
	})
}

func TestOneBadLinkRemovesNobody(t *testing.T) {
	clustertest.Run(t, 4, fast, func(k *clustertest.Kit) {
		k.CutOneWay(2, 3)
		time.Sleep(30 * time.Second)
		k.Heal(2, 3)
		k.Settle()
	})
}

func TestSlowLinks(t *testing.T) {
	clustertest.Run(t, 3, nil, func(k *clustertest.Kit) {
		for a := 1; a <= 3; a++ {
			for b := a + 1; b <= 3; b++ {
				k.Slow(a, b, 100*time.Millisecond)
			}
		}
		if i := k.Add(); i != 4 {
			t.Errorf("Add: got node %d, want 4", i)
		}
		k.Settle()
	})
}
