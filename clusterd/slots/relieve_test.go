package slots

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/internal/race"
)

// busiest returns the largest load of a node beside its fair share.
func busiest(units [][]Node, load []uint64, members []Member) float64 {
	sum, weights, total := map[Node]float64{}, 0.0, 0.0
	for u, unit := range units {
		sum[unit[0]] += float64(load[u])
		total += float64(load[u])
	}
	for _, m := range members {
		weights += float64(max(m.Weight, 1))
	}
	most := 0.0
	for _, m := range members {
		most = max(most, sum[m.Node]/(total*float64(max(m.Weight, 1))/weights))
	}
	return most
}

func TestRelieve(t *testing.T) {
	race.SkipPure(t)
	for seed := range uint64(60) {
		h := &cluster{rnd: rand.New(rand.NewPCG(seed, 6)), weights: seed%2 == 0}
		for range 2 + h.rnd.IntN(5) {
			h.join()
		}
		units := Planner{}.Plan(make([][]Node, Count), h.members)
		load := make([]uint64, Count)
		for range 40 + h.rnd.IntN(400) { // hot slots in one neighbourhood
			load[h.rnd.IntN(Count/8)] += uint64(h.rnd.IntN(100))
		}
		before := busiest(units, load, h.members)
		_, counts := tally(units)
		for range 12 {
			units = Relieve(units, load, h.members)
		}
		after := busiest(units, load, h.members)
		if _, now := tally(units); fmt.Sprint(now) != fmt.Sprint(counts) {
			t.Fatalf("seed %d: nodes have %v units, want %v as before", seed, now, counts)
		}
		if before <= tolerance || after > max(tolerance, before/2) {
			t.Errorf("seed %d: the busiest node has %.2f times its share, after %.2f", seed, after, before)
		}
		if again := Relieve(units, load, h.members); after <= tolerance && !slices.EqualFunc(again, units, slices.Equal) {
			t.Errorf("seed %d: something moves though the load is even", seed)
		}
	}
}

// One unit that makes all the load stays: moving it would help nobody.
func TestRelieveLeavesOneHotUnit(t *testing.T) {
	members := []Member{{Node: "a"}, {Node: "b"}}
	units := Planner{}.Plan(make([][]Node, 16), members)
	load := make([]uint64, 16)
	load[3] = 1000
	if next := Relieve(units, load, members); !slices.EqualFunc(next, units, slices.Equal) {
		t.Errorf("%v became %v", units, next)
	}
}

// With copies, a unit's primary and replica change places.
func TestRelieveKeepsCopies(t *testing.T) {
	members := []Member{{Node: "a"}, {Node: "b"}, {Node: "c"}}
	units := Planner{Copies: 2}.Plan(make([][]Node, 48), members)
	load := make([]uint64, 48)
	for u, unit := range units {
		if unit[0] == "a" {
			load[u] = 10
		}
	}
	next := Relieve(units, load, members)
	if after := busiest(next, load, members); after > tolerance {
		t.Errorf("the busiest has %.2f times its share", after)
	}
	for u, unit := range next {
		if len(unit) != 2 || unit[0] == unit[1] {
			t.Errorf("unit %d is at %v", u, unit)
		}
	}
}
