package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what all rounds came to.
type report struct{ rounds []*round }

// round is one kill: how long after it each of the others learnt what.
type round struct {
	unreachable, removed, answers, dead []time.Duration
}

func (r *report) begin() *round {
	one := &round{}
	r.rounds = append(r.rounds, one)
	return one
}

// last describes the newest round.
func (r *report) last() string {
	one := r.rounds[len(r.rounds)-1]
	return fmt.Sprintf("unreachable %v, removed %v, answers elsewhere %v; memberlist %v",
		latest(one.unreachable), latest(one.removed), latest(one.answers), latest(one.dead))
}

// latest is when the last of the others knew.
func latest(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return slices.Max(times).Round(time.Millisecond)
}

// print writes the table: for each thing, how long it took until the last of
// the others knew.
func (r *report) print(w io.Writer, nodes int, timing string) {
	if len(r.rounds) == 0 {
		return
	}
	fmt.Fprintf(w, "%d kills in %d nodes, timing %s; seconds from the kill until the last node knows\n", len(r.rounds), nodes, timing)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer t.Flush()
	fmt.Fprintln(t, "\tmedian\tp90\tworst\t")
	for _, row := range []struct {
		name string
		of   func(*round) []time.Duration
	}{
		{"unreachable", func(o *round) []time.Duration { return o.unreachable }},
		{"removed", func(o *round) []time.Duration { return o.removed }},
		{"entity answers elsewhere", func(o *round) []time.Duration { return o.answers }},
		{"memberlist: dead", func(o *round) []time.Duration { return o.dead }},
	} {
		var all []time.Duration
		for _, one := range r.rounds {
			if d := latest(row.of(one)); d > 0 {
				all = append(all, d)
			}
		}
		slices.Sort(all)
		if len(all) == 0 {
			fmt.Fprintf(t, "%s\t-\t-\t-\t\n", row.name)
			continue
		}
		at := func(part float64) float64 { return all[int(part*float64(len(all)-1)+0.5)].Seconds() }
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t\n", row.name, at(0.5), at(0.9), at(1))
	}
}
