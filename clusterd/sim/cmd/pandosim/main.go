// Pandosim runs random stories of simulated clusters from fresh seeds and
// tells which of them break an invariant.
//
//	go run ./clusterd/sim/cmd/pandosim -n 1000
//	go run ./clusterd/sim/cmd/pandosim -n 1000 -from 1   # the seeds 1 to 1000
//	go run ./clusterd/sim/cmd/pandosim -for 2m           # as many as fit
//	go run ./clusterd/sim/cmd/pandosim -seed 4711        # one seed again
//	go run ./clusterd/sim/cmd/pandosim -script story.txt # a script, with its output
//	go run ./clusterd/sim/cmd/pandosim -without V2-read  # stories that break without a rule
//	go run ./clusterd/sim/cmd/pandosim -grove 1000       # how a large cluster forms, rests and grows
//	go run ./clusterd/sim/cmd/pandosim -report out.html  # pictures of a story, and of how news spreads
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/pando-go/pando/clusterd/engine/rules"
	"github.com/pando-go/pando/clusterd/sim"
)

// options are what the command line says.
type options struct {
	runs   int           // how many seeds
	length time.Duration // for how long seeds are begun, instead of runs; 0 = runs of them
	seed   uint64        // run only this one; 0 = runs fresh ones
	from   uint64        // the first of the seeds; 0 = a fresh one
	nodes  int           // in each story; 0 = drawn
	script string        // a file to play instead
	shrink bool          // show failing stories as short as they get

	without  string        // names of rules to take out, separated by blanks
	grove    int           // form a cluster of so many nodes instead; 0 = not
	batch    int           // of a grove: how many start at a time; 0 = all
	interval time.Duration // between two gossip rounds of a grove
	message  int           // about how many bytes a message of a grove may have; 0 = the engine's default
	report   string        // write pictures into this file instead; "" = not
	profile  string        // write a profile of the processor here; "" = none
}

func main() {
	var o options
	flag.IntVar(&o.runs, "n", 1000, "how many stories")
	flag.DurationVar(&o.length, "for", 0, "begin fresh stories for so long, instead of -n of them")
	flag.Uint64Var(&o.seed, "seed", 0, "run only this seed, and print its story (default n fresh ones)")
	flag.Uint64Var(&o.from, "from", 0, "the first of -n seeds (default a fresh one)")
	flag.IntVar(&o.nodes, "nodes", 0, "nodes in each story (default 3 to 50, drawn from the seed)")
	flag.StringVar(&o.script, "script", "", "play this script instead")
	flag.BoolVar(&o.shrink, "shrink", true, "shorten the story of the first failure")
	flag.StringVar(&o.without, "without", "", "take these rules of the protocol out, separated by blanks")
	flag.IntVar(&o.grove, "grove", 0, "form a cluster of so many nodes instead, let it rest, and let one more join")
	flag.IntVar(&o.batch, "batch", 0, "of a grove so many nodes start at a time, the next when these are up; 0 = all at once")
	flag.DurationVar(&o.interval, "interval", time.Second, "gossip interval of a grove")
	flag.IntVar(&o.message, "message", 0, "about how many bytes a message of a grove may have (default 64 KiB); every message is weighed then")
	flag.StringVar(&o.report, "report", "", "write a page of pictures into this file instead; with -script or -seed of that story")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a profile of the processor into this file")
	flag.Usage = usage
	flag.Parse()
	// Worlds are small and make much garbage: collect it less often, until they
	// are large.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(2 << 30)
	if err := o.profiled(func() error { return o.run(os.Stdout) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// profiled runs f and writes a profile of it, if one is wanted.
func (o options) profiled(f func() error) error {
	if o.profile == "" {
		return f()
	}
	file, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer func() {
		pprof.StopCPUProfile()
		_ = file.Close() // what was written last shows when it is read
	}()
	return f()
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `pandosim runs random stories of simulated clusters and checks the invariants
after every event. It ends with status 1 when one broke, and prints its seed
and the shortest story that fails so.

Examples:
  pandosim -n 1000            a thousand fresh seeds
  pandosim -n 1000 -from 1    the seeds 1 to 1000
  pandosim -for 2m            as many as fit into two minutes
  pandosim -seed 4711         one seed again, with its story
  pandosim -script story.txt  a script, with its output
  pandosim -without V2-read   stories that break once that rule is out
  pandosim -grove 1000        how a large cluster forms, rests and grows
  pandosim -report out.html   pictures: rounds, messages, who knew what when

Flags:
`)
	flag.PrintDefaults()
}

// errFailed ends the command with an error after all failures were printed.
var errFailed = errors.New("pandosim: an invariant broke")

func (o options) run(out io.Writer) error {
	cfg, err := o.config()
	switch {
	case err != nil:
		return err
	case o.report != "":
		return o.picture(out, cfg)
	case o.grove > 0:
		return o.grow(out)
	case o.script != "":
		return o.play(out, cfg)
	case o.seed != 0:
		return o.one(out, cfg)
	}
	return o.many(out, cfg)
}

// config is the world of every story.
func (o options) config() (sim.Config, error) {
	without, err := rules.Parse(o.without)
	return sim.Config{Without: without}, err
}

// play plays a script file.
func (o options) play(out io.Writer, cfg sim.Config) error {
	text, err := os.ReadFile(o.script)
	if err != nil {
		return err
	}
	got, err := sim.ParseScript(string(text)).Run(cfg)
	fmt.Fprint(out, got.Text)
	return err
}

// one runs a single seed and prints its story.
func (o options) one(out io.Writer, cfg sim.Config) error {
	story := sim.Random(o.seed, o.nodes)
	got, err := story.Run(cfg)
	fmt.Fprint(out, got.Text)
	if err != nil {
		o.tell(out, story, cfg, err)
		return errFailed
	}
	fmt.Fprintf(out, "# %d events, %d packets, %v simulated, hash %016x\n", got.Events, got.Packets, got.Time, got.Hash)
	return nil
}

// tell prints a failure and its shortest story.
func (o options) tell(out io.Writer, story sim.Script, cfg sim.Config, err error) {
	fmt.Fprintln(out, err)
	if o.shrink {
		fmt.Fprintf(out, "the shortest story that fails so:\n%s", sim.Shrink(story, cfg))
	}
}
