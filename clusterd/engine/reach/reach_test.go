package reach

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
)

func node(i int) member.Node {
	return member.Node{Address: fmt.Sprintf("h:%d", i), UID: uint64(i)}
}

func randomRow(r *rand.Rand) *Row {
	row := &Row{Observer: member.Node{Address: "h:1", UID: 1 + r.Uint64N(2)}, Version: r.Uint64N(3)}
	for i := range 4 {
		if r.IntN(2) == 0 {
			row.Accused = append(row.Accused, node(i+1))
		}
	}
	return row
}

func TestMergeIsALattice(t *testing.T) {
	same := func(a, b *Row) bool { return string(a.AppendBinary(nil)) == string(b.AppendBinary(nil)) }
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b, c := randomRow(r), randomRow(r), randomRow(r)
		if !same(Merge(a, b), Merge(b, a)) {
			t.Fatalf("does not commute: %v and %v", a, b)
		}
		if !same(Merge(Merge(a, b), c), Merge(a, Merge(b, c))) {
			t.Fatalf("does not associate: %v, %v and %v", a, b, c)
		}
		if !same(Merge(a, a), a) || !same(Merge(Merge(a, b), b), Merge(a, b)) {
			t.Fatalf("is not idempotent: %v and %v", a, b)
		}
	}
}

func TestNeeded(t *testing.T) {
	for heard, want := range []int{1, 2, 3, 3, 3} {
		if got := Needed(heard); got != want {
			t.Errorf("Needed(%d): got %d, want %d", heard, got, want)
		}
	}
}

// TestCount checks against counting each subject by itself.
func TestCount(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var rows []*Row
		for i := range 6 {
			row := randomRow(r)
			row.Observer = node(i + 1)
			rows = append(rows, row)
		}
		counts := func(n member.Node) bool { return n.UID%2 == 0 }
		got := Count(rows, counts)
		for i := range 6 {
			want := 0
			for _, row := range rows {
				if counts(row.Observer) && slices.Contains(row.Accused, node(i+1)) {
					want++
				}
			}
			if got[node(i+1)] != want {
				t.Fatalf("accusers of %s: got %d, want %d", node(i+1), got[node(i+1)], want)
			}
		}
	}
}

func TestRing(t *testing.T) {
	nobody := func(member.Node) bool { return false }
	for _, n := range []int{1, 2, All, All + 1, 50} {
		var all []member.Node
		for i := range n {
			all = append(all, node(i+1))
		}
		watchers := map[member.Node]int{}
		for _, self := range all {
			others := slices.DeleteFunc(slices.Clone(all), func(o member.Node) bool { return o == self })
			got := Ring(self, others, nobody)
			want := min(n-1, Successors)
			if n <= All {
				want = n - 1
			}
			if len(got) != want || slices.Contains(got, self) {
				t.Fatalf("n=%d: %s monitors %v, want %d others", n, self, got, want)
			}
			for _, m := range got {
				watchers[m]++
			}
		}
		for _, self := range all {
			if want := min(n-1, Successors); watchers[self] < want {
				t.Errorf("n=%d: %s has %d monitors, want at least %d", n, self, watchers[self], want)
			}
		}
	}
}

func TestRingMovesOnPastTheAccused(t *testing.T) {
	var others []member.Node
	for i := range 30 {
		others = append(others, node(i+2))
	}
	first := Ring(node(1), others, func(member.Node) bool { return false })
	accused := func(n member.Node) bool { return slices.Contains(first[:2], n) }
	got := Ring(node(1), others, accused)
	if want := Successors + 2; len(got) != want {
		t.Errorf("got %d monitored, want %d: the accused and as many as before", len(got), want)
	}
	for _, n := range first {
		if !slices.Contains(got, n) {
			t.Errorf("%s is monitored no more", n)
		}
	}
}

func TestRowValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		row  *Row
		good bool
	}{
		{"good", &Row{Observer: node(1), Version: 1, Accused: []member.Node{node(2), node(3)}}, true},
		{"empty", &Row{Observer: node(1), Version: 1, Accused: nil}, true},
		{"nil", nil, false},
		{"unsorted", &Row{Observer: node(1), Version: 1, Accused: []member.Node{node(3), node(2)}}, false},
		{"repeated", &Row{Observer: node(1), Version: 1, Accused: []member.Node{node(2), node(2)}}, false},
		{"around", &Row{Observer: node(1), Version: 1, Around: []member.Node{node(2)}}, true},
		{"around unsorted", &Row{Observer: node(1), Version: 1, Around: []member.Node{node(3), node(2)}}, false},
		{"nobody's", &Row{Observer: member.Node{}, Version: 1, Accused: nil}, false},
	} {
		if err := c.row.Validate(); (err == nil) != c.good {
			t.Errorf("%s: got %v, want good=%t", c.name, err, c.good)
		}
	}
}
