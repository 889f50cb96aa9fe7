package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Random draws a script of a cluster's life from a seed: nodes start in any
// order, faults come and go, then the world is repaired and must become calm.
// nodes is how many there are; 0 = 3 to 50, drawn too: see size. A story lasts a
// few minutes at most.
func Random(seed uint64, nodes int) Script {
	g := &author{rng: rand.New(rand.NewPCG(seed, 1))}
	if nodes == 0 {
		nodes = size(g.rng.Float64())
	}
	g.write("seed %d", seed)
	g.world(nodes)
	g.birth()
	for range 2 + g.rng.IntN(8) {
		g.fault()
		g.pass(4 * time.Second)
	}
	g.repair()
	return ParseScript(strings.Join(g.lines, "\n"))
}

// The sizes of drawn worlds.
const (
	smallest = 3
	small    = reach.All
	largest  = 50
)

// size turns a number from 0 to 1 into a number of nodes. Most faults need no
// more than a few nodes, and of these twenty stories take no longer than one of
// fifty: nine of ten worlds have 3 to 8. One of ten has 9 to 50, where not all
// monitor each other.
func size(u float64) int {
	const most = 0.9
	if u < most {
		return smallest + int(u/most*(small-smallest))
	}
	return min(largest, int(small*math.Pow((largest+1)/small, (u-most)/(1-most))))
}

// author writes a random script. It remembers what it did to each node, not
// what came of it.
type author struct {
	rng   *rand.Rand
	lines []string
	seeds int
	all   []int
	down  []int // crashed
	cold  []int // frozen
	lame  []int // slow
	cut   bool
	bad   bool // links are

	leased bool // a lease outside the cluster decides
}

func (g *author) write(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

// chance is true in p of 100 cases.
func (g *author) chance(p int) bool { return g.rng.IntN(100) < p }

// pass lets some time pass, at most d.
func (g *author) pass(d time.Duration) {
	if ms := g.rng.Int64N(d.Milliseconds()); ms > 0 {
		g.write("run %v", time.Duration(ms)*time.Millisecond)
	}
}

// world chooses what comes before the first start.
func (g *author) world(nodes int) {
	if g.chance(70) {
		g.write("timing fast")
	}
	if g.chance(60) {
		g.write("rejoin %dms", 1+g.rng.IntN(2000))
	}
	if g.chance(20) {
		g.write("skew %ds", 1+g.rng.IntN(60))
	}
	if g.chance(20) {
		g.write("drift 0.0%d", 1+g.rng.IntN(5))
	}
	if g.chance(20) {
		g.write("symmetric true")
	}
	if g.chance(10) {
		g.write("minimum %d", 1+g.rng.IntN(nodes))
	}
	if g.chance(20) {
		g.write("islands report")
	}
	if g.chance(30) {
		g.write("links 200µs to %dms loss 0.01 duplicate 0.02 reorder 0.05", 2+g.rng.IntN(20))
	}
	for id := range nodes {
		g.all = append(g.all, id+1)
	}
	g.seeds = min(nodes, 1+g.rng.IntN(3))
	g.write("seeds %s", list(g.all[:g.seeds]))
}

// birth starts all nodes, in any order, some at once.
func (g *author) birth() {
	order := slices.Clone(g.all)
	g.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for len(order) > 0 {
		k := 1 + g.rng.IntN(len(order))
		g.write("start %s", list(order[:k]))
		order = order[k:]
		g.pass(3 * time.Second)
	}
	if g.chance(70) {
		g.write("settle 15s")
	}
}

// fault does one thing to the cluster.
func (g *author) fault() {
	switch n := g.rng.IntN(100); {
	case n < 20:
		g.crash()
	case n < 30:
		g.restart()
	case n < 40:
		g.depart()
	case n < 58:
		g.partition()
	case n < 68:
		g.stall()
	case n < 78:
		g.weather()
	case n < 84:
		g.write("settle 10s")
	case n < 90:
		g.drag()
	case n < 93:
		g.write("down %s at %s", name(g.one()), name(g.one()))
	case n < 96:
		g.bereave()
	case n < 98:
		g.separate()
	default:
		g.shutDown()
	}
}

// depart has somebody leave, sometimes while a cut begins.
func (g *author) depart() {
	g.write("leave %s", name(g.one()))
	if !g.cut && g.chance(30) {
		g.partition()
	}
}

// bereave takes so many away that the rest has no quorum, and has an operator
// recover one of the rest, once he can see who is gone: earlier he would count
// the dead among those that go on, and had to do it again.
func (g *author) bereave() {
	gone := g.some(len(g.all) - 1 - g.rng.IntN((len(g.all)+1)/2))
	g.write("crash %s", list(gone))
	g.down = append(g.down, gone...)
	g.write("run %ds", 4+g.rng.IntN(5))
	left := slices.DeleteFunc(slices.Clone(g.all), func(id int) bool { return slices.Contains(g.down, id) })
	if len(left) > 0 {
		g.write("recover %s", name(left[g.rng.IntN(len(left))]))
	}
}

// separate restarts nodes on one side of a cut, so that they may found a
// cluster of their own: an island, once the cut ends.
func (g *author) separate() {
	if g.cut {
		return
	}
	at := 1 + g.rng.IntN(len(g.all)-1)
	a, b := g.all[:at], g.all[at:]
	g.write("cut %s | %s", list(a), list(b))
	g.write("crash %s", list(a))
	g.write("start %s", list(a))
	g.pass(20 * time.Second)
	g.write("heal")
}

// shutDown stops the whole cluster, and starts it anew some time later.
func (g *author) shutDown() {
	g.write("shutdown %s", name(g.one()))
	g.pass(5 * time.Second)
	if !g.cut {
		g.write("start %s", list(g.all))
		g.down = nil
	}
}

// one returns a node, at random.
func (g *author) one() int { return g.all[g.rng.IntN(len(g.all))] }

// some returns k nodes, at random.
func (g *author) some(k int) []int {
	order := slices.Clone(g.all)
	g.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	slices.Sort(order[:k])
	return order[:k]
}

func (g *author) crash() {
	ids := g.some(1 + g.rng.IntN(max(1, len(g.all)/3)))
	g.write("crash %s", list(ids))
	g.down = append(g.down, ids...)
}

// restart starts what crashed. Not during a cut: that may found a second
// cluster by rights.
func (g *author) restart() {
	if len(g.down) == 0 || g.cut {
		return
	}
	g.write("restart %s", list(g.down))
	g.down = nil
}

// partition cuts the nodes in two, or one link, one way or both; or heals.
func (g *author) partition() {
	if g.cut {
		g.write("heal")
		g.cut = false
		return
	}
	order := g.some(len(g.all))
	g.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	at := 1 + g.rng.IntN(len(order)-1)
	a, b, sign := order[:at], order[at:], "|"
	if g.chance(30) {
		a, b = a[:1], b[:1]
	}
	if g.chance(30) {
		sign = ">"
	}
	g.write("cut %s %s %s", list(a), sign, list(b))
	g.cut = true
}

func (g *author) stall() {
	if len(g.cold) > 0 {
		g.write("thaw %s", list(g.cold))
		g.cold = nil
		return
	}
	g.cold = g.some(1)
	g.write("freeze %s", list(g.cold))
}

// drag makes some nodes slow, or all quick again.
func (g *author) drag() {
	if len(g.lame) > 0 {
		g.write("slow %s 0s", list(g.lame))
		g.lame = nil
		return
	}
	g.lame = g.some(1 + g.rng.IntN(2))
	g.write("slow %s %dms", list(g.lame), 1+g.rng.IntN(300))
}

func (g *author) weather() {
	if g.bad = !g.bad; g.bad {
		g.write("links 1ms to %dms loss 0.%02d duplicate 0.05 reorder 0.2", 2+g.rng.IntN(200), g.rng.IntN(40))
		return
	}
	g.fair()
}

func (g *author) fair() { g.write("links 200µs to 2ms") }

// repair ends all faults and demands calm.
func (g *author) repair() {
	g.write("heal")
	g.fair()
	if len(g.cold) > 0 {
		g.write("thaw %s", list(g.cold))
	}
	if len(g.lame) > 0 {
		g.write("slow %s 0s", list(g.lame))
	}
	g.write("settle 12s")
	g.write("start %s", list(g.all[:g.seeds]))
	g.write("finish 90s")
}

// list writes nodes as scripts name them.
func list(ids []int) string {
	var names []string
	for _, id := range ids {
		names = append(names, name(id))
	}
	return strings.Join(names, " ")
}
