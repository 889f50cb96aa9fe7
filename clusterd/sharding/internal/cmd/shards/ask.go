package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
)

// showAsk measures asks to entities of the asker's own node and of another one.
func showAsk(ctx context.Context, cfg config, out io.Writer) error {
	c := &cluster{cfg: cfg, kind: kindOf(8, new(pauses))}
	defer c.close()
	if err := c.form(ctx, 2); err != nil {
		return err
	}
	ids := map[bool][]string{} // by: the home is the first node
	for i := 0; len(ids[true]) < 64 || len(ids[false]) < 64; i++ {
		id := fmt.Sprint("e", i)
		here := sharding.Home(c.nodes[0], c.kind.Name, id) == c.nodes[0].System().Address()
		ids[here] = append(ids[here], id)
	}
	for _, where := range []bool{true, false} {
		name := map[bool]string{true: "local", false: "one hop"}[where]
		for _, askers := range []int{1, 64} {
			n, wall, cpu, err := askFor(ctx, c, c.nodes[0], ids[where][:askers], time.Second)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s, %d at a time: %.0f asks/s, %v each by the clock, %v of CPU\n",
				name, askers, float64(n)/wall.Seconds(), (wall * time.Duration(askers) / time.Duration(n)).Round(10*time.Nanosecond), (cpu / time.Duration(n)).Round(10*time.Nanosecond))
		}
	}
	return nil
}

func askFor(ctx context.Context, c *cluster, from *clusterd.Node, ids []string, d time.Duration) (n int64, wall, cpu time.Duration, err error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	began, used := time.Now(), cpuTime()
	for _, id := range ids {
		workers.Go(func() {
			for time.Since(began) < d {
				if _, err := c.ask(ctx, from, id, 1); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	workers.Wait()
	if e := failed.Load(); e != nil {
		return 0, 0, 0, *e
	}
	return count.Load(), time.Since(began), cpuTime() - used, nil
}

// showIdle measures the memory of entities that do nothing.
func showIdle(ctx context.Context, cfg config, out io.Writer) error {
	c := &cluster{cfg: cfg, kind: kindOf(8, nil)}
	defer c.close()
	if err := c.form(ctx, 1); err != nil {
		return err
	}
	if err := fill(ctx, c, 64); err != nil { // what is made once
		return err
	}
	before := live()
	if err := fill(ctx, c, cfg.entities); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d idle entities: %.0f bytes each, behavior, id and map entry included\n", cfg.entities, float64(live()-before)/float64(cfg.entities-64))
	return heapProfile(cfg.heap)
}

// heapProfile writes what is in memory to a file, if that has a name.
func heapProfile(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// live is the memory in use after a collection.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	return inUse()
}
