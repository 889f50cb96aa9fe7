package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
)

// grove forms a cluster of n nodes, three of them seeds, and tells when it was calm.
func grove(tb testing.TB, cfg Config, n int) *Sim {
	tb.Helper()
	cfg.Seeds = []int{1, 2, 3}
	s := New(cfg)
	for id := 1; id <= n; id++ {
		s.Start(id)
	}
	if !s.Settle(time.Minute) {
		tb.Fatalf("%d nodes did not form a cluster in a minute: %v %s", n, s.Err(), s.amiss())
	}
	return s
}

// TestFiftyNodes: 50 nodes join, one crashes, one leaves, all agree, and the
// same seed gives the same run to the byte.
func TestFiftyNodes(t *testing.T) {
	run := func(seed uint64) uint64 {
		hash := xxhash.New()
		s := grove(t, Config{Seed: seed, Transcript: hash}, 50)
		formed := s.Now()
		s.Crash(17)
		if !s.Settle(time.Minute) {
			t.Fatalf("n17 crashed and was not removed: %v %s", s.Err(), s.amiss())
		}
		removed := s.Now() - formed
		if err := s.Leave(23); err != nil {
			t.Fatal(err)
		}
		if !s.Settle(time.Minute) {
			t.Fatalf("n23 did not get away: %v %s", s.Err(), s.amiss())
		}
		if err := s.Calm(); err != nil {
			t.Fatal(err)
		}
		if got, want := len(s.live(nil)), 48; got != want {
			t.Errorf("%d nodes are left, want %d", got, want)
		}
		t.Logf("seed %d: formed after %v, crash removed %v later, all done at %v; %d events", seed, formed, removed, s.Now(), s.Events())
		return hash.Sum64()
	}
	one, again, other := run(1), run(1), run(2)
	if one != again {
		t.Error("one seed gave two transcripts")
	}
	if one == other {
		t.Error("two seeds gave one transcript")
	}
}

// BenchmarkRest runs a calm cluster. Simulated seconds a second is the figure.
func BenchmarkRest(b *testing.B) {
	for _, n := range []int{5, 50, 100} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			s := grove(b, Config{Seed: 1}, n)
			b.ReportAllocs()
			for b.Loop() {
				s.Run(100 * time.Millisecond)
			}
			if err := s.Err(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0.1*float64(b.N)/b.Elapsed().Seconds(), "sim-s/s")
		})
	}
}
