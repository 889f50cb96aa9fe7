package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// measure does one measurement.
type measure func(context.Context, job) (result, error)

// bench is what to measure and how often.
type bench struct {
	peers     []peer
	workloads []workload
	plan      plan
	runs      int // rounds
	idleRuns  int // rounds that have the idle actors: they take long and vary little
	machine   string
	measure   measure
	progress  io.Writer
}

// run is one measurement that was made.
type run struct {
	round int
	result
	err error
}

// series are the measurements of one workload and runtime, by round.
type series []run

// results has a series for each pair of workload and runtime.
type results map[pair]series

type pair struct{ workload, peer string }

// rounds measures everything runs times, a line for all runtimes before the next.
// It returns early with what it has when ctx ends.
func (b bench) rounds(ctx context.Context) (results, error) {
	got := results{}
	done, total := 0, b.total()
	for round := range b.runs {
		for i, w := range b.inRound(round) {
			for _, p := range rotate(b.peers, round+i) {
				start := time.Now()
				r, err := b.measure(ctx, job{p.name, w.name, b.plan})
				if ctx.Err() != nil {
					return got, fmt.Errorf("stopped after %d of %d measurements", done, total)
				}
				done++
				k := pair{w.name, p.name}
				got[k] = append(got[k], run{round, r, err})
				fmt.Fprintf(b.progress, "%*d/%d  round %d  %-9s %-11s %s  (%.1f s)\n", len(fmt.Sprint(total)), done, total,
					round+1, w.name, p.name, shown(w, r, err), time.Since(start).Seconds())
			}
		}
	}
	return got, nil
}

// inRound is the workloads of a round.
func (b bench) inRound(round int) []workload {
	var list []workload
	for _, w := range b.workloads {
		if w.name != "idle" || round < b.idleRuns {
			list = append(list, w)
		}
	}
	return list
}

func (b bench) total() int {
	n := 0
	for round := range b.runs {
		n += len(b.inRound(round)) * len(b.peers)
	}
	return n
}

// rotate has another peer first each time: who comes first might meet another
// machine.
func rotate(list []peer, by int) []peer {
	by %= len(list)
	return append(append([]peer{}, list[by:]...), list[:by]...)
}

func shown(w workload, r result, err error) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	return number(r.Value) + " " + w.unit
}
