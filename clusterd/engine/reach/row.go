package reach

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Row tells whom one observer accuses of silence, and to whom its link is broken. Only the observer writes its
// row; the higher version replaces the lower. Rows are immutable.
type Row struct {
	Observer member.Node   // who says so
	Version  uint64        // grows with each change
	Accused  []member.Node // sorted; empty = it accuses nobody
	// Around are those that the observer reaches only by way of others: they
	// live, and the link between the two is broken. Sorted; none is in Accused.
	Around []member.Node

	hashed *Row // whose hash it is: in a copy that of another one; nil = it is not known
	hash   uint64
}

// Hash returns a hash of the row, never 0, as [member.Record.Hash] does.
func (r *Row) Hash() uint64 {
	if r.hashed != r {
		r.hashed, r.hash = r, member.Sum('r', r)
	}
	return r.hash
}

// MaxAccused is the greatest number of members in each list of one row.
const MaxAccused = 1 << 16

// Merge returns the newer of two rows of one observer's address. It commutes,
// associates and is idempotent; rows are never mixed.
func Merge(a, b *Row) *Row {
	if compare(a, b) < 0 {
		return b
	}
	return a
}

// compare breaks ties by content; an observer never writes two contents under
// one version.
func compare(a, b *Row) int {
	switch {
	case a == b:
		return 0
	case a.Observer.UID != b.Observer.UID:
		return sign(a.Observer.UID < b.Observer.UID)
	case a.Version != b.Version:
		return sign(a.Version < b.Version)
	}
	if c := slices.CompareFunc(a.Accused, b.Accused, member.Node.Compare); c != 0 {
		return c
	}
	return slices.CompareFunc(a.Around, b.Around, member.Node.Compare)
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// AppendBinary appends a canonical form of the row to b, for digests.
func (r *Row) AppendBinary(b []byte) []byte {
	b = appendNode(b, r.Observer)
	b = binary.AppendUvarint(b, r.Version)
	for _, n := range r.Accused {
		b = appendNode(b, n)
	}
	if len(r.Around) > 0 {
		b = appendNode(b, member.Node{}) // no address is empty, so this ends the list before it
	}
	for _, n := range r.Around {
		b = appendNode(b, n)
	}
	return b
}

func appendNode(b []byte, n member.Node) []byte {
	b = binary.AppendUvarint(b, uint64(len(n.Address)))
	return binary.AppendUvarint(append(b, n.Address...), n.UID)
}

// Validate reports the first fault of a row from outside.
func (r *Row) Validate() error {
	if r == nil {
		return errors.New("reach: no row")
	}
	for _, list := range [][]member.Node{r.Accused, r.Around} {
		if len(list) > MaxAccused {
			return fmt.Errorf("reach: row of %s lists %d, want at most %d", r.Observer, len(list), MaxAccused)
		}
		for i, n := range list {
			if err := n.Validate(); err != nil {
				return err
			}
			if i > 0 && list[i-1].Compare(n) >= 0 {
				return fmt.Errorf("reach: row of %s is out of order at %s", r.Observer, n)
			}
		}
	}
	return r.Observer.Validate()
}

// Empty reports whether the row says nothing against anybody.
func (r *Row) Empty() bool { return len(r.Accused) == 0 && len(r.Around) == 0 }

// Accuses reports whether the row accuses n.
func (r *Row) Accuses(n member.Node) bool {
	_, ok := slices.BinarySearchFunc(r.Accused, n, member.Node.Compare)
	return ok
}
