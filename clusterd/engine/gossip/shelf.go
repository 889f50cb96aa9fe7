package gossip

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// fact is what a shelf holds: one for each address.
type fact interface {
	comparable
	address() string
	AppendBinary(b []byte) []byte
}

type (
	record struct{ *member.Record }
	row    struct{ *reach.Row }
)

func (r record) address() string { return r.Address }
func (r row) address() string    { return r.Observer.Address }

// shelf holds facts of one sort, sorted by address. A fact takes 16 bytes of
// it: ten thousand simulated engines of ten thousand members have 10^8 of them.
type shelf[F fact] struct{ slots []slot[F] }

type slot[F fact] struct {
	fact F
	hash uint64
}

// find returns the place of an address, and whether it is taken. It is asked
// for each fact that arrives, hence written out.
func (s *shelf[F]) find(address string) (int, bool) {
	low, high := 0, len(s.slots)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := member.CompareAddress(s.slots[middle].fact.address(), address); {
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

// get returns the zero fact when there is none.
func (s *shelf[F]) get(address string) (f F) {
	if i, ok := s.find(address); ok {
		return s.slots[i].fact
	}
	return f
}

// put replaces the fact at an address and returns the hash of the former one,
// 0 when there was none.
func (s *shelf[F]) put(f F, hash uint64) (former uint64) {
	i, ok := s.find(f.address())
	if !ok {
		s.slots = slices.Insert(s.slots, i, slot[F]{f, hash})
		return 0
	}
	former = s.slots[i].hash
	s.slots[i] = slot[F]{f, hash}
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
