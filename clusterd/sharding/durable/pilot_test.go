package durable

import (
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/slots"
)

// TestPlanStandsWhileItIsCarriedOut: a fourth node gets its replicas one by one. A
// look at half-made moves must not send others there, or take those back.
func TestPlanStandsWhileItIsCarriedOut(t *testing.T) {
	nodes := []slots.Node{"a", "b", "c", "d"}
	members := func(n int) (list []slots.Member) {
		for _, node := range nodes[:n] {
			list = append(list, slots.Member{Node: node})
		}
		return list
	}
	current, known := make([][]slots.Node, 64), make([]bool, 64)
	for i := range current {
		current[i] = slices.Concat(nodes[i%3:3], nodes[:i%3])
		known[i] = true
	}
	var p pilot
	p.chart(3, current, known, members(3))
	plan := p.chart(3, current, known, members(4))
	moves := 0
	for i := range current {
		if !slices.Contains(plan[i], "d") {
			continue
		}
		switch moves++; moves % 3 {
		case 0:
			current[i] = plan[i]
		case 1:
			current[i] = append(current[i], "d") // a replica comes before another one leaves
		}
	}
	if got := p.chart(3, current, known, members(4)); !slices.EqualFunc(got, plan, slices.Equal) {
		t.Errorf("planned again in the middle of a move: got\n%v, want\n%v", got, plan)
	}
	back := p.chart(3, current, known, members(3))
	for i, unit := range back {
		if slices.Contains(unit, "d") || len(unit) != 3 {
			t.Errorf("shard %d without the fourth node: got %v", i, unit)
		}
	}
	var young pilot
	known[5] = false
	if young.chart(3, current, known, members(4)); young.units != nil {
		t.Error("a plan made without knowing all rows stands, want it made again")
	}
}
