package clustertest_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// quietly is fast with faults that the log need not tell of.
func quietly(change func(i int, c *clusterd.Config)) func(int) clusterd.Config {
	return func(i int) clusterd.Config {
		c := clusterd.Config{Timing: engine.Fast(), Logger: slog.New(slog.DiscardHandler)}
		change(i, &c)
		return c
	}
}

// Of two nodes keep-majority stops the younger when the older dies; with a
// referee the side of the referee goes on, here the younger.
func TestDowningStrategy(t *testing.T) {
	referee := quietly(func(_ int, c *clusterd.Config) { c.Downing = downing.KeepReferee{Address: "n2:1"} })
	clustertest.Run(t, 2, referee, func(k *clustertest.Kit) {
		k.Settle()
		k.Kill(1)
		k.SettleAmong(2)
	})
}

// refusal is why node i is not let in, as its operator reads it.
func refusal(k *clustertest.Kit, i int) string {
	k.T.Helper()
	ctx, cancel := context.WithTimeout(k.T.Context(), 20*time.Second)
	defer cancel()
	var refused *clusterd.RefusedError
	if err := k.Node(i).Ready(ctx); !errors.As(err, &refused) {
		k.T.Fatalf("node %d: got %v, want it refused", i, err)
	}
	return refused.Reason
}

func TestAnotherDowningStrategyIsRefused(t *testing.T) {
	differ := quietly(func(i int, c *clusterd.Config) {
		if i == 3 {
			c.Downing = downing.KeepOldest{}
		}
	})
	clustertest.Run(t, 2, differ, func(k *clustertest.Kit) {
		k.Settle()
		got, want := refusal(k, k.Begin()), `downing is "keep-oldest" here and "keep-majority" in the cluster`
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	})
}

// A static quorum of 2 holds for 3 members. The fourth is told so, and comes in
// once another has left.
func TestStaticQuorumAdmitsNobodyBeyondItsLimit(t *testing.T) {
	static := quietly(func(_ int, c *clusterd.Config) { c.Downing = downing.StaticQuorum{Size: 2} })
	clustertest.Run(t, 3, static, func(k *clustertest.Kit) {
		k.Settle()
		fourth := k.Begin()
		got, want := refusal(k, fourth), "the cluster is full: downing by static-quorum:2 allows 3 members"
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
		k.SettleAmong(1, 2, 3)
		if err := k.Node(3).Leave(k.T.Context()); err != nil {
			t.Fatal(err)
		}
		k.SettleAmong(1, 2, fourth)
	})
}

// Below the least number of members, in all and by role, nobody but the founder
// becomes Up.
func TestMinMembers(t *testing.T) {
	least := quietly(func(i int, c *clusterd.Config) {
		c.MinMembers, c.MinByRole = 3, map[string]int{"store": 2}
		if i != 2 {
			c.Roles = []string{"store"}
		}
	})
	clustertest.Run(t, 0, least, func(k *clustertest.Kit) {
		k.Begin()
		two := k.Begin()
		time.Sleep(time.Minute)
		if got := k.Node(two).Self().Status; got == member.Up {
			t.Errorf("got node 2 %v among two members, want it to wait for a third", got)
		}
		k.Begin()
		k.Settle()
	})
}

func TestGossipStrategies(t *testing.T) {
	for _, kind := range []gossip.Kind{gossip.ByDelegate, gossip.ByMemory, gossip.ByRandom, gossip.BySeenSet} {
		t.Run(kind.String(), func(t *testing.T) {
			told := quietly(func(_ int, c *clusterd.Config) { c.Gossip, c.GossipFanout = kind, 3 })
			clustertest.Run(t, 5, told, func(k *clustertest.Kit) { k.Settle() })
		})
	}
}
