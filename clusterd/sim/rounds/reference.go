package rounds

import (
	"fmt"
	"math"
)

// Reference is a line of the published comparison: what an independent
// simulation of the same rules came to.
type Reference struct {
	Way      Way
	Nodes    int
	Fanout   int
	Runs     int
	Rounds   float64 // mean, until all know
	Messages float64 // mean, until then
	Total    float64 // mean, until silence; 0 = not given
}

// References returns the lines of the ways that are random. The others are
// exact: see [Exact].
func References() []Reference {
	return []Reference{
		{Random, 10, 1, 2000, 6.08, 29.6, 0}, {Random, 10, 2, 2000, 3.65, 32.7, 0}, {Random, 10, 3, 2000, 2.84, 36.5, 0},
		{Random, 100, 1, 2000, 12.28, 559, 0}, {Random, 100, 2, 2000, 7.38, 614, 0}, {Random, 100, 3, 2000, 5.64, 649, 0},
		{Random, 1000, 1, 3000, 18.04, 7976, 0}, {Random, 1000, 2, 3000, 10.68, 8474, 0}, {Random, 1000, 3, 3000, 8.15, 8958, 0},
		{Random, 10_000, 1, 500, 23.63, 102_398, 0}, {Random, 10_000, 2, 500, 13.97, 108_585, 0}, {Random, 10_000, 3, 500, 10.54, 111_206, 0},

		{Memory, 10, 1, 2000, 5.43, 25.0, 0}, {Memory, 10, 2, 2000, 3.35, 28.1, 0}, {Memory, 10, 3, 2000, 2.68, 32.7, 0},
		{Memory, 100, 1, 2000, 12.15, 550, 0}, {Memory, 100, 2, 2000, 7.28, 600, 0}, {Memory, 100, 3, 2000, 5.59, 638, 0},
		{Memory, 1000, 1, 3000, 18.02, 7962, 0}, {Memory, 1000, 2, 3000, 10.65, 8430, 0}, {Memory, 1000, 3, 3000, 8.16, 8998, 0},
		{Memory, 10_000, 1, 500, 23.66, 102_650, 0}, {Memory, 10_000, 2, 500, 14.03, 109_701, 0}, {Memory, 10_000, 3, 500, 10.56, 111_936, 0},

		{SeenSet, 10, 1, 2000, 4.82, 41.3, 70.0}, {SeenSet, 10, 2, 2000, 3.17, 50.7, 88.6}, {SeenSet, 10, 3, 2000, 2.60, 61.5, 96.9},
		{SeenSet, 100, 1, 2000, 10.89, 878, 1524}, {SeenSet, 100, 2, 2000, 6.92, 1074, 2045}, {SeenSet, 100, 3, 2000, 5.39, 1176, 2482},
		{SeenSet, 1000, 1, 300, 16.55, 13_085, 22_000}, {SeenSet, 1000, 2, 300, 10.31, 15_570, 30_032}, {SeenSet, 1000, 3, 300, 8.07, 17_485, 35_938},
		{SeenSet, 10_000, 1, 100, 22.09, 174_137, 279_966}, {SeenSet, 10_000, 2, 100, 13.70, 206_451, 379_035}, {SeenSet, 10_000, 3, 100, 10.48, 218_952, 477_247},
	}
}

// Find returns the reference for a setup without faults, or nil.
func Find(s Setup) *Reference {
	if s.Loss+s.Dead+s.Fatal > 0 {
		return nil
	}
	for _, r := range References() {
		if r.Way == s.Way && r.Nodes == s.Nodes && r.Fanout == s.Fanout {
			return &r
		}
	}
	return nil
}

// Check compares a summary with the reference: a mean may differ by three
// standard errors, of the two samples together.
func (r *Reference) Check(s Summary) error {
	for _, c := range []struct {
		what string
		got  Figure
		want float64
	}{
		{"rounds", s.Rounds, r.Rounds},
		{"messages", s.Messages, r.Messages},
		{"messages until silence", s.Total, r.Total},
	} {
		if c.want == 0 {
			continue
		}
		// The reference is rounded to three digits or so.
		tolerance := 3*c.got.SD*math.Sqrt(1/float64(s.Runs)+1/float64(r.Runs)) + c.want*0.002
		if math.Abs(c.got.Mean-c.want) > tolerance {
			return fmt.Errorf("%v n=%d k=%d: %.2f %s in %d runs, the reference has %.2f ± %.2f",
				s.Way, s.Nodes, s.Fanout, c.got.Mean, c.what, s.Runs, c.want, tolerance)
		}
	}
	return nil
}

// Exact returns what delegation without faults must come to, to the message:
// ⌈log_(k+1) n⌉ rounds and 2(n-1) messages. Beyond that [Delegate] confirms
// shares of more than gossip.DefaultConfirm on receipt.
func Exact(nodes, fanout int) (rounds, messages int) {
	for reach := 1; reach < nodes; reach *= fanout + 1 {
		rounds++
	}
	return rounds, 2 * (nodes - 1)
}
