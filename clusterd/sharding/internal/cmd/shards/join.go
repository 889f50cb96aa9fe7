package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/clusterd/slots"
)

// showJoin fills three nodes with entities and starts a fourth one, while
// clients go on asking.
func showJoin(ctx context.Context, cfg config, out io.Writer) error {
	p := new(pauses)
	c := &cluster{cfg: cfg, kind: kindOf(cfg.state, p)}
	defer c.close()
	if err := c.form(ctx, 3); err != nil {
		return err
	}
	begun := time.Now()
	if err := fill(ctx, c, cfg.entities); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d entities with %d bytes of state each on three nodes, started in %v; memory in use %d MB\n",
		cfg.entities, cfg.state, time.Since(begun).Round(time.Millisecond), inUse()>>20)
	_, _, _ = quantiles(p.take())

	load := newClients(ctx, c)
	peak := watchMemory(ctx)
	before := c.homes()
	endProfile, err := profile(cfg.profile)
	if err != nil {
		return err
	}
	used := cpuTime()
	begun = time.Now()
	_, err = c.start(ctx)
	if err != nil {
		return err
	}
	up := time.Since(begun)
	if err := c.settle(ctx); err != nil {
		return err
	}
	all := time.Since(begun)
	used = cpuTime() - used
	endProfile()
	most := peak()
	asks, failed, wrong := load.stop()

	moved := 0
	for slot, home := range c.homes() {
		if home != before[slot] {
			moved++
		}
	}
	state := sharding.Stats(c.nodes[0])
	p50, p99, longest := quantiles(p.take())
	fmt.Fprintf(out, "a fourth node: up after %v, everything moved and known everywhere %v after its start; %v of CPU\n",
		up.Round(time.Millisecond), all.Round(time.Millisecond), used.Round(time.Millisecond))
	fmt.Fprintf(out, "slots %v, entities %v: most by mean %.4f and %.4f\n", c.shares(), c.entities(), balance(c.shares()), balance(c.entities()))
	fmt.Fprintf(out, "moved %d slots, the least possible is %d: %.4f\n", moved, slots.Count/4, float64(moved)/float64(slots.Count/4))
	fmt.Fprintf(out, "pause of an entity: p50 %v, p99 %v, max %v; memory in use at most %d MB\n", p50, p99, longest, most>>20)
	fmt.Fprintf(out, "asks meanwhile: %d, failed %d, out of order or lost %d; waiting now %d\n", asks, failed, wrong, state.Waiting)
	if failed+wrong > 0 {
		return fmt.Errorf("%d asks went wrong", failed+wrong)
	}
	return nil
}

func balance(list []int) float64 {
	sum := 0
	for _, n := range list {
		sum += n
	}
	return float64(slices.Max(list)) * float64(len(list)) / float64(sum)
}

// fill starts entities with one message each.
func fill(ctx context.Context, c *cluster, n int) error {
	var workers sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, 64)
	for w := range cap(errs) {
		workers.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				if _, err := c.ask(ctx, c.nodes[w%len(c.nodes)], fmt.Sprint("e", i), 0); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// clients ask random entities, each of its own share, and check the sums.
type clients struct {
	cancel              context.CancelFunc
	done                sync.WaitGroup
	asks, failed, wrong atomic.Int64
}

func newClients(ctx context.Context, c *cluster) *clients {
	l := new(clients)
	ctx, l.cancel = context.WithCancel(ctx)
	const workers = 12
	for w := range workers {
		from := c.nodes[w%len(c.nodes)]
		l.done.Go(func() { l.work(ctx, c, from, w, workers) })
	}
	return l
}

func (l *clients) work(ctx context.Context, c *cluster, from *clusterd.Node, w, workers int) {
	rnd := rand.New(rand.NewPCG(uint64(w), 1))
	sums := map[int]int64{}
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		i := rnd.IntN(c.cfg.entities/workers)*workers + w
		sum, err := c.ask(ctx, from, fmt.Sprint("e", i), 1)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.failed.Add(1)
			continue
		}
		l.asks.Add(1)
		if sums[i]++; sum != sums[i] {
			l.wrong.Add(1)
			sums[i] = sum
		}
	}
}

func (l *clients) stop() (asks, failed, wrong int64) {
	l.cancel()
	l.done.Wait()
	return l.asks.Load(), l.failed.Load(), l.wrong.Load()
}

// profile begins a profile of the CPU in a file, none if that has no name. The
// function that it returns ends it.
func profile(name string) (func(), error) {
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile cut short shows when it is read
	}, nil
}
