package main

import (
	"fmt"
	"slices"
)

// budget is what Pando wants to reach on a line. The zero budget means that no
// peer may be ahead in more than three of four rounds.
type budget struct {
	ratio    float64 // times as good as the best peer, at least
	noAllocs bool    // and no allocation for each operation
	most     float64 // or, on lines of their own, a value that must not be exceeded
}

func (b budget) String() string {
	switch {
	case b.most > 0:
		return "≤ " + number(b.most) + " bytes"
	case b.noAllocs:
		return fmt.Sprintf("≥ %v ×, 0 allocations", b.ratio)
	case b.ratio > 0:
		return fmt.Sprintf("≥ %v ×", b.ratio)
	}
	return "not behind"
}

// few is what does not count as an allocation for each operation: those of the
// runtime and of the measurement itself.
const few = 0.05

// verdict judges what Pando has reached: own are its measurements, ratios those
// against each peer.
func (b budget) verdict(own series, ratios [][]float64) string {
	best := hardest(ratios)
	if own.values().n == 0 || b.most == 0 && best < 0 {
		return "–"
	}
	met := !slices.ContainsFunc(ratios, behind)
	switch {
	case b.most > 0:
		met = own.values().mid <= b.most
	case b.ratio > 0:
		met = spreadOf(ratios[best]).mid >= b.ratio && !(b.noAllocs && own.allocs().mid >= few)
	}
	if met {
		return "met"
	}
	return "**not met**"
}

// hardest is the index of the best peer: the one with the lowest median ratio, -1
// if there is none.
func hardest(ratios [][]float64) int {
	best := -1
	for i, r := range ratios {
		if len(r) > 0 && (best < 0 || spreadOf(r).mid < spreadOf(ratios[best]).mid) {
			best = i
		}
	}
	return best
}
