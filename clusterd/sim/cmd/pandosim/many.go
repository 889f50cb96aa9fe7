package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/sim"
)

// result is what came of one seed.
type result struct {
	seed    uint64
	outcome sim.Outcome
	err     error
}

// more reports whether another seed is begun.
func (o options) more(runs int, elapsed time.Duration) bool {
	if o.length > 0 {
		return elapsed < o.length
	}
	return runs < o.runs
}

// many runs one seed after another, as many at a time as there are processors. Worlds share
// nothing, so each worker has its own.
func (o options) many(out io.Writer, cfg sim.Config) error {
	began := time.Now()
	first := o.from
	if first == 0 {
		first = uint64(began.UnixNano())
	}
	seeds, results := make(chan uint64), make(chan result)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range seeds {
				got, err := sim.Random(seed, o.nodes).Run(cfg)
				results <- result{seed, got, err}
			}
		})
	}
	go func() {
		for i := 0; o.more(i, time.Since(began)); i++ {
			seeds <- first + uint64(i)
		}
		close(seeds)
		workers.Wait()
		close(results)
	}()
	t := tally{options: o, first: first, began: began, told: began}
	for r := range results {
		t.count(out, cfg, r)
	}
	fmt.Fprintln(out, t.String())
	if t.failures > 0 {
		return errFailed
	}
	return nil
}

// tally adds up results.
type tally struct {
	options
	first          uint64    // seed
	began, told    time.Time // of the last line on progress
	runs, failures int
	all            sim.Outcome
}

// tellEvery is how often a long run says how far it is.
const tellEvery = 15 * time.Second

// count takes one result, prints it if it is a failure, and says now and then
// how far the run is.
func (t *tally) count(out io.Writer, cfg sim.Config, r result) {
	t.runs++
	t.all.Events += r.outcome.Events
	t.all.Packets += r.outcome.Packets
	t.all.Time += r.outcome.Time
	if r.err != nil {
		t.failures++
		fmt.Fprintf(out, "seed %d: %s\n", r.seed, firstLine(r.err))
		if t.failures == 1 {
			t.tell(out, sim.Random(r.seed, t.nodes), cfg, r.err)
		}
	}
	if time.Since(t.told) >= tellEvery {
		t.told = time.Now()
		fmt.Fprintf(out, "%s; %v to go\n", t, t.left().Round(time.Second))
	}
}

// left is how long the rest takes at the rate so far.
func (t *tally) left() time.Duration {
	took := time.Since(t.began)
	if t.length > 0 {
		return max(0, t.length-took)
	}
	return time.Duration(float64(took) / float64(t.runs) * float64(t.options.runs-t.runs))
}

// String sums up.
func (t *tally) String() string {
	took := time.Since(t.began)
	return fmt.Sprintf("%d runs from seed %d, %d failed, %d events, %v simulated in %v: %.1f runs/s, %.0f events/s, %.0f times real time",
		t.runs, t.first, t.failures, t.all.Events, t.all.Time.Round(time.Second), took.Round(time.Millisecond),
		float64(t.runs)/took.Seconds(), float64(t.all.Events)/took.Seconds(), t.all.Time.Seconds()/took.Seconds())
}

func firstLine(err error) string {
	text := err.Error()
	for i, c := range text {
		if c == '\n' {
			return text[:i]
		}
	}
	return text
}
