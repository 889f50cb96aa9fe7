package slots

import "slices"

// The rebalancing by load: how uneven it must be before anything moves, and how
// much may move by one decision. Each exchange costs two hand-overs, so small
// differences are left alone.
const (
	tolerance = 1.2 // times a node's fair share
	maxSwaps  = 64
)

// Relieve exchanges hot units of overloaded nodes for cold units of idle ones,
// so that the number of units on each node stays as it is. load is by unit, in
// whatever measure; nothing changes where no node has more than 1.2 times its
// share by weight, or where only one unit makes the load. Only primaries count,
// and a unit's other holders are left alone. The result is a function of the
// arguments; current is not changed.
func Relieve(current [][]Node, load []uint64, members []Member) [][]Node {
	r := newRelief(current, load, members)
	for range maxSwaps {
		if !r.swap() {
			break
		}
	}
	return r.units
}

type relief struct {
	units   [][]Node
	load    []uint64
	nodes   []Node
	weight  []float64
	busy    []float64 // by node
	by      [][]int   // by node: the units that it is the primary of, coldest first
	average float64   // for weight 1
}

func newRelief(current [][]Node, load []uint64, members []Member) *relief {
	r := &relief{units: slices.Clone(current), load: load}
	index := map[Node]int{}
	weights := 0.0
	for _, m := range members {
		index[m.Node] = len(r.nodes)
		r.nodes = append(r.nodes, m.Node)
		r.weight = append(r.weight, float64(max(m.Weight, 1)))
		weights += r.weight[len(r.weight)-1]
	}
	r.busy, r.by = make([]float64, len(r.nodes)), make([][]int, len(r.nodes))
	total := 0.0
	for u, unit := range current {
		if i, ok := index[first(unit)]; ok {
			r.by[i] = append(r.by[i], u)
			r.busy[i] += float64(load[u])
			total += float64(load[u])
		}
	}
	for _, list := range r.by {
		slices.SortStableFunc(list, func(a, b int) int { return cmpLoad(load[a], load[b]) })
	}
	r.average = total / max(weights, 1)
	return r
}

func first(unit []Node) Node {
	if len(unit) == 0 {
		return ""
	}
	return unit[0]
}

func cmpLoad(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// swap makes the exchange that helps most; false if none does.
func (r *relief) swap() bool {
	top, low := 0, 0
	for i := range r.nodes {
		if r.busy[i]/r.weight[i] > r.busy[top]/r.weight[top] {
			top = i
		}
		if r.busy[i]/r.weight[i] < r.busy[low]/r.weight[low] {
			low = i
		}
	}
	if len(r.nodes) < 2 || r.busy[top] <= tolerance*r.average*r.weight[top] || len(r.by[low]) == 0 {
		return false
	}
	cold := r.by[low][0]
	for k := len(r.by[top]) - 1; k >= 0; k-- { // the hottest that is not too hot
		hot := r.by[top][k]
		gain := float64(r.load[hot]) - float64(r.load[cold])
		if gain <= 0 {
			return false
		}
		if (r.busy[low]+gain)/r.weight[low] < r.busy[top]/r.weight[top] {
			r.exchange(top, low, k)
			r.busy[top] -= gain
			r.busy[low] += gain
			return true
		}
	}
	return false
}

// exchange swaps unit k of node top with the coldest of node low.
func (r *relief) exchange(top, low, k int) {
	hot, cold := r.by[top][k], r.by[low][0]
	r.put(hot, r.nodes[top], r.nodes[low])
	r.put(cold, r.nodes[low], r.nodes[top])
	r.by[top] = slices.Insert(slices.Delete(r.by[top], k, k+1), 0, cold)
	r.by[low] = append(r.by[low][1:], hot)
}

// put makes another node the primary of a unit.
func (r *relief) put(u int, from, to Node) {
	unit := slices.Clone(r.units[u])
	if k := slices.Index(unit, to); k > 0 {
		unit[k] = from // it was a replica: they change places
	}
	unit[0] = to
	r.units[u] = unit
}
