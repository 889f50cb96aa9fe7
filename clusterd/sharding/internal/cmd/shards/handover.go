package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/slots"
)

// showHandOver asks some entities again and again while a fourth node joins and
// leaves, and prints the longest time that an asker of an entity that moved was
// without an answer.
func showHandOver(ctx context.Context, cfg config, out io.Writer) error {
	p := new(pauses)
	c := &cluster{cfg: cfg, kind: kindOf(100, p)}
	defer c.close()
	if err := c.form(ctx, 3); err != nil {
		return err
	}
	const probes = 32
	list := make([]*probe, probes)
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	for i := range list {
		list[i] = &probe{id: fmt.Sprint("probe", i), from: c.nodes[i%3]}
		asking.Go(func() { list[i].run(ctx, c) })
	}
	var gaps []time.Duration
	for round := 0; len(gaps) < cfg.n; round++ {
		before := c.homes()
		for _, o := range list {
			o.reset()
		}
		if round%2 == 0 {
			if _, err := c.start(ctx); err != nil {
				return err
			}
		} else if err := c.stop(ctx); err != nil {
			return err
		}
		if err := c.settle(ctx); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond) // the last answers
		after := c.homes()
		for _, o := range list {
			if slot := slots.Of(o.id); before[slot] != after[slot] {
				gaps = append(gaps, o.longest())
			}
		}
	}
	lost := 0
	for _, o := range list {
		lost += o.faults()
	}
	over := 0
	for _, g := range gaps {
		if g >= 50*time.Millisecond {
			over++
		}
	}
	p50, p99, most := quantiles(gaps)
	inside50, inside99, insideMost := quantiles(p.take())
	fmt.Fprintf(out, "%d planned hand-overs: an asker's longest gap p50 %v, p99 %v, max %v; %d of 50 ms or more\n", len(gaps), p50, p99, most, over)
	fmt.Fprintf(out, "from the last message at the old home to the first at the new one: p50 %v, p99 %v, max %v\n", inside50, inside99, insideMost)
	fmt.Fprintf(out, "asks that failed, or whose sum was not the next: %d\n", lost)
	if lost > 0 {
		return fmt.Errorf("%d asks went wrong", lost)
	}
	return nil
}

// probe asks one entity, one ask at a time.
type probe struct {
	id   string
	from *clusterd.Node

	mu   sync.Mutex
	last time.Time
	most time.Duration
	bad  int
}

func (o *probe) run(ctx context.Context, c *cluster) {
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for next := int64(1); ; next++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		sum, err := c.ask(ctx, o.from, o.id, 1)
		if ctx.Err() != nil {
			return
		}
		o.answered(err == nil && sum == next)
		if err == nil {
			next = sum
		}
	}
}

func (o *probe) answered(ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if !ok {
		o.bad++
	}
	o.most = max(o.most, now.Sub(o.last))
	o.last = now
}

func (o *probe) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last, o.most = time.Now(), 0
}

func (o *probe) longest() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.most
}

func (o *probe) faults() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bad
}
