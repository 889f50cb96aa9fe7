package gossip

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// shelf holds facts of one sort, one for each address.
type shelf[F any] struct{ slots []slot[F] } // sorted by address

type slot[F any] struct {
	address string
	fact    F
	hash    uint64
	size    int    // in bytes, about
	seq     uint64 // of the change that brought it
}

// find returns the place of an address, and whether it is taken. It is asked
// for each fact that arrives, hence written out.
func (s *shelf[F]) find(address string) (int, bool) {
	low, high := 0, len(s.slots)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := member.CompareAddress(s.slots[middle].address, address); {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

func (s *shelf[F]) get(address string) (fact F) {
	if i, ok := s.find(address); ok {
		return s.slots[i].fact
	}
	return fact
}

// put replaces the fact at an address and returns the hash of the former one,
// 0 when there was none.
func (s *shelf[F]) put(n slot[F]) (former uint64) {
	i, ok := s.find(n.address)
	if !ok {
		s.slots = slices.Insert(s.slots, i, n)
		return 0
	}
	former = s.slots[i].hash
	s.slots[i] = n
	return former
}

// drop returns the hash of the fact that it removed, 0 when there was none.
func (s *shelf[F]) drop(address string) (former uint64) {
	i, ok := s.find(address)
	if !ok {
		return 0
	}
	former = s.slots[i].hash
	s.slots = slices.Delete(s.slots, i, i+1)
	return former
}
