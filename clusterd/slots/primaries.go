package slots

// election balances the primaries over the holders of the copies.
type election struct {
	*board
	primaries []int // of each node
	low, high []int // its share rounded down and up
}

// electAll puts each unit's primary first. A primary that is still a holder
// stays one unless its node has too many.
func (b *board) electAll() {
	if b.copies == 1 {
		return // the only holder
	}
	e := &election{board: b, primaries: make([]int, len(b.members))}
	total, units := 0, len(b.units)
	for _, m := range b.members {
		total += max(m.Weight, 1)
	}
	for _, m := range b.members {
		exact := units * max(m.Weight, 1)
		e.low = append(e.low, exact/total)
		e.high = append(e.high, (exact+total-1)/total)
	}
	for u, unit := range b.units {
		if b.kept[u] > 0 {
			e.primaries[unit[0]]++
		}
	}
	for u := range b.units {
		if b.kept[u] == 0 && len(b.units[u]) > 0 {
			e.appoint(u)
		}
	}
	e.level()
}

// appoint makes the holder with the fewest primaries the primary of a unit
// whose former holders are all gone.
func (e *election) appoint(u int) {
	best := 0
	for k, i := range e.units[u] {
		if e.primaries[i]-e.high[i] < e.primaries[e.units[u][best]]-e.high[e.units[u][best]] {
			best = k
		}
	}
	e.lead(u, best)
	e.primaries[e.units[u][0]]++
}

// lead moves holder k of unit u to the front; the others keep their order.
func (e *election) lead(u, k int) {
	unit := e.units[u]
	i := unit[k]
	copy(unit[1:k+1], unit[:k])
	unit[0] = i
}

// level shifts primaries until each node's are within its share, as far as the
// copies allow it: first from the nodes that have too many, then to those that
// have too few.
func (e *election) level() {
	for i := range e.members {
		for e.primaries[i] > e.high[i] && e.shift(i, func(j int) bool { return e.primaries[j] < e.high[j] }) {
		}
	}
	for j := range e.members {
		for e.primaries[j] < e.low[j] && e.pull(j) {
		}
	}
}

// pull gets node j one more primary.
func (e *election) pull(j int) bool {
	for i := range e.members {
		if e.primaries[i] > e.low[i] && e.shift(i, func(k int) bool { return k == j }) {
			return true
		}
	}
	return false
}

// shift takes one primary from node from and gives one to the nearest node that
// wants it: directly if they share a unit, else along a chain of nodes, each of
// which passes one on. It is a breadth-first search, as in bipartite matching.
func (e *election) shift(from int, wants func(int) bool) bool {
	via := make([]int, len(e.members)) // the unit whose primary would come here; -1 = not reached
	for i := range via {
		via[i] = -1
	}
	shared := e.led()
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		for _, u := range shared[queue[0]] {
			for _, j := range e.units[u][1:] {
				if j == from || via[j] >= 0 {
					continue
				}
				via[j] = u
				if wants(j) {
					e.pass(from, j, via)
					return true
				}
				queue = append(queue, j)
			}
		}
	}
	return false
}

// pass hands the primaries along the chain that ends at node to.
func (e *election) pass(from, to int, via []int) {
	e.primaries[from]--
	e.primaries[to]++
	for to != from {
		u := via[to]
		giver := e.units[u][0]
		for k, i := range e.units[u] {
			if i == to {
				e.lead(u, k)
				break
			}
		}
		to = giver
	}
}

// led returns for each node the units that it is the primary of.
func (e *election) led() [][]int {
	list := make([][]int, len(e.members))
	for u, unit := range e.units {
		if len(unit) > 0 {
			list[unit[0]] = append(list[unit[0]], u)
		}
	}
	return list
}
