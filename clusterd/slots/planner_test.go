package slots

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/internal/race"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		name   string
		total  int
		claims []claim
		want   []int
	}{
		{"even", 9, []claim{{1, 0, 9}, {1, 0, 9}, {1, 0, 9}}, []int{3, 3, 3}},
		{"the rest stays where it is", 10, []claim{{1, 3, 9}, {1, 4, 9}, {1, 3, 9}}, []int{3, 4, 3}},
		{"weights", 12, []claim{{1, 0, 12}, {3, 0, 12}, {2, 0, 12}}, []int{2, 6, 4}},
		{"a limit gives to the others", 12, []claim{{1, 0, 12}, {4, 0, 4}, {1, 0, 12}}, []int{4, 4, 4}},
		{"limits below the total", 12, []claim{{1, 0, 3}, {1, 0, 4}}, []int{3, 4}},
		{"nobody", 12, nil, []int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := share(c.total, c.claims); !slices.Equal(got, c.want) {
				t.Errorf("share = %v, want %v", got, c.want)
			}
		})
	}
}

// cluster is a random history of members.
type cluster struct {
	rnd     *rand.Rand
	zones   int
	weights bool
	members []Member
	born    int
}

func (c *cluster) join() {
	m := Member{Node: Node(fmt.Sprintf("n%03d", c.born))}
	if c.zones > 0 {
		m.Zone = fmt.Sprintf("z%d", c.born%c.zones)
	}
	if c.weights {
		m.Weight = 1 + c.rnd.IntN(4)
	}
	c.born++
	c.members = append(c.members, m)
}

func (c *cluster) stir(most int) {
	if n := len(c.members); n > 1 && (n >= most || c.rnd.IntN(2) == 0) {
		i := c.rnd.IntN(n)
		c.members = slices.Delete(c.members, i, i+1)
		return
	}
	c.join()
}

// tally counts what each node holds.
func tally(units [][]Node) (copies, primaries map[Node]int) {
	copies, primaries = map[Node]int{}, map[Node]int{}
	for _, unit := range units {
		for k, node := range unit {
			copies[node]++
			if k == 0 {
				primaries[node]++
			}
		}
	}
	return copies, primaries
}

// spread returns the largest difference from a node's exact share.
func spread(count map[Node]int, total int, members []Member) (least, most float64) {
	weight := 0
	for _, m := range members {
		weight += max(m.Weight, 1)
	}
	for _, m := range members {
		d := float64(count[m.Node]) - float64(total)*float64(max(m.Weight, 1))/float64(weight)
		least, most = min(least, d), max(most, d)
	}
	return least, most
}

// leastMoves is what any plan must copy to bring the members to shares rounded
// down or up: who has more than the rounded-up share gives, who has less than
// the rounded-down one takes, and what nobody holds any more is copied anew.
func leastMoves(before [][]Node, copies int, members []Member) int {
	alive := map[Node]int{}
	weight, want, kept := 0, len(before)*min(copies, len(members)), 0
	for _, m := range members {
		weight += max(m.Weight, 1)
		alive[m.Node] = 0
	}
	for _, unit := range before {
		for _, node := range unit {
			if n, ok := alive[node]; ok {
				alive[node] = n + 1
				kept++
			}
		}
	}
	over, under := 0, 0
	for _, m := range members {
		exact := want * max(m.Weight, 1)
		over += max(0, alive[m.Node]-(exact+weight-1)/weight)
		under += max(0, exact/weight-alive[m.Node])
	}
	return max(over+want-kept, under)
}

func moves(before, after [][]Node) (n int) {
	for u := range after {
		for _, node := range after[u] {
			if !slices.Contains(before[u], node) {
				n++
			}
		}
	}
	return n
}

func TestPlannerOverHistories(t *testing.T) {
	race.SkipPure(t)
	for _, c := range []struct {
		name          string
		units, copies int
		zones         int
		weights       bool
		steps         int
	}{
		{"slots", Count, 1, 0, false, 25},
		{"slots with weights", Count, 1, 0, true, 25},
		{"shards", 256, 3, 0, false, 60},
		{"shards in pairs", 256, 2, 0, false, 60},
		{"few shards", 16, 3, 0, false, 60},
		{"shards in three zones", 256, 3, 3, false, 60},
		{"pairs in three zones", 256, 2, 3, false, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			moved, least := 0, 0
			for seed := range uint64(4) {
				h := &cluster{rnd: rand.New(rand.NewPCG(seed, 5)), zones: c.zones, weights: c.weights}
				units := make([][]Node, c.units)
				for step := range c.steps {
					h.stir(9)
					next := Planner{Copies: c.copies}.Plan(units, h.members)
					checkPlan(t, fmt.Sprintf("seed %d step %d", seed, step), next, c.copies, h)
					moved += moves(units, next)
					least += leastMoves(units, c.copies, h.members)
					units = next
				}
			}
			t.Logf("moved %d copies, the least possible is %d: %.4f", moved, least, float64(moved)/float64(least))
			if c.zones == 0 && float64(moved) > 1.02*float64(least) {
				t.Errorf("moved %d copies, want at most 1.02 times the least possible, %d", moved, least)
			}
		})
	}
}

// checkPlan holds what [Planner.Plan] promises.
func checkPlan(t *testing.T, when string, units [][]Node, copies int, h *cluster) {
	t.Helper()
	copies = min(copies, len(h.members))
	zone := map[Node]string{}
	zones := map[string]int{}
	for _, m := range h.members {
		zone[m.Node] = m.Zone
		zones[m.Zone]++
	}
	for u, unit := range units {
		in := map[string]int{}
		for k, node := range unit {
			if slices.Contains(unit[:k], node) {
				t.Fatalf("%s: unit %d has two copies on %s: %v", when, u, node, unit)
			}
			if _, ok := zone[node]; !ok {
				t.Fatalf("%s: unit %d is at %s, which is no member", when, u, node)
			}
			in[zone[node]]++
		}
		if len(unit) != copies {
			t.Fatalf("%s: unit %d has %d copies, want %d", when, u, len(unit), copies)
		}
		if len(zones) >= copies && len(in) != copies {
			t.Fatalf("%s: unit %d is at %v, in %d zones, want %d", when, u, unit, len(in), copies)
		}
	}
	if h.zones > 0 {
		return // zones of different sizes cannot all be even
	}
	c, p := tally(units)
	for what, count := range map[string]map[Node]int{"copies": c, "primaries": p} {
		total := len(units)
		if what == "copies" {
			total *= copies
		}
		if h.weights && copies > 1 {
			continue
		}
		if least, most := spread(count, total, h.members); least <= -1 || most >= 1 {
			t.Fatalf("%s: %s differ from the exact shares by %.2f to %.2f, want less than 1: %v", when, what, least, most, count)
		}
	}
}

// Three equal zones: both copies and primaries must be even again.
func TestPlannerEqualZones(t *testing.T) {
	for _, n := range []int{3, 6, 9} {
		h := &cluster{zones: 3}
		for range n {
			h.join()
		}
		units := Planner{Copies: 3}.Plan(make([][]Node, 256), h.members)
		c, p := tally(units)
		if least, most := spread(c, 3*256, h.members); least <= -1 || most >= 1 {
			t.Errorf("%d nodes: copies %v", n, c)
		}
		if least, most := spread(p, 256, h.members); least <= -1 || most >= 1 {
			t.Errorf("%d nodes: primaries %v", n, p)
		}
	}
}

func TestPlannerRepeats(t *testing.T) {
	h := &cluster{rnd: rand.New(rand.NewPCG(1, 1))}
	for range 5 {
		h.join()
	}
	p := Planner{Copies: 3}
	first := p.Plan(make([][]Node, 256), h.members)
	slices.Reverse(h.members)
	if again := p.Plan(first, h.members); moves(first, again) != 0 || !slices.EqualFunc(first, again, slices.Equal) {
		t.Error("a plan of a balanced placement changes it")
	}
}

func TestPlacedMoves(t *testing.T) {
	h := &cluster{}
	for range 3 {
		h.join()
	}
	three, made := NewPlaced(Planner{}, Count).Next(h.members)
	if len(made) != 3 || made[0].From != "" {
		t.Errorf("founding takes %v, want three ranges from nobody", made)
	}
	h.join()
	four, moved := three.Next(h.members)
	sum := uint64(0)
	for _, m := range moved {
		sum += m.Last - m.First + 1
		if m.To != "n003" || m.From == "" {
			t.Errorf("movement %v, want only to the newcomer", m)
		}
	}
	if sum != Count/4 {
		t.Errorf("%d slots move, want %d", sum, Count/4)
	}
	if got := four.Replicas("foo"); len(got) != 1 {
		t.Errorf("foo is at %v, want one node", got)
	}
}

func BenchmarkPlanSlots(b *testing.B) {
	h := &cluster{}
	for range 10 {
		h.join()
	}
	units := Planner{}.Plan(make([][]Node, Count), h.members)
	h.join()
	b.ReportAllocs()
	for b.Loop() {
		Planner{}.Plan(units, h.members)
	}
}

func BenchmarkPlanShards(b *testing.B) {
	h := &cluster{}
	for range 10 {
		h.join()
	}
	units := Planner{Copies: 3}.Plan(make([][]Node, 256), h.members)
	h.join()
	b.ReportAllocs()
	for b.Loop() {
		Planner{Copies: 3}.Plan(units, h.members)
	}
}
