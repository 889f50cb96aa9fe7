package slots

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"strings"
)

// Set is a set of slots: a bitmap of 2 KiB. The zero Set is empty.
type Set struct{ words [Count / 64]uint64 }

// ErrEncoding tells that bytes are not an encoded [Set].
var ErrEncoding = errors.New("slots: malformed set")

// MaxEncoded is the longest encoding of a [Set], in bytes.
const MaxEncoded = 1 + Count/8

// All returns the set of all slots.
func All() *Set {
	s := new(Set)
	for i := range s.words {
		s.words[i] = ^uint64(0)
	}
	return s
}

// SetOf returns a set of the given slots.
func SetOf(list ...uint16) *Set {
	s := new(Set)
	for _, slot := range list {
		s.Add(slot)
	}
	return s
}

// Add puts a slot into the set.
func (s *Set) Add(slot uint16) { s.words[slot%Count/64] |= 1 << (slot % 64) }

// Remove takes a slot out of the set.
func (s *Set) Remove(slot uint16) { s.words[slot%Count/64] &^= 1 << (slot % 64) }

// Has tells whether the slot is in the set.
func (s *Set) Has(slot uint16) bool { return s.words[slot%Count/64]&(1<<(slot%64)) != 0 }

// Union adds all slots of o.
func (s *Set) Union(o *Set) {
	for i := range s.words {
		s.words[i] |= o.words[i]
	}
}

// Subtract removes all slots of o.
func (s *Set) Subtract(o *Set) {
	for i := range s.words {
		s.words[i] &^= o.words[i]
	}
}

// Intersect removes all slots that are not in o.
func (s *Set) Intersect(o *Set) {
	for i := range s.words {
		s.words[i] &= o.words[i]
	}
}

// Clone returns a copy.
func (s *Set) Clone() *Set { c := *s; return &c }

// Clear removes all slots.
func (s *Set) Clear() { *s = Set{} }

// Empty tells whether there is no slot in the set.
func (s *Set) Empty() bool { return *s == Set{} }

// Equal tells whether both sets have the same slots.
func (s *Set) Equal(o *Set) bool { return *s == *o }

// Len returns the number of slots in the set.
func (s *Set) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Slots iterates over the set in rising order. The loop may change the set.
func (s *Set) Slots() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for i := range s.words {
			for w := s.words[i]; w != 0; w &= w - 1 {
				if !yield(uint16(i*64 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// Ranges iterates over the maximal runs of the set: first to last, both in it.
func (s *Set) Ranges() iter.Seq2[uint16, uint16] {
	return func(yield func(uint16, uint16) bool) {
		first, last := -1, -2
		for slot := range s.Slots() {
			if int(slot) == last+1 {
				last++
				continue
			}
			if first >= 0 && !yield(uint16(first), uint16(last)) {
				return
			}
			first, last = int(slot), int(slot)
		}
		if first >= 0 {
			yield(uint16(first), uint16(last))
		}
	}
}

// String returns the set as ranges, as Redis prints them: "0-5460,6000".
func (s *Set) String() string {
	var b strings.Builder
	for first, last := range s.Ranges() {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d", first)
		if last > first {
			fmt.Fprintf(&b, "-%d", last)
		}
	}
	return b.String()
}

// The first byte of an encoding tells how it goes on.
const (
	asRanges = 1 // uvarint pairs: slots skipped, then slots in the run less one
	asBitmap = 2 // the words, little-endian
)

// AppendBinary appends the shorter of the two encodings: at most [MaxEncoded]
// bytes. The error is always nil.
func (s *Set) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, asRanges)
	next := uint16(0)
	for first, last := range s.Ranges() {
		b = binary.AppendUvarint(b, uint64(first-next))
		b = binary.AppendUvarint(b, uint64(last-first))
		next = last + 1
		if len(b)-start >= MaxEncoded {
			return s.appendBitmap(b[:start]), nil
		}
	}
	return b, nil
}

func (s *Set) appendBitmap(b []byte) []byte {
	b = append(b, asBitmap)
	for _, w := range s.words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// MarshalBinary is [Set.AppendBinary] to a new slice.
func (s *Set) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces the set by an encoded one; no bytes are the empty
// set. The error is [ErrEncoding], and the set is then unchanged.
func (s *Set) UnmarshalBinary(b []byte) error {
	var got Set
	ok := len(b) == 0
	if !ok && b[0] == asRanges {
		ok = got.readRanges(b[1:])
	} else if !ok && b[0] == asBitmap {
		ok = got.readBitmap(b[1:])
	}
	if !ok {
		return ErrEncoding
	}
	*s = got
	return nil
}

func (s *Set) readBitmap(b []byte) bool {
	if len(b) != Count/8 {
		return false
	}
	for i := range s.words {
		s.words[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
	return true
}

func (s *Set) readRanges(b []byte) bool {
	next := uint64(0)
	for len(b) > 0 {
		skip, n := binary.Uvarint(b)
		if n <= 0 || skip >= Count {
			return false
		}
		b = b[n:]
		more, n := binary.Uvarint(b)
		if n <= 0 || more >= Count || next+skip+more >= Count {
			return false
		}
		b = b[n:]
		for slot := next + skip; slot <= next+skip+more; slot++ {
			s.Add(uint16(slot))
		}
		next += skip + more + 1
	}
	return true
}

// First returns the n lowest slots of the set: all if it has no more, none if n
// is less than 1.
func (s *Set) First(n int) *Set {
	out := new(Set)
	for slot := range s.Slots() {
		if n--; n < 0 {
			break
		}
		out.Add(slot)
	}
	return out
}

// AddRange puts the slots from first to last, both included, into the set.
func (s *Set) AddRange(first, last uint16) {
	for slot := int(first); slot <= int(last); slot++ {
		s.Add(uint16(slot))
	}
}
