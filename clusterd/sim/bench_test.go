package sim

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
)

// BenchmarkAtRest lets a second pass in a settled cluster of a hundred nodes,
// all invariants checked.
func BenchmarkAtRest(b *testing.B) {
	timing := engine.Lan()
	timing.Gossip = time.Second
	s := New(Config{Seed: 1, Seeds: []int{1, 2, 3}, Timing: timing, Link: Link{Min: time.Millisecond, Max: 5 * time.Millisecond, Loss: 0.01}})
	for id := range 100 {
		s.Start(id + 1)
	}
	if !s.Settle(time.Minute) {
		b.Fatal(s.Amiss())
	}
	s.Run(30 * time.Second)
	b.ReportAllocs()
	events := s.Events()
	for b.Loop() {
		s.Run(time.Second)
	}
	b.ReportMetric(float64(s.Events()-events)/float64(b.N), "events/op")
	if err := s.Err(); err != nil {
		b.Fatal(err)
	}
}
