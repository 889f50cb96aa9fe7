package engine

import (
	"math/bits"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// index finds peers by their UIDs, once for each message. It is a hash table with
// open addressing, at most half full; its length is a power of two. Nothing is
// ever deleted from one: after that it is made anew, when it is next asked. nil
// stands for one that has yet to be made.
type index []*peer

func newIndex(peers []*peer) index {
	t := make(index, 1<<bits.Len(uint(2*len(peers)+7)))
	for _, p := range peers {
		t.put(p)
	}
	return t
}

// slot is where the search for a UID begins. UIDs end in random bits, but one that
// was chosen by somebody else need not: hence the multiplication (Knuth, The Art
// of Computer Programming 3, 6.4).
func (t index) slot(uid uint64) int {
	return int(uid * 0x9e3779b97f4a7c15 >> (64 - bits.Len(uint(len(t)-1))))
}

// find returns the peer of a node, nil if there is none.
func (t index) find(n member.Node) *peer {
	for i := t.slot(n.UID); ; i = (i + 1) & (len(t) - 1) {
		if p := t[i]; p == nil || p.node == n {
			return p
		}
	}
}

// add puts in one more, which makes so many; false = there is no room.
func (t index) add(p *peer, count int) bool {
	if 2*count > len(t) {
		return false
	}
	t.put(p)
	return true
}

func (t index) put(p *peer) {
	i := t.slot(p.node.UID)
	for t[i] != nil {
		i = (i + 1) & (len(t) - 1)
	}
	t[i] = p
}
