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
	Hash() uint64
}

type (
	record struct{ *member.Record }
	row    struct{ *reach.Row }
)

func (r record) address() string { return r.Address }
func (r row) address() string    { return r.Observer.Address }

// shelf holds facts of one sort, sorted by address. A fact takes 8 bytes of it:
// ten thousand simulated engines of ten thousand members have 10^8 of them.
type shelf[F fact] struct {
	facts []F
	last  int // the place that was found last
}

// find returns the place of an address, and whether it is taken. It is asked
// some times for each fact that arrives, hence written out, and looks first where
// it found something last.
func (s *shelf[F]) find(address string) (int, bool) {
	if s.last < len(s.facts) && s.facts[s.last].address() == address {
		return s.last, true
	}
	i, found := s.search(address)
	s.last = i
	return i, found
}

func (s *shelf[F]) search(address string) (int, bool) {
	low, high := 0, len(s.facts)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := member.CompareAddress(s.facts[middle].address(), address); {
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
		return s.facts[i]
	}
	return f
}

// put puts a fact at the place that find returned for its address, and returns
// the hash of the former one, 0 when there was none.
func (s *shelf[F]) put(i int, taken bool, f F) (former uint64) {
	if !taken {
		s.facts = slices.Insert(s.facts, i, f)
		return 0
	}
	former = s.facts[i].Hash()
	s.facts[i] = f
	return former
}

// drop returns the hash of the fact that it removed, 0 when there was none.
func (s *shelf[F]) drop(address string) (former uint64) {
	i, ok := s.find(address)
	if !ok {
		return 0
	}
	former = s.facts[i].Hash()
	s.facts = slices.Delete(s.facts, i, i+1)
	return former
}
