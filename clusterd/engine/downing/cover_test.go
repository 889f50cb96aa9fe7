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
		s     Strategy // nil = keep-majority
	}{
		{"no broken link", 3, nil, nil, nil},
		{"one link: the younger goes", 3, []Link{link(2, 3)}, []member.Node{node(2)}, nil},
		{"either order", 3, []Link{link(3, 2), link(2, 3)}, []member.Node{node(2)}, nil},
		{"a star: its centre goes", 5, []Link{link(5, 1), link(5, 2), link(3, 5)}, []member.Node{node(5)}, nil},
		{"a triangle", 4, []Link{link(1, 2), link(2, 3), link(1, 3)}, []member.Node{node(1), node(2)}, nil},
		{"two pairs", 5, []Link{link(1, 4), link(2, 5)}, []member.Node{node(1), node(2)}, nil},
		{"a stranger", 3, []Link{link(1, 9)}, nil, nil},
		{"itself", 3, []Link{link(1, 1)}, nil, nil},
		{"most would go", 3, []Link{link(1, 2), link(2, 3), link(1, 3)}, nil, nil},
		{"a triangle, and who is left is enough", 3, []Link{link(1, 2), link(2, 3), link(1, 3)}, []member.Node{node(1), node(2)}, KeepReferee{"h:3"}},
		{"the referee stays", 3, []Link{link(1, 3)}, []member.Node{node(3)}, KeepReferee{"h:1"}},
		{"the referee stays, though it has most broken links", 5, []Link{link(1, 2), link(1, 3), link(1, 4)}, []member.Node{node(2), node(3), node(4)}, KeepReferee{"h:1"}},
		{"down-all: nobody can be spared", 3, []Link{link(2, 3)}, nil, DownAll{}},
		{"static: too few would be left", 4, []Link{link(1, 2), link(3, 4)}, nil, StaticQuorum{Size: 3}},
	} {
		if c.s == nil {
			c.s = KeepMajority{}
		}
		if got := Cover(view(c.n), c.links, c.s); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestCoverIsSmallest compares with a search through all subsets: of those that
// leave no link broken and a quorum behind, none is smaller.
func TestCoverIsSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		n, s := 2+r.IntN(8), strategies[r.IntN(len(strategies))]
		var links []Link
		for range r.IntN(12) {
			links = append(links, link(1+r.IntN(n), 1+r.IntN(n)))
		}
		smallest, possible := n, false
		for mask := range 1 << n {
			if covers(links, subset(mask)) && s.Quorum(view(n), subset((1<<n-1)&^mask)) {
				possible = true
				smallest = min(smallest, bits.OnesCount(uint(mask)))
			}
		}
		cover := Cover(view(n), links, s)
		if !possible {
			smallest = 0
			if len(cover) == 0 {
				continue
			}
		}
		if !covers(links, func(m member.Node) bool { return slices.Contains(cover, m) }) {
			t.Fatalf("%s, links %v: %v leaves one broken", s, links, cover)
		}
		if len(cover) != smallest {
			t.Errorf("%s, links %v: got %v, want %d members", s, links, cover, smallest)
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
		links = append(links, link(1+r.IntN(99), 1+r.IntN(99)))
	}
	cover := Cover(view(100), links, KeepReferee{"h:100"})
	if !covers(links, func(m member.Node) bool { return slices.Contains(cover, m) }) {
		t.Errorf("%d members leave a link broken", len(cover))
	}
}
