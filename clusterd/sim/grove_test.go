package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/clusterd/internal/race"
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
	race.SkipPure(t)
	one, again := xxhash.New(), xxhash.New()
	run := fiftyNodes(t, Config{Seed: 1, Transcript: one})
	fiftyNodes(t, Config{Seed: 1, Transcript: again})
	if one.Sum64() != again.Sum64() {
		t.Error("one seed gave two transcripts")
	}
	quick := fiftyNodes(t, Config{Seed: 1})
	other := fiftyNodes(t, Config{Seed: 2})
	if quick.Events() != run.Events() {
		t.Errorf("%d events with a transcript and %d without", run.Events(), quick.Events())
	}
	if quick.Hash() == other.Hash() {
		t.Error("two seeds gave one run")
	}
}

func fiftyNodes(t *testing.T, cfg Config) *Sim {
	t.Helper()
	s := grove(t, cfg, 50)
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
	t.Logf("seed %d: formed after %v, crash removed %v later, all done at %v; %d events", cfg.Seed, formed, removed, s.Now(), s.Events())
	return s
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
