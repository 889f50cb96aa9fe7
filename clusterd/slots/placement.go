package slots

import "slices"

// Placement says which nodes hold a key. [Placed] is the one of slots; a token
// ring is another.
type Placement interface {
	// Replicas returns the nodes that hold key, the first in charge first. The
	// caller must not change the slice.
	Replicas(key string) []Node

	// Next returns the placement over other members, and what has to be copied
	// to get there. It is a function of its arguments.
	Next(members []Member) (Placement, []Movement)
}

// Movement is one step from a placement to the next: To needs all keys of a
// range of positions. For slots a position is a slot, for a ring a token.
type Movement struct {
	First, Last uint64 // both in the range
	From        Node   // who holds them and is in charge; "" = nobody has any
	To          Node
}

// Placed is a [Placement] by slots. It is immutable.
type Placed struct {
	planner Planner
	units   [][]Node
}

var _ Placement = (*Placed)(nil)

// NewPlaced returns a placement over nobody of 16384 slots in units of equally
// many neighbours. units is a power of two, 1 to [Count]; anything else panics.
func NewPlaced(p Planner, units int) *Placed {
	if units < 1 || units > Count || units&(units-1) != 0 {
		panic("slots: the number of units is no power of two from 1 to 16384")
	}
	return &Placed{p, make([][]Node, units)}
}

// Replicas implements [Placement].
func (p *Placed) Replicas(key string) []Node {
	return p.units[int(Of(key))/(Count/len(p.units))]
}

// Next implements [Placement].
func (p *Placed) Next(members []Member) (Placement, []Movement) {
	next := p.planner.Plan(p.units, members)
	return &Placed{p.planner, next}, Movements(p.units, next)
}

// Movements returns the copies that a change of units takes: which nodes need
// which slots. Neighbouring slots that take the same way are one movement.
func Movements(from, to [][]Node) []Movement {
	var list []Movement
	width := uint64(Count / len(to))
	open := map[[2]Node]int{} // by way: its movement that ends at the last unit
	for u := range to {
		source := Node("")
		if len(from[u]) > 0 {
			source = from[u][0]
		}
		first := uint64(u) * width
		for _, node := range to[u] {
			if slices.Contains(from[u], node) {
				continue
			}
			way := [2]Node{source, node}
			if i, ok := open[way]; ok && list[i].Last+1 == first {
				list[i].Last += width
				continue
			}
			open[way] = len(list)
			list = append(list, Movement{first, first + width - 1, source, node})
		}
	}
	return list
}
