// Simday lives through an ordinary day of a large cluster on virtual time and
// tells how often anybody was taken for failed: nobody should be.
//
//	go run ./clusterd/sim/cmd/simday -nodes 1000             # 24 hours, 1 % loss
//	go run ./clusterd/sim/cmd/simday -nodes 1000 -loss 0.05  # nobody is removed
//	go run ./clusterd/sim/cmd/simday -nodes 1000 -length 1h
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/pando-go/pando/clusterd/sim"
)

// errBad ends the command with an error after the report was printed.
var errBad = errors.New("simday: a member was removed, or with at most 1 % of loss taken for unreachable")

// calm is the loss up to which nobody may be taken for unreachable.
const calm = 0.01

func main() {
	var d sim.Day
	flag.Uint64Var(&d.Seed, "seed", 1, "everything random is drawn from it")
	flag.IntVar(&d.Nodes, "nodes", 1000, "in the cluster")
	flag.DurationVar(&d.Length, "length", 24*time.Hour, "of the day")
	flag.Float64Var(&d.Loss, "loss", calm, "part of the packets that vanish")
	flag.DurationVar(&d.Delay, "delay", 50*time.Millisecond, "the longest of a packet")
	flag.DurationVar(&d.Every, "every", time.Minute, "between two stalls of a node")
	flag.DurationVar(&d.Stall, "stall", 2*time.Second, "how long it stands still")
	report := flag.Duration("report", 10*time.Minute, "how often to tell, in the time of the day")
	flag.Parse()
	debug.SetGCPercent(200)
	if err := live(d, *report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// live lives through the day and prints how it went.
func live(d sim.Day, report time.Duration) error {
	began, next := time.Now(), report
	r, err := d.Run(func(r sim.DayReport) {
		if r.Passed >= next {
			fmt.Printf("%v (%v real)\n", r, time.Since(began).Round(time.Second))
			next += report
		}
	})
	fmt.Printf("%d nodes, loss %g, delays to %v: %v (%v real)\n", d.Nodes, d.Loss, d.Delay, r, time.Since(began).Round(time.Second))
	if err == nil && (r.Removed > 0 || r.Unreachable > 0 && d.Loss <= calm) {
		err = errBad
	}
	return err
}
