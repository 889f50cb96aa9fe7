package sharding_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding"
)

func startNode(t *testing.T, seeds ...string) *clusterd.Node {
	t.Helper()
	n, err := clusterd.Start(t.Context(), clusterd.Config{
		Name: "loopback", Listen: "127.0.0.1:0", Seeds: seeds, FoundAlone: len(seeds) == 0, Timing: engine.Fast(),
		Logger:   slog.New(slog.DiscardHandler),
		Services: []clusterd.Service{sharding.Host(Tally)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func ready(t *testing.T, nodes ...*clusterd.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, n := range nodes {
		if err := n.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// Three whole nodes over loopback count the same sums while one of them leaves
// in the middle.
func TestLoopback(t *testing.T) {
	a := startNode(t)
	ready(t, a)
	b, c := startNode(t, a.System().Address()), startNode(t, a.System().Address())
	ready(t, b, c)
	const each, names = 60, 12
	half := make(chan struct{})
	var wg sync.WaitGroup
	for i, n := range []*clusterd.Node{a, b} {
		wg.Go(func() {
			for k := range each {
				if i == 0 && k == each/2 {
					close(half)
				}
				for name := range names {
					add(t, n, fmt.Sprint("sum", name), 1)
				}
			}
		})
	}
	<-half
	for p := range sharding.Events(t.Context(), c) {
		if p.Total > 0 && p.Left == 0 {
			break // it has its share
		}
	}
	if err := c.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for name := range names {
		if got := add(t, b, fmt.Sprint("sum", name), 0); got != 2*each {
			t.Errorf("sum%d = %d, want %d", name, got, 2*each)
		}
	}
	if got := sharding.Stats(c).Moved; got == 0 {
		t.Error("the node that left moved no slots")
	}
}

func add(t *testing.T, n *clusterd.Node, name string, by int64) int64 {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sum, err := actor.Ask[*wrapperspb.Int64Value](ctx, sharding.Ref(n, Tally, name).With(wrapperspb.Int64(by)))
	if err != nil {
		t.Errorf("%s at %s: %v", name, n.System().Address(), err)
	}
	return sum.GetValue()
}
