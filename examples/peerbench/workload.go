package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// workload is a line of the tables: work that every runtime does alike.
type workload struct {
	name   string // as in -only
	title  func(plan) string
	unit   string
	higher bool // higher is better
	run    func(context.Context, Runtime, plan) (result, error)
	budget budget
}

// plan says how much work is done. The sizes of batches change what is measured
// only in that a message queue holds at most a batch.
type plan struct {
	For      time.Duration // how long a workload is repeated, at least one batch
	Patience time.Duration // until what has not arrived counts as lost
	Tell     int           // messages in a batch of tells
	Rounds   int           // round trips in a batch
	Asks     int           // asks in a batch
	Spawns   int           // spawns and stops in a batch
	Fan      int           // actors of the fan-out
	Idle     int           // idle actors
	Parked   int           // goroutines that wait, beside what is measured
	Profile  string        // where CPU profiles of remote measurements go, "" for none
}

// fullPlan is what flags do not change.
func fullPlan() plan {
	return plan{
		For: time.Second, Patience: 30 * time.Second,
		Tell: 100_000, Rounds: 2_000, Asks: 200, Spawns: 100, Fan: 10_000, Idle: 1_000_000,
	}
}

// result is one measurement. Allocs is per operation, on all goroutines; it is
// negative where it makes no sense.
type result struct {
	Value  float64
	Allocs float64
}

// workloads are the lines of the tables in their order.
func workloads() []workload {
	named := func(s string) func(plan) string { return func(plan) string { return s } }
	return []workload{
		{"tell1", named("tell, 1 producer"), "M/s", true, tell(1), budget{ratio: 1.3}},
		{"tell8", named("tell, 8 producers"), "M/s", true, tell(8), budget{ratio: 1.3}},
		{"pingpong", named("ping-pong, round trip"), "µs", false, pingPong, budget{ratio: 2.5, noAllocs: true}},
		{"ask", named("ask from outside"), "µs", false, askWithin(0), budget{ratio: 1.3}},
		{"asklimit", named("ask with a time-out of its own"), "µs", false, askWithin(askLimit), budget{}},
		{"spawn", named("spawn + stop"), "µs", false, spawnStop, budget{ratio: 4}},
		{"fanout", func(p plan) string { return fmt.Sprintf("fan-out to %s actors", thousands(p.Fan)) }, "M/s", true, fanOut, budget{}},
		{"idle", func(p plan) string { return fmt.Sprintf("idle actor, %s of them", thousands(p.Idle)) }, "bytes", false, idle, budget{most: 400}},
	}
}

func findWorkload(name string) (workload, error) {
	for _, w := range workloads() {
		if w.name == name {
			return w, nil
		}
	}
	return workload{}, fmt.Errorf("no workload is called %q", name)
}

// tally is what a workload has done.
type tally struct {
	ops    int
	took   time.Duration
	allocs uint64
}

// repeat has batch do ops operations again and again, first unmeasured for a tenth
// of the time, then measured.
func (p plan) repeat(ctx context.Context, ops int, batch func() error) (tally, error) {
	if _, err := p.batches(ctx, p.For/10, batch); err != nil {
		return tally{}, err
	}
	runtime.GC()
	before := memory()
	start := time.Now()
	n, err := p.batches(ctx, p.For, batch)
	t := tally{ops: n * ops, took: time.Since(start)}
	t.allocs = memory().Mallocs - before.Mallocs
	return t, err
}

// batches calls batch until d has passed, and says how often.
func (p plan) batches(ctx context.Context, d time.Duration, batch func() error) (int, error) {
	start := time.Now()
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if err := batch(); err != nil {
			return n, err
		}
		if time.Since(start) >= d {
			return n, nil
		}
	}
}

func memory() runtime.MemStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

// rate is millions of operations a second.
func (t tally) rate() result {
	return result{float64(t.ops) / t.took.Seconds() / 1e6, t.allocsPerOp()}
}

// duration is microseconds an operation.
func (t tally) duration() result {
	return result{float64(t.took.Nanoseconds()) / float64(t.ops) / 1e3, t.allocsPerOp()}
}

func (t tally) allocsPerOp() float64 { return float64(t.allocs) / float64(t.ops) }

var errLost = errors.New("messages were lost")

// await waits for done, but not for ever.
func (p plan) await(done <-chan struct{}) error {
	late := time.NewTimer(p.Patience)
	defer late.Stop()
	select {
	case <-done:
		return nil
	case <-late.C:
		return fmt.Errorf("%w: not all had arrived after %v", errLost, p.Patience)
	}
}
