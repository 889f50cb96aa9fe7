package main

import (
	"math"
	"slices"
)

// spread is the median of some values and their range.
type spread struct {
	n             int // how many values; 0 means that the rest is void
	mid, min, max float64
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{n, (v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]}
}

// values is the spread of what was measured; failed runs have no value.
func (s series) values() spread { return s.spread(func(r result) float64 { return r.Value }) }

func (s series) allocs() spread { return s.spread(func(r result) float64 { return r.Allocs }) }

func (s series) spread(of func(result) float64) spread {
	var v []float64
	for _, r := range s {
		if r.err == nil {
			v = append(v, of(r.result))
		}
	}
	return spreadOf(v)
}

func (s series) failed() int {
	n := 0
	for _, r := range s {
		if r.err != nil {
			n++
		}
	}
	return n
}

// better is how many times better a is than b.
func (w workload) better(a, b float64) float64 {
	if !w.higher {
		a, b = b, a
	}
	return a / math.Max(b, math.SmallestNonzeroFloat64)
}

// against is how many times better s was than other, round by round, so that a slow
// round of the machine counts for both. Rounds in which either failed are left out.
func (w workload) against(s, other series) []float64 {
	in := map[int]float64{}
	for _, r := range other {
		if r.err == nil {
			in[r.round] = r.Value
		}
	}
	var ratios []float64
	for _, r := range s {
		if o, ok := in[r.round]; ok && r.err == nil {
			ratios = append(ratios, w.better(r.Value, o))
		}
	}
	return ratios
}

// behind tells whether more than three of four rounds were lost.
func behind(ratios []float64) bool {
	lost := 0
	for _, r := range ratios {
		if r < 1 {
			lost++
		}
	}
	return 4*lost > 3*len(ratios)
}
