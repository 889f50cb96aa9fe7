package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	dayNodes  = flag.Int("day.nodes", 20, "nodes in the day of TestDay")
	dayLength = flag.Duration("day.length", 10*time.Minute, "how long the day of TestDay lasts")
)

// TestDay lives through ordinary minutes: packets get lost and are late, and every
// minute some node stands still for two seconds. With 1 % of loss nobody takes
// anybody for unreachable, with 5 % nobody is removed. The whole day:
//
//	go run ./clusterd/sim/cmd/simday -nodes 1000
func TestDay(t *testing.T) {
	for _, c := range []struct {
		loss        float64
		unreachable bool // may be
	}{{0.01, false}, {0.05, true}} {
		t.Run(fmt.Sprintf("loss %g", c.loss), func(t *testing.T) {
			t.Parallel()
			r, err := Day{Seed: 1, Nodes: *dayNodes, Length: *dayLength, Loss: c.loss}.Run(nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Removed != 0 || r.Unreachable != 0 && !c.unreachable {
				t.Errorf("got %v", r)
			}
			t.Log(r)
		})
	}
}
