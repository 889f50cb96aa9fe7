package remote

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// TestLinks breaks, cuts, slows and heals links at random while three nodes
// talk: what each receiver gets is in order, and delivered and dead letters
// together are what was sent.
func TestLinks(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, 5, 6}
	if *seed != 0 {
		seeds = []uint64{*seed}
	}
	for _, s := range seeds {
		t.Run(fmt.Sprint("seed=", s), func(t *testing.T) {
			bubble(t, func(c *cluster) { chaos(c, rand.New(rand.NewPCG(s, 0))) })
		})
	}
}

func chaos(c *cluster, r *rand.Rand) {
	const rounds = 300
	var nodes []*node
	for i, address := range []string{"a:1", "b:1", "c:1"} {
		nodes = append(nodes, c.start(address, uint64(i+1), func(c *Config) { c.MaxMessage, c.QueueBytes = 1000, 100_000 }))
	}
	var wg sync.WaitGroup
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				seed := r.Uint64()
				wg.Go(func() { talk(from, to, rounds, rand.New(rand.NewPCG(seed, 0))) })
			}
		}
	}
	end := make(chan struct{})
	go func() {
		wg.Wait()
		close(end)
	}()
	for talking := true; talking; {
		disturb(c, r, nodes)
		select {
		case <-time.After(time.Duration(r.IntN(800)) * time.Millisecond):
		case <-end:
			talking = false
		}
	}
	for _, from := range nodes {
		for _, to := range nodes {
			c.Heal(from.node.Address, to.node.Address)
			c.Slow(from.node.Address, to.node.Address, 0)
		}
	}
	time.Sleep(time.Minute)
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				account(c.t, from, to, rounds*10)
			}
		}
	}
}

// talk sends numbers, ten a round.
func talk(from, to *node, rounds int, r *rand.Rand) {
	box := to.pid("box/" + from.node.Address)
	for i := range rounds {
		for j := range 10 {
			from.tell(box, fmt.Sprintf("%d %s", 10*i+j, strings.Repeat("x", r.IntN(500))))
		}
		from.proto.Root.Send(to.pid("nobody"), "dead there")
		time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
	}
}

func disturb(c *cluster, r *rand.Rand, nodes []*node) {
	a, b := nodes[r.IntN(len(nodes))].node.Address, nodes[r.IntN(len(nodes))].node.Address
	switch r.IntN(6) {
	case 0:
		c.Reset(a, b)
	case 1:
		c.CutOneWay(a, b)
	case 2:
		c.Cut(a, b)
	case 3, 4:
		c.Heal(a, b)
	case 5:
		c.Slow(a, b, time.Duration(r.IntN(100))*time.Millisecond)
	}
}

// account checks one direction between two nodes.
func account(t *testing.T, from, to *node, sent int) {
	t.Helper()
	seen := make(map[int]string)
	last := -1
	for _, text := range to.texts("box/" + from.node.Address) {
		var n int
		fmt.Sscan(text, &n)
		if n <= last {
			t.Errorf("%s to %s: %d after %d", from.node.Address, to.node.Address, n, last)
		}
		last, seen[n] = n, "delivered"
	}
	delivered := len(seen)
	for _, d := range from.deads() {
		if !(&pa.PID{Address: to.node.Address, Id: "box/" + from.node.Address}).Equal(d.To) {
			continue
		}
		var n int
		fmt.Sscan(d.Message.(string), &n)
		if seen[n] != "" {
			t.Errorf("%s to %s: %d is a dead letter and %s", from.node.Address, to.node.Address, n, seen[n])
		}
		seen[n] = "dead"
	}
	if len(seen) != sent || delivered < sent/10 {
		t.Errorf("%s to %s: got %d delivered, %d in all, want %d", from.node.Address, to.node.Address, delivered, len(seen), sent)
	}
}

// TestConcurrentUse calls everything from everywhere, through restarts and
// removals, and closes in the middle of it. The race detector and the bubble,
// which notices a deadlock, judge.
func TestConcurrentUse(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 10)
		a.handle("svc")
		b.handle("svc")
		watchers := make([]*pa.PID, 4)
		for i := range watchers {
			_, watchers[i] = a.watcher(fmt.Sprint("w", i))
		}
		work := []func(i int){
			func(i int) { a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, "m") },
			func(i int) { a.r.Post(Node{"b:1", uint64(10 + i/100)}, "svc", []byte("x")) },
			func(i int) { a.r.Known(Node{"b:1", uint64(10 + i/100)}) },
			func(i int) { a.r.Removed(Node{"b:1", uint64(8 + i/100)}) },
			func(i int) { a.proto.Root.Send(watchers[i%4], doWatch{&pa.PID{Address: "b:1", Id: "there"}}) },
			func(i int) { a.proto.Root.Send(watchers[i%4], doUnwatch{&pa.PID{Address: "b:1", Id: "there"}}) },
			func(i int) { a.r.Stats() },
			func(i int) { c.Reset("a:1", "b:1") },
			func(i int) { b.tell(&pa.PID{Address: "a:1", Id: "box/1"}, "m") },
			func(i int) { b.proto.Root.Stop(&pa.PID{Address: "a:1", Id: "nobody"}) },
		}
		var wg sync.WaitGroup
		for _, f := range work {
			wg.Go(func() {
				for i := range 400 {
					f(i)
					time.Sleep(time.Millisecond)
				}
			})
		}
		for i := range 3 {
			time.Sleep(100 * time.Millisecond)
			c.crash(b)
			next := c.start("b:1", uint64(11+i))
			next.idler("there")
			next.handle("svc")
		}
		a.close()
		wg.Wait()
	})
}
