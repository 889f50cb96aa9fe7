package groups

import (
	"flag"
	"strings"
	"testing"
)

var findFlag = flag.Int("find", 0, "TestIngredients tries this many seeds for a part of the protocol in place of the stored one")

// withoutOne lists parts of the protocol with a seed of TestRandom that fails
// when only that part is taken out, and what it then reports. The others have
// scenarios of their own: TestRestartGuard, TestReleased, TestReturnOfAMember,
// TestPreVote.
var withoutOne = []struct {
	name string
	off  ingredients
	seed uint64
	want string
}{
	{"guard", ingredients{guard: true}, 162, "serve at one time"},
	{"own stamp", ingredients{ownStamp: true}, 49, "serve at one time"},
	{"persist first", ingredients{persistFirst: true}, 2, "ack"},
	{"joint ack", ingredients{jointAck: true}, 42, "acked"},
	{"blank refuses", ingredients{blankRefuses: true}, 37, "another applied"},
}

// TestIngredients shows what a part of the protocol is there for: its stored
// seed passes with it and fails without. -find=N looks for such seeds.
func TestIngredients(t *testing.T) {
	for _, c := range withoutOne {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			if *findFlag > 0 {
				find(t, c.off)
				return
			}
			if w := randomRun(c.seed, ingredients{}); w.err != nil {
				t.Fatalf("seed %d fails with all parts: %v", c.seed, w.err)
			}
			w := randomRun(c.seed, c.off)
			if w.err == nil {
				t.Fatalf("seed %d passes without %s", c.seed, c.name)
			}
			if !strings.Contains(w.err.Error(), c.want) {
				t.Errorf("seed %d without %s: %v, want %q", c.seed, c.name, w.err, c.want)
			}
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
