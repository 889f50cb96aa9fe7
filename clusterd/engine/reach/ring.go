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
	ring := make([]place, 0, len(others))
	here := placeOf(self)
	for _, n := range others {
		p := placeOf(n)
		p.hash -= here.hash // wraps: the distance walked from self
		ring = append(ring, p)
	}
	slices.SortFunc(ring, place.compare)
	var monitored []member.Node
	counted := 0
	for _, p := range ring {
		switch {
		case skip(p.node):
			monitored = append(monitored, p.node)
		case counted < Successors:
			monitored = append(monitored, p.node)
			counted++
		}
	}
	return monitored
}

// place is a node's place on the ring: neighbours by address often share a
// host, neighbours by hash seldom do.
type place struct {
	hash uint64
	node member.Node
}

func placeOf(n member.Node) place {
	return place{xxhash.Sum64(binary.BigEndian.AppendUint64([]byte(n.Address), n.UID)), n}
}

func (p place) compare(o place) int {
	if c := cmp.Compare(p.hash, o.hash); c != 0 {
		return c
	}
	return p.node.Compare(o.node)
}
