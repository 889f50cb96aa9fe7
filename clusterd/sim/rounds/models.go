package rounds

import "slices"

// hopByHop is delegation as it is usually drawn: who is handed a share confirms
// that at once. What was not confirmed comes back to the sender in the next
// round, three times at most for one target. A node that confirms and crashes
// takes its share with it.
func hopByHop(w *world) {
	const tries = 3
	type push struct {
		from, to int
		share    []int
	}
	rest := make([][]int, w.Nodes)
	tried := make([]map[int]int, w.Nodes)
	rest[0] = w.rng.Perm(w.Nodes - 1)
	for i := range rest[0] {
		rest[0][i]++
	}
	tried[0] = map[int]int{}
	for busy := true; busy; {
		w.round++
		var pushes []push
		for i := range rest {
			if !w.alive[i] {
				continue
			}
			for _, part := range divide(&rest[i], w.Fanout) {
				pushes = append(pushes, push{i, part[0], part[1:]})
			}
		}
		for _, p := range pushes {
			if w.sent(p.to) {
				if w.learn(p.to) {
					tried[p.to] = map[int]int{}
				}
				rest[p.to] = slices.Concat(rest[p.to], p.share)
				confirmed := w.sent(p.from)
				if w.fatal[p.to] {
					w.crash(p.to)
				}
				if confirmed {
					continue
				}
			}
			rest[p.from] = slices.Concat(rest[p.from], p.share)
			if tried[p.from][p.to]++; tried[p.from][p.to] < tries {
				rest[p.from] = append(rest[p.from], p.to)
			}
		}
		busy = len(pushes) > 0
	}
	w.res.Silence = w.round - 1
	w.repair()
	w.res.Total = w.res.Messages
}

// divide takes k of k+1 shares out of a list and keeps the last.
func divide(list *[]int, fanout int) (shares [][]int) {
	keep := max(1, (len(*list)+1)/(fanout+1)) - 1
	if len(*list) == 0 {
		return nil
	}
	others := (*list)[keep:]
	*list = (*list)[:keep:keep]
	for i := range fanout {
		if part := others[len(others)*i/fanout : len(others)*(i+1)/fanout]; len(part) > 0 {
			shares = append(shares, part)
		}
	}
	return shares
}

// The defaults of hashicorp/memberlist on a local network.
const (
	gossipNodes    = 3
	retransmitMult = 4
)

// memberlist is its broadcast: a node that hears something new hands it to
// three random peers a round, to RetransmitMult·⌈log10(n+1)⌉ of them in all.
// Nobody answers.
func memberlist(w *world) {
	limit := retransmitMult * decades(w.Nodes)
	left := make([]int, w.Nodes)
	left[0] = limit
	for busy := true; busy; {
		w.round++
		busy = false
		var heard []int
		for i := range left {
			if !w.alive[i] {
				continue
			}
			for _, to := range w.pick(i, min(gossipNodes, left[i])) {
				busy = true
				left[i]--
				if w.sent(to) {
					heard = append(heard, to)
				}
			}
		}
		for _, to := range heard {
			if w.alive[to] && w.learn(to) {
				left[to] = limit
				if w.fatal[to] {
					w.crash(to)
				}
			}
		}
	}
	w.res.Silence = w.round - 1
	w.repair()
	w.res.Total = w.res.Messages
}

// pick draws n others, each at most once.
func (w *world) pick(self, n int) []int {
	var picked []int
	for len(picked) < min(n, w.Nodes-1) {
		if i := w.rng.IntN(w.Nodes); i != self && !slices.Contains(picked, i) {
			picked = append(picked, i)
		}
	}
	return picked
}

// decades returns ⌈log10(n+1)⌉.
func decades(n int) int {
	d := 0
	for reach := 1; reach < n+1; reach *= 10 {
		d++
	}
	return d
}
