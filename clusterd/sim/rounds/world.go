package rounds

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// world is who lives, who knows, and what was sent.
type world struct {
	Setup
	rng   *rand.Rand
	alive []bool
	fatal []bool
	knows []bool
	round int
	live  int // nodes that live
	told  int // nodes that live and know
	res   Result
}

func newWorld(s Setup, seed, run uint64) *world {
	w := &world{Setup: s, rng: rand.New(rand.NewPCG(seed, run))}
	w.alive, w.fatal, w.knows = make([]bool, s.Nodes), make([]bool, s.Nodes), make([]bool, s.Nodes)
	for i := range w.alive {
		w.alive[i] = true
	}
	w.strike(s.Dead, func(i int) { w.alive[i] = false })
	w.strike(s.Fatal, func(i int) { w.fatal[i] = true })
	for _, alive := range w.alive {
		if alive {
			w.live++
		}
	}
	w.knows[0], w.told = true, 1
	return w
}

// strike has a part of the nodes meet their fate, one at least, but not node 0.
func (w *world) strike(part float64, fate func(i int)) {
	if part == 0 {
		return
	}
	struck := min(w.Nodes-1, int(math.Ceil(part*float64(w.Nodes))))
	for _, i := range w.rng.Perm(w.Nodes - 1)[:struck] {
		fate(i + 1)
	}
}

// sent counts a message and reports whether it arrives.
func (w *world) sent(to int) bool {
	w.res.Messages++
	return w.alive[to] && (w.Loss == 0 || w.rng.Float64() >= w.Loss)
}

// learn notes that a living node knows, and reports whether it did not before.
func (w *world) learn(i int) bool {
	if w.knows[i] {
		return false
	}
	w.knows[i] = true
	w.told++
	if w.told == w.live {
		w.res.Rounds = w.round
	}
	return true
}

// crash ends a node.
func (w *world) crash(i int) {
	w.alive[i] = false
	w.live--
	if w.knows[i] {
		w.told--
	}
	if w.told == w.live && w.res.Rounds == 0 {
		w.res.Rounds = w.round
	}
}

// repair is what anti-entropy does once the strategy is silent: each round,
// each node sends its digest to one other. That costs the same at rest and is
// not counted; what a difference costs is: the answer with the buckets, the
// request, and the news.
func (w *world) repair() {
	w.res.Untold = w.live - w.told
	for w.told < w.live {
		w.round++
		var pairs [][2]int
		for i, alive := range w.alive {
			if j := w.rng.IntN(w.Nodes); alive && w.alive[j] && w.knows[i] != w.knows[j] {
				pairs = append(pairs, [2]int{i, j})
			}
		}
		for _, p := range pairs {
			arrives := true
			for range 3 {
				arrives = arrives && w.sent(p[0])
				w.res.Repairs++
			}
			if arrives {
				w.learn(p[0])
				w.learn(p[1])
			}
		}
	}
}

func (w *world) result() Result {
	w.res.Live = w.live
	return w.res
}

// clock turns rounds into time, a second each.
func clock(round int) time.Time { return time.Unix(int64(round), 0).UTC() }

// nodeOf and indexOf name nodes so that their order is that of their numbers.
func nodeOf(i int) member.Node { return member.Node{Address: "n", UID: uint64(i) + 1} }

func indexOf(n member.Node) int { return int(n.UID) - 1 }

func everybody(n int) []member.Node {
	nodes := make([]member.Node, n)
	for i := range nodes {
		nodes[i] = nodeOf(i)
	}
	return nodes
}

// news is what is spread.
var news = gossip.Facts{Rows: []*reach.Row{{Observer: nodeOf(0), Version: 1}}}
