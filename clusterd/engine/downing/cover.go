package downing

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Link is a broken connection between two members.
type Link struct {
	A, B member.Node
}

// maxCover bounds the search for the smallest cover: a cluster with more
// broken links to cover than that is cut, which the quorum judges, and needs
// the best answer less than an answer in time.
const maxCover = 12

// Cover returns, sorted, the smallest set of members without whom no link is
// broken and who leave a quorum behind: a minimum vertex cover of the graph of
// broken links, among those whose complement the strategy lets go on. Among
// equally small sets it takes the younger members first. All nodes with the same
// links, view and strategy name the same set. It is nil where no set leaves a
// quorum, and where nothing is broken. Links that touch nobody in the view do not
// count. Above twelve members to remove the set may be larger than the
// smallest: it is then found greedily, the most broken links first.
func Cover(v *member.View, links []Link, s Strategy) []member.Node {
	g := newGraph(v, links)
	if len(g.edges) == 0 {
		return nil
	}
	leaves := func(cover []int) bool {
		return s.Quorum(v, func(n member.Node) bool {
			at := slices.Index(g.nodes, n)
			return at < 0 || !slices.Contains(cover, at)
		})
	}
	var best []int
	if most := g.greedy(); len(most) > maxCover {
		if leaves(most) {
			best = most
		}
	} else {
		// A smallest set that leaves a quorum may be larger than the smallest of
		// all: the search goes on to where every broken link has both ends in it.
		for size := 1; size <= min(len(g.nodes), maxCover) && best == nil; size++ {
			best = g.search(nil, size, leaves)
		}
	}
	cover := make([]member.Node, len(best))
	for i, vertex := range best {
		cover[i] = g.nodes[vertex]
	}
	slices.SortFunc(cover, member.Node.Compare)
	return cover
}

// graph has the members at broken links as vertices, youngest first: the
// search tries these before the older ones.
type graph struct {
	nodes []member.Node
	edges [][2]int // smaller vertex first, sorted, no repetition
}

func newGraph(v *member.View, links []Link) *graph {
	g := &graph{}
	age := func(n member.Node) uint64 { return v.Find(n).UpNumber }
	for _, l := range links {
		if l.A != l.B && v.Find(l.A) != nil && v.Find(l.B) != nil {
			g.nodes = append(g.nodes, l.A, l.B)
		}
	}
	slices.SortFunc(g.nodes, func(a, b member.Node) int {
		switch x, y := age(a), age(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return b.Compare(a)
	})
	g.nodes = slices.Compact(g.nodes)
	for _, l := range links {
		a, b := slices.Index(g.nodes, l.A), slices.Index(g.nodes, l.B)
		if a >= 0 && b >= 0 && a != b {
			g.edges = append(g.edges, [2]int{min(a, b), max(a, b)})
		}
	}
	slices.SortFunc(g.edges, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	g.edges = slices.Compact(g.edges)
	return g
}

// open returns the first link that chosen leaves broken.
func (g *graph) open(chosen []int) (edge [2]int, found bool) {
	for _, e := range g.edges {
		if !slices.Contains(chosen, e[0]) && !slices.Contains(chosen, e[1]) {
			return e, true
		}
	}
	return [2]int{}, false
}

// search returns a cover that fits, has chosen in it and at most room members
// more, nil if there is none. Either end of the first open link must be in it, so
// the search branches in two, is at most room deep, and comes by every cover that
// can spare nobody. One that could would leave no more behind than one that
// cannot.
func (g *graph) search(chosen []int, room int, fits func(cover []int) bool) []int {
	edge, found := g.open(chosen)
	if !found {
		if !fits(chosen) {
			return nil
		}
		return slices.Clone(chosen)
	}
	if room == 0 {
		return nil
	}
	for _, vertex := range edge {
		if cover := g.search(append(chosen[:len(chosen):len(chosen)], vertex), room-1, fits); cover != nil {
			return cover
		}
	}
	return nil
}

// greedy takes the member with the most open links until none is left.
func (g *graph) greedy() []int {
	var chosen []int
	for {
		degree := make([]int, len(g.nodes))
		most := -1
		for _, e := range g.edges {
			if slices.Contains(chosen, e[0]) || slices.Contains(chosen, e[1]) {
				continue
			}
			degree[e[0]]++
			degree[e[1]]++
		}
		for vertex, d := range degree {
			if d > 0 && (most < 0 || d > degree[most]) {
				most = vertex
			}
		}
		if most < 0 {
			return chosen
		}
		chosen = append(chosen, most)
	}
}
