package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// springAll runs every trap so many times and puts what came of it into the
// table. It goes on after a failure and reports all of them.
func springAll(ctx context.Context, chosen []trap, repeats, parallel int, seed uint64, t *table) error {
	type job struct{ trap, repeat int }
	jobs := make(chan job)
	var (
		workers sync.WaitGroup
		mu      sync.Mutex // held for t and faults
		faults  []error
	)
	for range parallel {
		workers.Go(func() {
			for j := range jobs {
				rng := rand.New(rand.NewPCG(seed, uint64(len(traps)*j.repeat+j.trap)))
				r, err := chosen[j.trap].run(ctx, rng, j.repeat)
				mu.Lock()
				if err != nil {
					faults = append(faults, err)
					fmt.Fprintln(os.Stderr, err)
				} else {
					t.results = append(t.results, r)
				}
				mu.Unlock()
			}
		})
	}
	for i := range repeats {
		for k := range chosen {
			if ctx.Err() == nil {
				jobs <- job{k, i}
			}
		}
	}
	close(jobs)
	workers.Wait()
	if len(faults) > 0 {
		return fmt.Errorf("%d of %d tries did not end well", len(faults), repeats*len(chosen))
	}
	return ctx.Err()
}

// table is what all tries came to.
type table struct{ results []result }

// print writes a line for each trap.
func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer tw.Flush()
	fmt.Fprintln(tw, "\ttries\tone cluster\tislands told\t>1 founded\tmedian s\tworst s\t")
	for k := range traps {
		row := &traps[k]
		var took []time.Duration
		ends, healed, tries := map[end]int{}, 0, 0
		for _, r := range t.results {
			if r.trap.name != row.name {
				continue
			}
			tries++
			ends[r.end]++
			if r.clusters > 1 {
				healed++
			}
			if r.end == oneCluster {
				took = append(took, r.took)
			}
		}
		if tries == 0 {
			continue
		}
		slices.Sort(took)
		median, worst := "-", "-"
		if n := len(took); n > 0 {
			median, worst = seconds(took[n/2]), seconds(took[n-1])
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t\n", row.story, tries, ends[oneCluster], ends[islands], healed, median, worst)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
