package reach

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// The shape of monitoring.
const (
	All        = 9 // up to so many nodes, everybody monitors everybody
	Successors = 5 // m: how many ring successors a node monitors beyond that
)

// Ring returns whom self monitors among others, in no particular order: all
// of them in a small cluster, else its successors on a ring ordered by hash.
// The walk moves on past nodes that skip accepts, those that self accuses;
// they are monitored too until they answer or are removed.
func Ring(self member.Node, others []member.Node, skip func(member.Node) bool) []member.Node {
	if len(others)+1 <= All {
		return slices.Clone(others)
	}
	var monitored []member.Node
	nearest := NewNearest(self)
	for _, n := range others {
		if skip(n) {
			monitored = append(monitored, n)
		} else {
			nearest.Offer(n)
		}
	}
	return nearest.AppendTo(monitored)
}

// Nearest finds the ring successors of a node among those that it is offered,
// one by one, in any order and any number of times. The zero value is unusable.
type Nearest struct {
	here   uint64
	places [Successors]place // sorted by distance
	count  int
}

// NewNearest returns a Nearest that was offered nobody.
func NewNearest(self member.Node) Nearest { return Nearest{here: placeOf(self).hash} }

// Offer takes n into account.
func (s *Nearest) Offer(n member.Node) {
	p := placeOf(n)
	p.hash -= s.here // wraps: the distance walked
	if s.count == Successors && p.compare(s.places[Successors-1]) >= 0 || s.Has(n) {
		return
	}
	if s.count < Successors {
		s.count++
	}
	i := s.count - 1
	for ; i > 0 && p.compare(s.places[i-1]) < 0; i-- {
		s.places[i] = s.places[i-1]
	}
	s.places[i] = p
}

// Has reports whether n is one of those found.
func (s *Nearest) Has(n member.Node) bool {
	for i := range s.count {
		if s.places[i].node == n {
			return true
		}
	}
	return false
}

// AppendTo appends those found, the nearest first.
func (s *Nearest) AppendTo(list []member.Node) []member.Node {
	for _, p := range s.places[:s.count] {
		list = append(list, p.node)
	}
	return list
}

// place is a node's place on the ring: neighbours by address often share a
// host, neighbours by hash seldom do.
type place struct {
	hash uint64
	node member.Node
}

func placeOf(n member.Node) place {
	var text [64]byte
	return place{xxhash.Sum64(binary.BigEndian.AppendUint64(append(text[:0], n.Address...), n.UID)), n}
}

func (p place) compare(o place) int {
	if c := cmp.Compare(p.hash, o.hash); c != 0 {
		return c
	}
	return p.node.Compare(o.node)
}

// Sort orders nodes as a walk along the ring from self meets them.
func Sort(self member.Node, nodes []member.Node) {
	here := placeOf(self)
	places := make([]place, len(nodes))
	for i, n := range nodes {
		places[i] = placeOf(n)
		places[i].hash -= here.hash // wraps: the distance walked from self
	}
	slices.SortFunc(places, place.compare)
	for i := range places {
		nodes[i] = places[i].node
	}
}
