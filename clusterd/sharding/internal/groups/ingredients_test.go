package groups

import (
	"flag"
	"strings"
	"testing"
)

var findFlag = flag.Int("find", 0, "TestIngredients tries this many seeds for a part of the protocol in place of the stored one")

// withoutOne lists parts of the protocol with seeds of TestRandom of which at
// least one fails when only that part is taken out, and what is then reported.
// The others have scenarios of their own: see scenario_test.go and TestPreVote.
var withoutOne = []struct {
	name  string
	off   ingredients
	seeds []uint64
	want  string
}{
	{"persist first", ingredients{persistFirst: true}, []uint64{2, 1, 3}, "ack"},
	{"blank refuses", ingredients{blankRefuses: true}, []uint64{23, 27, 28}, ""},
}

// TestIngredients shows what a part of the protocol is there for: its stored
// seeds pass with it and one fails without. -find=N looks for such seeds.
func TestIngredients(t *testing.T) {
	for _, c := range withoutOne {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			if *findFlag > 0 {
				find(t, c.off)
				return
			}
			for _, seed := range c.seeds {
				if w := randomRun(seed, ingredients{}); w.err != nil {
					t.Fatalf("seed %d fails with all parts: %v", seed, w.err)
				}
				if w := randomRun(seed, c.off); w.err != nil && strings.Contains(w.err.Error(), c.want) {
					return
				}
			}
			t.Errorf("seeds %d pass without %s", c.seeds, c.name)
		})
	}
}

func find(t *testing.T, off ingredients) {
	found := 0
	for seed := *fromFlag; seed < *fromFlag+uint64(*findFlag) && found < 3; seed++ {
		if w := randomRun(seed, off); w.err != nil {
			found++
			t.Logf("seed %d: %v", seed, w.err)
		}
	}
}
