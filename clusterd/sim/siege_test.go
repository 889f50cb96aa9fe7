package sim

import (
	"flag"
	"testing"

	"github.com/pando-go/pando/clusterd/internal/race"
)

var sieges = flag.Int("sieges", 60, "how many sieges TestSieges plays")

// TestSieges removes nodes that are well while clocks drift, processes stop and
// links fail one way: I1 and I3 above all must hold. A longer run:
//
//	go test ./clusterd/sim -run TestSieges -sieges 20000 -timeout 1h
func TestSieges(t *testing.T) {
	race.SkipPure(t)
	for seed := range uint64(*sieges) {
		story := Siege(seed)
		if _, err := story.Run(Config{}); err != nil {
			t.Fatalf("siege %d:\n%s\n%v", seed, story, err)
		}
	}
}

// TestSiegesOfLease does the same to clusters whose right to go on is a lease
// outside, which they are cut off as well.
func TestSiegesOfLease(t *testing.T) {
	race.SkipPure(t)
	for seed := range uint64(*sieges) {
		story := SiegeOfLease(seed)
		if _, err := story.Run(Config{}); err != nil {
			t.Fatalf("siege %d:\n%s\n%v", seed, story, err)
		}
	}
}
