package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/internal/harness"
	"github.com/pando-go/pando/mailbox"
	"github.com/pando-go/pando/remote/memnet"
)

// patience is how long, in virtual time, the kit waits for what a test expects
// before it fails the test. Nothing takes so long in a cluster that works: with
// the slowest preset a crashed node is replaced after half a minute.
const patience = 3 * time.Minute

// Kit is a running cluster.
type Kit struct {
	// T is the test, inside the bubble: its Context ends when the nodes do.
	T *testing.T

	cfg   func(i int) clusterd.Config
	net   *memnet.Network
	nodes []*node         // node i is nodes[i-1]
	cuts  map[[2]int]bool // one-way links that the test has cut
}

// node is one place for a node: its process may be replaced by Restart.
type node struct {
	address string
	node    *clusterd.Node
	killed  chan struct{}
	gate    *harness.Gate
	pool    *mailbox.Pool
	down    bool
	frozen  bool
}

// Run starts n nodes and calls f when all of them are Up; f uses k.T in place
// of t, and must not start parallel tests. Node i has the configuration cfg(i), where a nil cfg and
// every zero field stand for what suits a test: cluster "test", address
// "ni:1", the first two nodes as seeds, logs into the test's output from Warn
// on. All nodes have ended when Run returns.
func Run(t *testing.T, n int, cfg func(i int) clusterd.Config, f func(k *Kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &Kit{T: t, cfg: cfg, net: memnet.New(), cuts: make(map[[2]int]bool)}
		defer k.close()
		for range n {
			k.start(k.place())
		}
		k.ready()
		f(k)
	})
}

// place adds an address.
func (k *Kit) place() int {
	k.nodes = append(k.nodes, &node{address: fmt.Sprintf("n%d:1", len(k.nodes)+1)})
	return len(k.nodes)
}

// config returns the configuration of node i.
func (k *Kit) config(i int) clusterd.Config {
	var cfg clusterd.Config
	if k.cfg != nil {
		cfg = k.cfg(i)
	}
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.Listen == "" {
		cfg.Listen = k.at(i).address
	}
	if cfg.Seeds == nil {
		cfg.Seeds = []string{"n1:1", "n2:1"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(k.T.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	cfg.Plaintext = true // the network is this process
	return cfg
}

// start starts a process at place i.
func (k *Kit) start(i int) {
	k.T.Helper()
	n := k.at(i)
	cfg := k.config(i)
	n.address = cfg.Listen
	n.killed, n.gate, n.pool = make(chan struct{}), &harness.Gate{}, mailbox.NewPool(0, 0)
	n.down, n.frozen = false, false
	cfg.Harness = harness.Node{
		Listen:     k.net.Listen,
		Dial:       k.net.Dialer(n.address),
		Killed:     n.killed,
		Gate:       n.gate,
		Dispatcher: &harness.Dispatcher{Gate: n.gate, Over: n.pool},
	}
	started, err := clusterd.Start(k.T.Context(), cfg)
	if err != nil {
		k.T.Fatalf("node %d: %v", i, err)
	}
	n.node = started
}

// ready waits until all nodes are Up.
func (k *Kit) ready() {
	k.T.Helper()
	ctx, cancel := context.WithTimeout(k.T.Context(), patience)
	defer cancel()
	for i, n := range k.nodes {
		if err := n.node.Ready(ctx); err != nil {
			k.T.Fatalf("node %d is not up: %v", i+1, err)
		}
	}
}

// close kills what still runs.
func (k *Kit) close() {
	for i := range k.nodes {
		k.Kill(i + 1)
	}
}

// at returns node i; a number that no node has is a mistake in the test.
func (k *Kit) at(i int) *node {
	k.T.Helper()
	if i < 1 || i > len(k.nodes) {
		k.T.Fatalf("there is no node %d: nodes are numbered 1 to %d", i, len(k.nodes))
	}
	return k.nodes[i-1]
}

// Len returns how many nodes were started, killed ones included.
func (k *Kit) Len() int { return len(k.nodes) }

// Node returns node i as it runs now; after Kill, as it was.
func (k *Kit) Node(i int) *clusterd.Node { return k.at(i).node }

// Address returns the address of node i.
func (k *Kit) Address(i int) string { return k.at(i).address }

// Add starts one more node, waits until it is Up, and returns its number.
func (k *Kit) Add() int {
	k.T.Helper()
	i := k.Begin()
	k.up(i)
	return i
}

// Begin starts one more node and returns its number at once: it may be that it
// is never let in.
func (k *Kit) Begin() int {
	k.T.Helper()
	i := k.place()
	k.start(i)
	for j := range k.nodes {
		k.relink(i, j+1)
	}
	return i
}

// up waits until node i is Up.
func (k *Kit) up(i int) {
	k.T.Helper()
	ctx, cancel := context.WithTimeout(k.T.Context(), patience)
	defer cancel()
	if err := k.at(i).node.Ready(ctx); err != nil {
		k.T.Fatalf("node %d is not up: %v", i, err)
	}
}
