package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/clusterd/slots"
)

// cluster is some nodes in this process.
type cluster struct {
	cfg   config
	kind  actor.Kind[*wrapperspb.Int64Value]
	nodes []*clusterd.Node
}

// start starts a node that joins those that run, and waits until it is Up.
func (c *cluster) start(ctx context.Context) (*clusterd.Node, error) {
	cfg := clusterd.Config{
		Name: "shards", Listen: "127.0.0.1:0", Timing: engine.Fast(), FoundAlone: len(c.nodes) == 0,
		Logger:   slog.New(slog.DiscardHandler),
		Services: []clusterd.Service{sharding.Settings{Moves: c.cfg.moves}, sharding.Host(c.kind)},
	}
	if len(c.nodes) > 0 {
		cfg.Seeds = []string{c.nodes[0].System().Address()}
	}
	n, err := clusterd.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c.nodes = append(c.nodes, n)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return n, n.Ready(ctx)
}

// form starts n nodes and waits until they share the slots.
func (c *cluster) form(ctx context.Context, n int) error {
	for range n {
		if _, err := c.start(ctx); err != nil {
			return err
		}
	}
	return c.settle(ctx)
}

// settle waits until all nodes agree on where the slots are, and have as many as
// they ought to.
func (c *cluster) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !c.settled() {
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the slots do not settle: %v", c.shares())
		}
	}
	return nil
}

func (c *cluster) settled() bool {
	for _, share := range c.shares() {
		if share < slots.Count/len(c.nodes) || share > slots.Count/len(c.nodes)+1 {
			return false
		}
	}
	first := sharding.Table(c.nodes[0], c.kind.Name)
	for _, n := range c.nodes[1:] {
		if !slices.Equal(first, sharding.Table(n, c.kind.Name)) {
			return false
		}
	}
	return len(first) > 0
}

// shares returns the slots of each node.
func (c *cluster) shares() []int {
	var list []int
	for _, n := range c.nodes {
		list = append(list, sharding.Stats(n).Kinds[0].Slots)
	}
	return list
}

// entities returns the entities of each node.
func (c *cluster) entities() []int {
	var list []int
	for _, n := range c.nodes {
		list = append(list, sharding.Stats(n).Kinds[0].Entities)
	}
	return list
}

// homes returns the node of each slot.
func (c *cluster) homes() []string {
	list := make([]string, slots.Count)
	for _, r := range sharding.Table(c.nodes[0], c.kind.Name) {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			list[slot] = r.Address
		}
	}
	return list
}

// stop makes the last node leave.
func (c *cluster) stop(ctx context.Context) error {
	last := c.nodes[len(c.nodes)-1]
	c.nodes = c.nodes[:len(c.nodes)-1]
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return last.Leave(ctx)
}

func (c *cluster) close() {
	for len(c.nodes) > 0 {
		_ = c.stop(context.Background())
	}
}

// ask adds to a counter and returns its sum.
func (c *cluster) ask(ctx context.Context, from *clusterd.Node, id string, by int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	sum, err := actor.Ask[*wrapperspb.Int64Value](ctx, sharding.Ref(from, c.kind, id).With(wrapperspb.Int64(by)))
	return sum.GetValue(), err
}

// quantiles sorts durations and returns the median, the 99th percentile and the
// largest.
func quantiles(list []time.Duration) (p50, p99, most time.Duration) {
	if len(list) == 0 {
		return 0, 0, 0
	}
	slices.Sort(list)
	return list[len(list)/2], list[len(list)*99/100], list[len(list)-1]
}
