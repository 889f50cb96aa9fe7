package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Siege draws a script that works on the leases: a few nodes whose clocks drift
// as far as the rules allow, and one removal after another while processes are
// stopped, links are cut one way and packets come late and out of order. Most
// removals are an operator's, of nodes that are well: those hold a lease at the
// very moment when the others decide to go on without them.
func Siege(seed uint64) Script { return siege(seed, "") }

// SiegeOfLease is the same for clusters in which a lease outside decides, and that
// are cut off it as well.
func SiegeOfLease(seed uint64) Script { return siege(seed, "lease-majority:1s") }

func siege(seed uint64, downing string) Script {
	g := &author{rng: rand.New(rand.NewPCG(seed, 2)), leased: downing != ""}
	nodes := 3 + g.rng.IntN(3)
	if seed%8 == 7 {
		nodes = 10 + g.rng.IntN(5) // most lean on the leases of stewards
	}
	for id := range nodes {
		g.all = append(g.all, id+1)
	}
	g.write("seed %d", seed)
	g.write("timing fast")
	if downing != "" {
		g.write("downing %s", downing)
	}
	g.write("drift 0.05")
	g.write("rejoin %dms", 200+g.rng.IntN(2000))
	g.write("seeds n1 n2")
	g.write("start %s", list(g.all))
	g.write("run 6s")
	for range 6 + g.rng.IntN(10) {
		g.harass()
		g.pass(1500 * time.Millisecond)
	}
	return ParseScript(strings.Join(g.lines, "\n"))
}

// harass does one thing that a lease may not survive.
func (g *author) harass() {
	if g.leased && g.chance(20) {
		if g.chance(40) {
			g.write("store heal")
		} else {
			g.write("store cut %s", list(g.some(1+g.rng.IntN(len(g.all)))))
		}
		return
	}
	switch g.rng.IntN(12) {
	case 0, 1, 2:
		ids := g.some(2)
		g.rng.Shuffle(2, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		g.write("down n%d at n%d", ids[0], ids[1])
	case 3, 4:
		g.nap()
	case 5, 6:
		g.oneWay()
	case 7:
		g.partition()
	case 8:
		g.write("heal")
		g.cut = false
	case 9, 10:
		g.write("links 1ms to %dms loss 0.%02d duplicate 0.1 reorder 0.3", 10+g.rng.IntN(600), g.rng.IntN(20))
	case 11:
		g.fair()
	}
}

// nap stops a node for about as long as a lease lasts, before or after it was
// wanted out.
func (g *author) nap() {
	id := g.some(1)[0]
	stop := []string{fmt.Sprintf("freeze n%d", id)}
	if g.chance(50) {
		by := 1 + id%len(g.all)
		stop = append(stop, fmt.Sprintf("down n%d at n%d", id, by))
	}
	if g.chance(50) {
		slices.Reverse(stop)
	}
	for _, line := range stop {
		g.write("%s", line)
		if g.chance(50) {
			g.pass(300 * time.Millisecond)
		}
	}
	g.pass(2500 * time.Millisecond)
	g.write("thaw n%d", id)
}

// oneWay cuts what one node says to some others, or what they say to it.
func (g *author) oneWay() {
	order := g.some(len(g.all))
	g.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	one, rest := order[:1], order[1:1+g.rng.IntN(len(order)-1)]
	if len(rest) == 0 {
		rest = order[1:2]
	}
	if g.chance(50) {
		one, rest = rest, one
	}
	g.write("cut %s > %s", list(one), list(rest))
	g.cut = true
}
