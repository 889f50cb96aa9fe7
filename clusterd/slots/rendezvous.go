package slots

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Assignment is the winner of every slot among a set of nodes. It is immutable.
type Assignment struct {
	nodes  []string // sorted, without duplicates
	winner []uint16 // by slot: an index into nodes; nil = no nodes
}

// maxNodes bounds the index in Assignment.winner.
const maxNodes = 1 << 16

// Assign gives each slot to one of nodes, which may come in any order. The cost
// is one hash for each node and slot. It panics at more than 65536 nodes.
func Assign(nodes []string) *Assignment {
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes)))
	if len(nodes) == 0 {
		return &Assignment{}
	}
	if len(nodes) > maxNodes {
		panic("slots: more than 65536 nodes")
	}
	a := &Assignment{nodes: nodes, winner: make([]uint16, Count)}
	best := make([]uint64, Count)
	for i, node := range nodes {
		h := newHasher(node)
		for slot := range a.winner {
			// A tie goes to the lower address: it came first.
			if s := h.score(uint16(slot)); s > best[slot] {
				best[slot], a.winner[slot] = s, uint16(i)
			}
		}
	}
	return a
}

// Winner returns the node that has the slot; false if there are no nodes.
func (a *Assignment) Winner(slot uint16) (node string, ok bool) {
	if len(a.nodes) == 0 {
		return "", false
	}
	return a.nodes[a.winner[slot%Count]], true
}

// Nodes returns the nodes, sorted. The caller must not change the slice.
func (a *Assignment) Nodes() []string { return a.nodes }

// Share returns the slots that node has: none if it is not among the nodes.
func (a *Assignment) Share(node string) *Set {
	s := new(Set)
	index, found := slices.BinarySearch(a.nodes, node)
	if !found {
		return s
	}
	for slot, w := range a.winner {
		if int(w) == index {
			s.Add(uint16(slot))
		}
	}
	return s
}

// hasher scores the slots for one node.
type hasher struct{ buf [10]byte }

func newHasher(node string) hasher {
	var h hasher
	binary.LittleEndian.PutUint64(h.buf[:], xxhash.Sum64String(node))
	return h
}

func (h *hasher) score(slot uint16) uint64 {
	binary.LittleEndian.PutUint16(h.buf[8:], slot)
	return xxhash.Sum64(h.buf[:])
}
