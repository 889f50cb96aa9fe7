// Command traps springs the five traps of starting a cluster with real
// processes, and tells how each ends: in one cluster, or in two that have told
// their operators of each other.
//
//	go run ./examples/traps                     # three repeats of each
//	go run ./examples/traps -n 100 -parallel 4
//	go run ./examples/traps -only restart -seed 7
//
// Every other repeat has healing switched off (Config.ReportIslands). Then two
// clusters may stay apart, but only if both sides raise IslandDetected with
// both sizes. With healing, nothing but one cluster will do. The table tells
// how long that took from the moment at which the trap was sprung.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// asNode is set, to what a node needs to know, in the processes that the
// command starts.
const asNode = "PANDO_TRAPS_NODE"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := error(nil)
	if setup := os.Getenv(asNode); setup != "" {
		err = runNode(ctx, setup)
	} else {
		err = runCommand(ctx, os.Args[1:])
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "traps:", err)
		os.Exit(1)
	}
}

func runCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("traps", flag.ContinueOnError)
	repeats := flags.Int("n", 3, "how often each trap is sprung")
	parallel := flags.Int("parallel", 1, "how many at a time")
	only := flags.String("only", "", "just the trap of this name")
	seed := flags.Uint64("seed", 1, "start orders and pauses are drawn from it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := trapsNamed(*only)
	if err != nil {
		return err
	}
	if *repeats < 1 || *parallel < 1 || flags.NArg() > 0 {
		return errors.New("want -n and -parallel of at least 1, and nothing else")
	}
	t := &table{}
	err = springAll(ctx, chosen, *repeats, *parallel, *seed, t)
	t.print(os.Stdout)
	return err
}
