package trial

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Setup is what the commands have in common: a cluster of three nodes in a new
// directory, and how it is told.
type Setup struct {
	Plan
	Log bool // print the nodes' warnings, and what clients are told
}

// Flags adds the flags of all commands to the command line.
func (s *Setup) Flags() {
	flag.StringVar(&s.Preset, "preset", "fast", "timing: fast or lan")
	flag.DurationVar(&s.Pause, "pause", 2*time.Millisecond, "of a client between two operations")
	flag.BoolVar(&s.Log, "log", false, "print the nodes' warnings")
}

// Command is the end of a command's main: it reads the command line and runs.
func Command(run func(ctx context.Context, out io.Writer) error) {
	flag.Parse()
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Run starts the cluster, calls f, and ends the cluster.
func (s Setup) Run(ctx context.Context, f func(*Cluster) error) error {
	dir, err := os.MkdirTemp("", "pando-trial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log := io.Discard
	if s.Log {
		log = os.Stderr
	}
	begin, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := Start(begin, dir, 3, s.Plan, log)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// Quantile sorts a list and returns one of its quantiles, rounded; 0 of none.
func Quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)-1, int(q*float64(len(list))))].Round(100 * time.Microsecond)
}
