package slots

import "slices"

// claim is one of those among whom something is shared.
type claim struct {
	weight int
	have   int // units that it has already
	limit  int // that it can have at most
}

// share divides total units by weight. Each claim gets its exact share rounded
// down or up, within its limit; what a limit keeps back goes to the others.
// Rounded up are those that have more than the floor already, for they would
// have to give a unit away; then those with the larger fractions.
func share(total int, claims []claim) []int {
	out := make([]int, len(claims))
	open := make([]int, 0, len(claims))
	for i := range claims {
		open = append(open, i)
	}
	for {
		rest, weight := total, 0
		for _, n := range out {
			rest -= n
		}
		for _, i := range open {
			weight += claims[i].weight
		}
		full := func(i int) bool { return rest*claims[i].weight >= claims[i].limit*weight }
		if !slices.ContainsFunc(open, full) {
			round(rest, weight, claims, open, out)
			return out
		}
		open = slices.DeleteFunc(open, func(i int) bool {
			if !full(i) {
				return false
			}
			out[i] = claims[i].limit
			return true
		})
	}
}

// round shares rest among the open claims, none of which reaches its limit.
func round(rest, weight int, claims []claim, open, out []int) {
	left := rest
	for _, i := range open {
		out[i] = rest * claims[i].weight / weight
		left -= out[i]
	}
	fraction := func(i int) int { return rest * claims[i].weight % weight }
	slices.SortStableFunc(open, func(i, j int) int {
		fi, fj := fraction(i), fraction(j)
		hi, hj := fi > 0 && claims[i].have > out[i], fj > 0 && claims[j].have > out[j]
		switch {
		case hi && !hj:
			return -1
		case hj && !hi:
			return 1
		}
		return fj - fi
	})
	for _, i := range open[:min(left, len(open))] {
		out[i]++
	}
}
