package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

var (
	trapStories = flag.Int("traps", race.Less(10, 2), "how many stories of each first-seed trap TestTraps plays")
	trapsFrom   = flag.Uint64("traps-from", 1, "the first seed of them")
)

// A trap is a way of starting that would end in two clusters if the first seed
// founded without asking. Each story draws the sizes, the order and the gaps of
// the starts, the links and the timing; invariants are checked after every
// event, and in the end all nodes must be in one cluster. In every other story
// islands are only reported: then two clusters may stay, if on both sides an
// IslandDetected names both sizes.
//
//	go test ./clusterd/sim -run TestTraps -v -traps 10000
func TestTraps(t *testing.T) {
	for _, trap := range []struct {
		name  string
		write func(*author)
	}{
		{"first seed last", (*author).firstSeedLast},
		{"first seed restarts", (*author).firstSeedRestarts},
		{"two heads", (*author).twoHeads},
		{"two lists without a common seed", (*author).twoLists},
		{"all seeds restart", (*author).allSeedsRestart},
		{"twenty at once", (*author).twentyAtOnce},
	} {
		t.Run(trap.name, func(t *testing.T) {
			t.Parallel()
			var sum trapSum
			for i := range uint64(*trapStories) {
				tryTrap(t, *trapsFrom+i, trap.write, &sum)
			}
			t.Log(sum.String())
		})
	}
}

// trapEnd is the longest that the end of a story may take.
const trapEnd = 3 * time.Minute

func tryTrap(t *testing.T, seed uint64, write func(*author), sum *trapSum) {
	t.Helper()
	g := &author{rng: rand.New(rand.NewPCG(seed, 2))}
	g.write("seed %d", seed)
	g.sky()
	write(g)
	p := player{cfg: Config{ReportIslands: seed%2 == 0}}
	fail := func(format string, args ...any) {
		t.Errorf("repeat with -traps 1 -traps-from %d: %s\nthe story:\n%s", seed, fmt.Sprintf(format, args...), strings.Join(g.lines, "\n"))
	}
	for _, l := range g.lines {
		if _, err := p.play(l); err != nil {
			fail("%s: %v", l, err)
			return
		}
	}
	began := p.sim.Now()
	for !p.sim.trapped() {
		p.sim.Run(50 * time.Millisecond)
		if err := p.sim.Err(); err != nil || p.sim.Now()-began > trapEnd {
			fail("after %v: %s %v\n%s", p.sim.Now()-began, p.sim.amiss(), err, strings.Join(p.sim.stateText(nil), "\n"))
			return
		}
	}
	sum.add(p.sim, p.sim.Now()-began)
}

// trapSum is what the stories of one trap came to.
type trapSum struct {
	took             []time.Duration // to one cluster
	islands, founded int
	events           uint64
}

func (t *trapSum) add(s *Sim, took time.Duration) {
	if s.amiss() == "" {
		t.took = append(t.took, took)
	} else {
		t.islands++
	}
	if len(s.law.chains) > 1 {
		t.founded++
	}
	t.events += s.Events()
}

func (t *trapSum) String() string {
	slices.Sort(t.took)
	var median, worst time.Duration
	if n := len(t.took); n > 0 {
		median, worst = t.took[n/2], t.took[n-1]
	}
	return fmt.Sprintf("%d stories: %d end in one cluster after %v, at worst %v; %d in islands that both sides are told of; in %d more than one was founded; %d events",
		len(t.took)+t.islands, len(t.took), median, worst, t.islands, t.founded, t.events)
}

// trapped reports whether the story has ended well.
func (s *Sim) trapped() bool { return s.amiss() == "" || s.cfg.ReportIslands && s.apart() }

// apart reports whether those that run are two clusters, each calm in itself,
// and somebody on each side was told both sizes.
func (s *Sim) apart() bool {
	groups := map[member.Identity][]*node{}
	for _, n := range s.live(nil) {
		id := n.machine.Snapshot().Identity
		groups[id] = append(groups[id], n)
	}
	if len(groups) != 2 {
		return false
	}
	all := len(s.live(nil))
	for _, group := range groups { // order: all must be so
		first := group[0].machine.Snapshot()
		knows := func(n *node) bool {
			return slices.ContainsFunc(n.events, func(e engine.Event) bool {
				i, ok := e.(engine.IslandDetected)
				return ok && i.Own == len(group) && i.Size == all-len(group)
			})
		}
		for _, n := range group {
			snap := n.machine.Snapshot()
			if s.amissAt(n, &snap, &first, group)+s.amissMembers(n, snap.Members, group) != "" {
				return false
			}
		}
		if !slices.ContainsFunc(group, knows) {
			return false
		}
	}
	return true
}

// sky chooses the timing and the links of a trap.
func (g *author) sky() {
	if g.chance(60) {
		g.write("timing fast")
	}
	g.write("rejoin %dms", 1+g.rng.IntN(1000))
	if g.chance(30) {
		g.write("skew %ds", 1+g.rng.IntN(60))
	}
	if g.chance(70) {
		g.write("links 200µs to %dms loss 0.0%d duplicate 0.02 reorder 0.05", 2+g.rng.IntN(20), g.rng.IntN(3))
	}
}

// people draws how many nodes and seeds there are, and writes the list.
func (g *author) people(nodes, seeds int) {
	for id := range nodes {
		g.all = append(g.all, id+1)
	}
	g.seeds = seeds
	g.write("seeds %s", list(g.all[:seeds]))
}

// trickle starts nodes in any order, some at once, some up to d later.
func (g *author) trickle(ids []int, d time.Duration) {
	order := slices.Clone(ids)
	g.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for len(order) > 0 {
		k := 1 + g.rng.IntN(len(order))
		g.write("start %s", list(order[:k]))
		if order = order[k:]; len(order) > 0 {
			g.pass(d)
		}
	}
}

func (g *author) firstSeedLast() {
	g.people(3+g.rng.IntN(5), 2+g.rng.IntN(2))
	g.trickle(g.all[1:], 2*time.Second)
	g.pass(10 * time.Second)
	g.write("start n1")
}

func (g *author) firstSeedRestarts() {
	g.people(3+g.rng.IntN(5), 2+g.rng.IntN(2))
	g.trickle(g.all, time.Second)
	g.write("settle 90s")
	g.write("crash n1")
	g.gap()
	g.write("restart n1")
}

// gap is how long what was killed stays away: often not at all, or less than
// it takes the others to notice.
func (g *author) gap() {
	switch g.rng.IntN(4) {
	case 0:
	case 1:
		g.pass(300 * time.Millisecond)
	default:
		g.pass(12 * time.Second)
	}
}

// twoHeads gives n1 and whoever starts with it a list that n1 heads, n2 and the
// others the reverse.
func (g *author) twoHeads() {
	g.people(4+g.rng.IntN(4), 2+g.rng.IntN(2))
	batches := [][]int{{1}, {2}}
	for _, id := range g.all[2:] {
		k := g.rng.IntN(2)
		batches[k] = append(batches[k], id)
	}
	lists := [][]int{g.all[:g.seeds], slices.Clone(g.all[:g.seeds])}
	lists[1][0], lists[1][1] = 2, 1
	first := g.rng.IntN(2)
	for _, k := range []int{first, 1 - first} {
		g.write("seeds %s", list(lists[k]))
		g.trickle(batches[k], time.Second)
		if k == first {
			g.pass(2 * time.Second)
		}
	}
}

// twoLists have no seed in common: two clusters come of them for certain. They
// are cut off from each other meanwhile, which is the excuse that the invariant
// on founding wants. They hear of each other from a node that has both lists.
func (g *author) twoLists() {
	a, b := 1+g.rng.IntN(3), 2+g.rng.IntN(3)
	g.people(a+b, 1)
	left, right := g.all[:a], g.all[a:]
	g.write("cut %s | %s", list(left), list(right))
	g.trickle(left, time.Second)
	g.pass(2 * time.Second)
	g.write("seeds %s", list(right[:1]))
	g.trickle(right, time.Second)
	g.write("run 20s")
	g.write("heal")
	g.pass(2 * time.Second)
	g.write("seeds %s %s", name(left[0]), name(right[0]))
	g.write("start n%d", a+b+1)
}

func (g *author) allSeedsRestart() {
	seeds := 1 + g.rng.IntN(3)
	g.people(2*seeds+1+g.rng.IntN(3), seeds)
	g.trickle(g.all, time.Second)
	g.write("settle 90s")
	g.write("crash %s", list(g.all[:seeds]))
	g.gap()
	g.trickle(g.all[:seeds], 500*time.Millisecond)
}

func (g *author) twentyAtOnce() {
	g.people(20, 3)
	g.rng.Shuffle(len(g.all), func(i, j int) { g.all[i], g.all[j] = g.all[j], g.all[i] })
	g.write("start %s", list(g.all))
}
