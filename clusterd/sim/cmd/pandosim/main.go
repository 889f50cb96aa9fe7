// Pandosim runs random stories of simulated clusters from fresh seeds and
// tells which of them break an invariant.
//
//	go run ./clusterd/sim/cmd/pandosim -n 1000
//	go run ./clusterd/sim/cmd/pandosim -for 2m           # as many as fit
//	go run ./clusterd/sim/cmd/pandosim -seed 4711        # one seed again
//	go run ./clusterd/sim/cmd/pandosim -script story.txt # a script, with its output
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/sim"
)

// options are what the command line says.
type options struct {
	runs   int           // how many seeds
	length time.Duration // for how long seeds are begun, instead of runs; 0 = runs of them
	seed   uint64        // run only this one; 0 = runs fresh ones
	nodes  int           // in each story; 0 = drawn
	script string        // a file to play instead
	shrink bool          // show failing stories as short as they get
}

func main() {
	var o options
	flag.IntVar(&o.runs, "n", 1000, "how many stories")
	flag.DurationVar(&o.length, "for", 0, "begin fresh stories for so long, instead of -n of them")
	flag.Uint64Var(&o.seed, "seed", 0, "run only this seed, and print its story (default n fresh ones)")
	flag.IntVar(&o.nodes, "nodes", 0, "nodes in each story (default 3 to 9, drawn from the seed)")
	flag.StringVar(&o.script, "script", "", "play this script instead")
	flag.BoolVar(&o.shrink, "shrink", true, "shorten the story of the first failure")
	flag.Usage = usage
	flag.Parse()
	if err := o.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `pandosim runs random stories of simulated clusters and checks the invariants
after every event. It ends with status 1 when one broke, and prints its seed
and the shortest story that fails so.

Examples:
  pandosim -n 1000            a thousand fresh seeds
  pandosim -for 2m            as many as fit into two minutes
  pandosim -seed 4711         one seed again, with its story
  pandosim -script story.txt  a script, with its output

Flags:
`)
	flag.PrintDefaults()
}

// errFailed ends the command with an error after all failures were printed.
var errFailed = errors.New("pandosim: an invariant broke")

func (o options) run(out io.Writer) error {
	switch {
	case o.script != "":
		return o.play(out)
	case o.seed != 0:
		return o.one(out)
	}
	return o.many(out)
}

// play plays a script file.
func (o options) play(out io.Writer) error {
	text, err := os.ReadFile(o.script)
	if err != nil {
		return err
	}
	got, err := sim.ParseScript(string(text)).Run(sim.Config{})
	fmt.Fprint(out, got.Text)
	return err
}

// one runs a single seed and prints its story.
func (o options) one(out io.Writer) error {
	story := sim.Random(o.seed, o.nodes)
	got, err := story.Run(sim.Config{})
	fmt.Fprint(out, got.Text)
	if err != nil {
		o.tell(out, story, err)
		return errFailed
	}
	fmt.Fprintf(out, "# %d events, %d packets, %v simulated, hash %016x\n", got.Events, got.Packets, got.Time, got.Hash)
	return nil
}

// tell prints a failure and its shortest story.
func (o options) tell(out io.Writer, story sim.Script, err error) {
	fmt.Fprintln(out, err)
	if o.shrink {
		fmt.Fprintf(out, "the shortest story that fails so:\n%s", sim.Shrink(story, sim.Config{}))
	}
}

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

// many runs fresh seeds, as many at a time as there are processors.
func (o options) many(out io.Writer) error {
	began := time.Now()
	first := uint64(began.UnixNano())
	seeds, results := make(chan uint64), make(chan result)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range seeds {
				got, err := sim.Random(seed, o.nodes).Run(sim.Config{})
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
	return o.sum(out, results, began)
}

// sum prints failures as they come and a summary line at the end.
func (o options) sum(out io.Writer, results <-chan result, began time.Time) error {
	var runs, failures int
	var all sim.Outcome
	for r := range results {
		runs++
		all.Events += r.outcome.Events
		all.Packets += r.outcome.Packets
		all.Time += r.outcome.Time
		if r.err == nil {
			continue
		}
		failures++
		fmt.Fprintf(out, "seed %d: %s\n", r.seed, firstLine(r.err))
		if failures == 1 {
			o.tell(out, sim.Random(r.seed, o.nodes), r.err)
		}
	}
	took := time.Since(began)
	fmt.Fprintf(out, "%d runs, %d failed, %d events, %v simulated in %v: %.0f events/s, %.0f times real time\n",
		runs, failures, all.Events, all.Time.Round(time.Second), took.Round(time.Millisecond),
		float64(all.Events)/took.Seconds(), all.Time.Seconds()/took.Seconds())
	if failures > 0 {
		return errFailed
	}
	return nil
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
