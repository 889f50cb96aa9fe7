package main

import "fmt"

// budget is what Pando wants to reach on a line. The zero budget means that no
// peer may be ahead by more than the spread of the runs.
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

// verdict judges what Pando has reached: own are its measurements, ratio is
// against the best peer.
func (b budget) verdict(own series, ratio spread) string {
	if own.values().n == 0 || b.most == 0 && ratio.n == 0 {
		return "–"
	}
	met := ratio.max >= 1
	switch {
	case b.most > 0:
		met = own.values().mid <= b.most
	case b.ratio > 0:
		met = ratio.mid >= b.ratio && !(b.noAllocs && own.allocs().mid >= few)
	}
	if met {
		return "met"
	}
	return "**not met**"
}
