package downing

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
)

func link(a, b int) Link { return Link{A: node(a), B: node(b)} }

func TestCover(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int // the last is the oldest
		links []Link
		want  []member.Node
	}{
		{"no broken link", 3, nil, nil},
		{"one link: the younger goes", 3, []Link{link(2, 3)}, []member.Node{node(2)}},
		{"either order", 3, []Link{link(3, 2), link(2, 3)}, []member.Node{node(2)}},
		{"a star: its centre goes", 5, []Link{link(5, 1), link(5, 2), link(3, 5)}, []member.Node{node(5)}},
		{"a triangle", 4, []Link{link(1, 2), link(2, 3), link(1, 3)}, []member.Node{node(1), node(2)}},
		{"two pairs", 5, []Link{link(1, 4), link(2, 5)}, []member.Node{node(1), node(2)}},
		{"a stranger", 3, []Link{link(1, 9)}, nil},
		{"itself", 3, []Link{link(1, 1)}, nil},
	} {
		if got := Cover(view(c.n), c.links); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestCoverIsSmallest compares with a search through all subsets.
func TestCoverIsSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		n := 2 + r.IntN(8)
		var links []Link
		for range r.IntN(12) {
			links = append(links, link(1+r.IntN(n), 1+r.IntN(n)))
		}
		smallest := n
		for mask := range 1 << n {
			if covers(links, subset(mask)) {
				smallest = min(smallest, bits.OnesCount(uint(mask)))
			}
		}
		cover := Cover(view(n), links)
		if !covers(links, func(m member.Node) bool { return slices.Contains(cover, m) }) {
			t.Fatalf("links %v: %v leaves one broken", links, cover)
		}
		if len(cover) != smallest {
			t.Errorf("links %v: got %v, want %d members", links, cover, smallest)
		}
	}
}

func covers(links []Link, has func(member.Node) bool) bool {
	for _, l := range links {
		if l.A != l.B && !has(l.A) && !has(l.B) {
			return false
		}
	}
	return true
}

// TestCoverOfManyLinks has no time for the smallest set, yet leaves no link.
func TestCoverOfManyLinks(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var links []Link
	for range 400 {
		links = append(links, link(1+r.IntN(100), 1+r.IntN(100)))
	}
	cover := Cover(view(100), links)
	if !covers(links, func(m member.Node) bool { return slices.Contains(cover, m) }) {
		t.Errorf("%d members leave a link broken", len(cover))
	}
}
