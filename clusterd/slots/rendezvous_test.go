package slots

import (
	"fmt"
	"slices"
	"testing"
)

func addresses(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("10.0.%d.%d:7001", i/256, i%256)
	}
	return list
}

func TestAssignIsAFunctionOfTheSet(t *testing.T) {
	nodes := addresses(5)
	mixed := append(slices.Clone(nodes[2:]), nodes[1], nodes[0], nodes[3])
	a, b := Assign(nodes), Assign(mixed)
	if !slices.Equal(a.winner, b.winner) || !slices.Equal(a.nodes, b.nodes) {
		t.Error("the order of the nodes, or a duplicate, changes the winners")
	}
}

func TestAssignBalance(t *testing.T) {
	for _, n := range []int{2, 3, 4, 10, 50} {
		a := Assign(addresses(n))
		even := float64(Count) / float64(n)
		for _, node := range a.Nodes() {
			if got := float64(a.Share(node).Len()); got < 0.8*even || got > 1.2*even {
				t.Errorf("%d nodes: %s has %.0f slots, want %.0f ± 20 %%", n, node, got, even)
			}
		}
	}
}

func TestAssignMovesTheLeast(t *testing.T) {
	nodes := addresses(6)
	before, after := Assign(nodes[:5]), Assign(nodes)
	moved := 0
	for slot := range uint16(Count) {
		from, _ := before.Winner(slot)
		to, _ := after.Winner(slot)
		if from == to {
			continue
		}
		moved++
		if to != nodes[5] {
			t.Fatalf("slot %d moved from %s to %s when %s came", slot, from, to, nodes[5])
		}
	}
	if got := after.Share(nodes[5]).Len(); moved != got {
		t.Errorf("%d slots moved, want the newcomer's %d", moved, got)
	}
}

func TestSharesCoverAllSlotsOnce(t *testing.T) {
	a := Assign(addresses(7))
	all, sum := new(Set), 0
	for _, node := range a.Nodes() {
		share := a.Share(node)
		all.Union(share)
		sum += share.Len()
	}
	if !all.Equal(All()) || sum != Count {
		t.Errorf("shares have %d slots, %d distinct, want %d", sum, all.Len(), Count)
	}
}

func TestAssignNobody(t *testing.T) {
	a := Assign(nil)
	if node, ok := a.Winner(7); ok {
		t.Errorf("Winner = %q, want none", node)
	}
	if !a.Share("x").Empty() {
		t.Error("somebody has a share of nothing")
	}
}

func BenchmarkAssign10(b *testing.B) {
	nodes := addresses(10)
	b.ReportAllocs()
	for b.Loop() {
		Assign(nodes)
	}
}
