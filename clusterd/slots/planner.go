package slots

import (
	"cmp"
	"slices"
)

// A plan is made for units, which are single slots or shards of neighbouring
// slots, and says for each which nodes hold it, the primary first. It is made
// in two steps, since they cost differently:
//
//  1. Who holds copies. A copy that appears on another node is data that
//     travels, so those that can stay do. Each node gets an exact quota of
//     copies, its weighted share rounded down or up, and the nodes that would
//     have to give something up anyway are those that are rounded down.
//  2. Who of the holders is primary. That moves no data. The same quota, filled
//     by shifting the primary along chains of units that two nodes share.

// Member is a node that a [Planner] may use.
type Member struct {
	Node   Node
	Zone   string // copies of a unit are spread over zones; "" is a zone like others
	Weight int    // its share is proportional to it; less than 1 = 1
}

// Planner makes plans. The zero Planner plans primaries alone.
type Planner struct {
	Copies int // holders of each unit, the primary counted; less than 1 = 1. With fewer members, all of them
}

// Plan returns for each unit its holders, the primary first. current is where
// the units are now, in the same form; units that nobody holds are empty there,
// and nodes that are not among members do not count. The result is a function
// of the arguments: of equal choices the lower node is taken.
//
// Without zones, and where all weights are equal, copies and primaries of any
// two members differ by one at most. No unit has two copies on one node, and
// with z zones at most ⌈Copies/z⌉ in one of them, so where there are as many
// zones as copies no replica is in its primary's zone; where zones differ in
// size that may cost balance.
func (p Planner) Plan(current [][]Node, members []Member) [][]Node {
	b := newBoard(max(p.Copies, 1), current, members)
	if len(b.members) > 0 {
		b.shed()
		b.fill()
		b.electAll()
	}
	return b.result()
}

// board is a plan in the making. Nodes are indices into members.
type board struct {
	members []Member
	copies  int // wanted of each unit
	perZone int // of one unit, at most
	zone    []int
	zones   int
	units   [][]int // holders; the primary first once elected
	kept    []int   // by unit: the first kept holders were there before
	quota   []int   // copies of each node
	count   []int
}

func newBoard(copies int, current [][]Node, members []Member) *board {
	b := &board{members: slices.Clone(members)}
	slices.SortFunc(b.members, func(x, y Member) int { return cmp.Compare(x.Node, y.Node) })
	b.members = slices.CompactFunc(b.members, func(x, y Member) bool { return x.Node == y.Node })
	b.copies = min(copies, len(b.members))
	b.numberZones()
	b.count = make([]int, len(b.members))
	index := map[Node]int{}
	for i, m := range b.members {
		index[m.Node] = i
	}
	for _, holders := range current {
		var unit []int
		for _, node := range holders {
			if i, ok := index[node]; ok && len(unit) < b.copies && b.allowed(unit, i) {
				unit = append(unit, i)
				b.count[i]++
			}
		}
		b.units = append(b.units, unit)
		b.kept = append(b.kept, len(unit))
	}
	b.setQuotas()
	return b
}

func (b *board) numberZones() {
	index := map[string]int{}
	for _, m := range b.members {
		if _, ok := index[m.Zone]; !ok {
			index[m.Zone] = len(index)
		}
		b.zone = append(b.zone, index[m.Zone])
	}
	b.zones = len(index)
	b.perZone = (b.copies + max(b.zones, 1) - 1) / max(b.zones, 1)
	b.perZone = max(b.perZone, b.crowd())
}

// crowd is the least number of copies of a unit that one zone must take when
// the other zones have too few nodes.
func (b *board) crowd() int {
	size := make([]int, b.zones)
	for _, z := range b.zone {
		size[z]++
	}
	for limit := 1; ; limit++ {
		room := 0
		for _, n := range size {
			room += min(n, limit)
		}
		if room >= b.copies {
			return limit
		}
	}
}

// allowed tells whether a unit may have one more copy at node i.
func (b *board) allowed(unit []int, i int) bool {
	same := 0
	for _, o := range unit {
		if o == i {
			return false
		}
		if b.zone[o] == b.zone[i] {
			same++
		}
	}
	return same < b.perZone
}

// setQuotas shares the copies among the zones, then each zone's among its nodes.
func (b *board) setQuotas() {
	zones := make([]claim, b.zones)
	for i, m := range b.members {
		z := &zones[b.zone[i]]
		z.weight += max(m.Weight, 1)
		z.have += b.count[i]
		z.limit = min(z.limit+len(b.units), b.perZone*len(b.units))
	}
	b.quota = make([]int, len(b.members))
	for z, total := range share(b.copies*len(b.units), zones) {
		var nodes []claim
		var which []int
		for i, m := range b.members {
			if b.zone[i] == z {
				nodes = append(nodes, claim{weight: max(m.Weight, 1), have: b.count[i], limit: len(b.units)})
				which = append(which, i)
			}
		}
		for k, n := range share(total, nodes) {
			b.quota[which[k]] = n
		}
	}
}

// shed drops copies of nodes that have more than their quota: from the last
// units, so that what stays is a run, and replicas rather than primaries.
func (b *board) shed() {
	for pass := range 2 {
		for u := len(b.units) - 1; u >= 0; u-- {
			for k := len(b.units[u]) - 1; k >= 0; k-- {
				i := b.units[u][k]
				if b.count[i] <= b.quota[i] || pass == 0 && k == 0 && b.copies > 1 {
					continue
				}
				b.units[u] = slices.Delete(b.units[u], k, k+1)
				b.kept[u]--
				b.count[i]--
			}
		}
	}
}

// fill gives units that lack copies to nodes that lack units. The node that got
// the last unit goes on as long as it can, so that it gets a run.
func (b *board) fill() {
	last := 0
	for u := range b.units {
		for len(b.units[u]) < b.copies {
			i := b.taker(u, last)
			if i < 0 && b.swap(u) {
				continue
			}
			if i < 0 {
				i = b.anyTaker(u)
			}
			if i < 0 {
				break
			}
			b.units[u] = append(b.units[u], i)
			b.count[i]++
			last = i
		}
	}
}

// taker returns the node that is to get a copy of unit u, -1 if all that lack
// some cannot have this one.
func (b *board) taker(u, last int) int {
	best := -1
	for i := range b.members {
		lack := b.quota[i] - b.count[i]
		if lack <= 0 || !b.allowed(b.units[u], i) {
			continue
		}
		if i == last && b.copies == 1 {
			return i
		}
		if best < 0 || lack > b.quota[best]-b.count[best] {
			best = i
		}
	}
	return best
}

// swap makes room for unit u: some other unit v gives a copy to a node that
// lacks some, and the node that had it takes u. New copies go first, since they
// have not moved yet.
func (b *board) swap(u int) bool {
	for pass := range 2 {
		for v := range b.units {
			for k := len(b.units[v]) - 1; k >= 0; k-- {
				old := k < b.kept[v]
				if v == u || old != (pass == 1) || !b.allowed(b.units[u], b.units[v][k]) {
					continue
				}
				if b.swapWith(u, v, k) {
					return true
				}
			}
		}
	}
	return false
}

func (b *board) swapWith(u, v, k int) bool {
	y := b.units[v][k]
	rest := slices.Delete(slices.Clone(b.units[v]), k, k+1)
	for d := range b.members {
		if b.count[d] >= b.quota[d] || !b.allowed(rest, d) {
			continue
		}
		if k < b.kept[v] {
			b.kept[v]--
		}
		b.units[v] = append(rest, d)
		b.units[u] = append(b.units[u], y)
		b.count[d]++
		return true
	}
	return false
}

// anyTaker is taker when the quotas cannot be met: the node that is least over.
func (b *board) anyTaker(u int) int {
	best := -1
	for i := range b.members {
		if b.allowed(b.units[u], i) && (best < 0 || b.count[i]-b.quota[i] < b.count[best]-b.quota[best]) {
			best = i
		}
	}
	return best
}

func (b *board) result() [][]Node {
	out := make([][]Node, len(b.units))
	for u, unit := range b.units {
		for _, i := range unit {
			out[u] = append(out[u], b.members[i].Node)
		}
	}
	return out
}
