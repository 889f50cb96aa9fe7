// Gossiptable prints how many rounds and messages each gossip strategy takes to
// bring one piece of news to everybody, beside the published reference.
//
//	go run ./clusterd/sim/cmd/gossiptable                  # a few minutes
//	go run ./clusterd/sim/cmd/gossiptable -runs 1          # as many runs as the reference has
//	go run ./clusterd/sim/cmd/gossiptable -nodes 10,100 -k 2 -loss 0.1
//
// It ends with status 1 when (a), (b) or (c) is not within three standard
// errors of the reference, delegation without faults is not exact, or the
// default strategy is not ahead of (a) to (c) in messages.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/sim/rounds"
)

// options are what the command line says.
type options struct {
	nodes  []int
	fanout []int
	runs   float64 // part of the reference's number of runs
	seed   uint64
	faults []rounds.Setup // each with its loss, dead and fatal part
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		err = o.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	var loss, dead, fatal float64
	flags := flag.NewFlagSet("gossiptable", flag.ContinueOnError)
	nodes := flags.String("nodes", "10,100,1000,10000", "numbers of nodes")
	fanout := flags.String("k", "1,2,3", "fan-outs")
	flags.Float64Var(&o.runs, "runs", 0.1, "part of the reference's number of runs; at least 10")
	flags.Uint64Var(&o.seed, "seed", 1, "of all runs")
	flags.Float64Var(&loss, "loss", 0, "part of the messages that vanish")
	flags.Float64Var(&dead, "dead", 0, "part of the nodes that are dead but listed")
	flags.Float64Var(&fatal, "fatal", 0, "part of the nodes that crash after their first answers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.faults = []rounds.Setup{{Loss: loss, Dead: dead, Fatal: fatal}}
	if loss+dead+fatal == 0 {
		o.faults = append(o.faults, rounds.Setup{Loss: 0.1}, rounds.Setup{Dead: 0.1}, rounds.Setup{Fatal: 0.05})
	}
	var err error
	if o.nodes, err = numbers(*nodes); err != nil {
		return o, err
	}
	o.fanout, err = numbers(*fanout)
	return o, err
}

func numbers(list string) ([]int, error) {
	var ns []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 || n > 1_000_000 {
			return nil, fmt.Errorf("gossiptable: %q is no number of nodes or peers", field)
		}
		ns = append(ns, n)
	}
	return ns, nil
}

// ways are the columns, in the order of the table.
var ways = []rounds.Way{
	rounds.Random, rounds.Memory, rounds.Recall, rounds.SeenSet, rounds.HopByHop, rounds.Delegate, rounds.Memberlist,
}

// errOff ends the command with an error after the table was printed.
var errOff = errors.New("gossiptable: the table is not what it should be")

// print prints the tables and what is wrong with them.
func (o options) print(out io.Writer) error {
	began := time.Now()
	var faults []string
	for _, f := range o.faults {
		fmt.Fprintf(out, "loss %g, dead %g, crash after the first answers %g\n\n", f.Loss, f.Dead, f.Fatal)
		fmt.Fprintln(out, "| n | k | way | runs | rounds ± sd / max | messages ± sd | to silence: rounds | messages | left to anti-entropy, a run |")
		fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
		for _, n := range o.nodes {
			for _, k := range o.fanout {
				f.Nodes, f.Fanout = n, k
				sums := o.row(f)
				for _, s := range sums {
					o.line(out, s)
				}
				faults = append(faults, check(sums)...)
			}
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "took %v\n", time.Since(began).Round(time.Second))
	for _, f := range faults {
		fmt.Fprintln(out, "OFF:", f)
	}
	if len(faults) > 0 {
		return errOff
	}
	fmt.Fprintln(out, "(a) to (c) are within three standard errors of the reference, delegation is exact, and (d) is ahead of (a) to (c) in messages at every point.")
	return nil
}

// row runs all ways at one point, as many at a time as there are processors.
func (o options) row(s rounds.Setup) []rounds.Summary {
	sums := make([]rounds.Summary, len(ways))
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range work {
				setup := s
				setup.Way = ways[i]
				sums[i] = rounds.Repeat(setup, o.seed, o.count(setup))
			}
		})
	}
	for i := range ways {
		work <- i
	}
	close(work)
	workers.Wait()
	return sums
}

// count is how many runs a point gets: a part of what the reference has.
func (o options) count(s rounds.Setup) int {
	full := 500
	switch ref := rounds.Find(rounds.Setup{Way: s.Way, Nodes: s.Nodes, Fanout: s.Fanout}); {
	case ref != nil:
		full = ref.Runs
	case s.Nodes <= 100:
		full = 2000
	case s.Nodes > 1000:
		full = 100
	}
	return max(10, int(o.runs*float64(full)))
}

func (o options) line(out io.Writer, s rounds.Summary) {
	if s.Way == rounds.Memberlist && s.Fanout != o.fanout[0] {
		return // it has a fan-out of its own
	}
	silence, total := "-", "-"
	if s.Silence.Mean > 0 {
		silence, total = fmt.Sprintf("%.2f", s.Silence.Mean), fmt.Sprintf("%.1f", s.Total.Mean)
	}
	fmt.Fprintf(out, "| %d | %d | %v | %d | %.2f ± %.2f / %.0f | %.1f ± %.1f | %s | %s | %.3g |\n",
		s.Nodes, s.Fanout, s.Way, s.Runs, s.Rounds.Mean, s.Rounds.SD, s.Rounds.Max,
		s.Messages.Mean, s.Messages.SD, silence, total, float64(s.Untold)/float64(s.Runs))
}

// check returns what is wrong with the results of one point.
func check(sums []rounds.Summary) (faults []string) {
	var ours rounds.Summary
	for _, s := range sums {
		if s.Way == rounds.Delegate {
			ours = s
		}
		if s.Short > 0 {
			faults = append(faults, fmt.Sprintf("%v n=%d k=%d: %d runs did not reach everybody", s.Way, s.Nodes, s.Fanout, s.Short))
		}
		if ref := rounds.Find(s.Setup); ref != nil {
			if err := ref.Check(s); err != nil {
				faults = append(faults, err.Error())
			}
		}
		if exact, _ := rounds.Exact(s.Nodes, s.Fanout); s.Loss+s.Dead+s.Fatal == 0 && (s.Way == rounds.HopByHop || s.Way == rounds.Delegate) && s.Rounds.Mean != float64(exact) {
			faults = append(faults, fmt.Sprintf("%v n=%d k=%d: %.2f rounds, want %d", s.Way, s.Nodes, s.Fanout, s.Rounds.Mean, exact))
		}
	}
	for _, s := range sums {
		switch s.Way {
		case rounds.Random, rounds.Memory, rounds.SeenSet:
			if s.Messages.Mean <= ours.Messages.Mean {
				faults = append(faults, fmt.Sprintf("n=%d k=%d: %.1f messages of %v, %.1f of the default", s.Nodes, s.Fanout, s.Messages.Mean, s.Way, ours.Messages.Mean))
			}
		}
	}
	return faults
}
