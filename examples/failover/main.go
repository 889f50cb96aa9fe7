// Command failover measures how long a cluster of five processes needs to get
// over the death of one.
//
//	go run . -n 50                 # kills, at the default timings
//	go run . -n 50 -timing fast
//	go run . crowd -nodes 200 -processes 4 -for 30s
//
// In each round it kills a node with SIGKILL and takes the time until the
// others call it unreachable, until they have removed it, and until an entity
// that it hosted answers from another node. The same processes run
// hashicorp/memberlist beside it, with its defaults for a local network, so
// that both see the same kills. The dead node is started again, and the next
// round begins once all five are members of both clusters. Nodes are killed in
// turn, the leader too.
//
// The command crowd forms a cluster of many nodes in a few processes and tells
// what it costs at rest, in processor time and bytes, then does the same with
// memberlist.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pando-go/pando/clusterd/engine"
)

// asNode is set, to what a node needs to know, in the processes that the
// command starts.
const asNode = "PANDO_FAILOVER_NODE"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := error(nil)
	switch node, guests := os.Getenv(asNode), os.Getenv(asCrowd); {
	case node != "":
		err = runNode(ctx, node)
	case guests != "":
		err = runGuests(ctx, guests)
	case len(os.Args) > 1 && os.Args[1] == "crowd":
		err = runCrowd(ctx, os.Args[2:])
	default:
		err = runCommand(ctx, os.Args[1:])
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

func runCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	kills := flags.Int("n", 50, "how many nodes are killed")
	nodes := flags.Int("nodes", 5, "nodes of the cluster, 3 to 20")
	timing := flags.String("timing", "lan", "Pando's preset: fast, lan or wan")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := timingOf(*timing); err != nil {
		return err
	}
	if *kills < 1 || *nodes < 3 || *nodes > 20 || flags.NArg() > 0 {
		return errors.New("want -n of at least 1, -nodes from 3 to 20, and nothing else")
	}
	c, err := newCluster(*nodes, *timing)
	if err != nil {
		return err
	}
	defer c.close()
	report, err := c.measure(ctx, *kills)
	report.print(os.Stdout, *nodes, *timing)
	return err
}

func timingOf(name string) (engine.Timing, error) {
	switch name {
	case "fast":
		return engine.Fast(), nil
	case "lan":
		return engine.Lan(), nil
	case "wan":
		return engine.Wan(), nil
	}
	return engine.Timing{}, fmt.Errorf("-timing %q: want fast, lan or wan", name)
}
