package member

import (
	"errors"
	"fmt"
	"slices"
)

// At returns the entry at an address, or nil. It is asked for each message, so
// the search neither copies entries nor calls through a pointer.
func (v *View) At(address string) *Entry {
	low, high := 0, len(v.Members)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := CompareAddress(v.Members[middle].Address, address); {
		case c == 0:
			return &v.Members[middle]
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return nil
}

// After returns the members from n on, in the view's order.
func (v *View) After(n Node) []Entry {
	low, high := 0, len(v.Members)
	for low < high {
		middle := int(uint(low+high) / 2)
		if v.Members[middle].Node.Compare(n) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return v.Members[low:]
}

// Find returns the entry of an incarnation, or nil.
func (v *View) Find(n Node) *Entry {
	if e := v.At(n.Address); e != nil && e.UID == n.UID {
		return e
	}
	return nil
}

// Votes reports whether n is one of the view's voters.
func (v *View) Votes(n Node) bool {
	e := v.Find(n)
	return e != nil && e.Status.Votes()
}

// Voters returns how many voters the view has.
func (v *View) Voters() int {
	count := 0
	for i := range v.Members {
		if v.Members[i].Status.Votes() {
			count++
		}
	}
	return count
}

// Tombstone returns the view's tombstone at an address, or nil.
func (v *View) Tombstone(address string) *Tombstone {
	i, ok := slices.BinarySearchFunc(v.Removed, address, func(t Tombstone, a string) int {
		return CompareAddress(t.Address, a)
	})
	if !ok {
		return nil
	}
	return &v.Removed[i]
}

// Buries reports whether the view knows that n was removed: there is a
// tombstone of it, or of a later incarnation, or a later incarnation is a
// member.
func (v *View) Buries(n Node) bool {
	if t := v.Tombstone(n.Address); t != nil && t.UID >= n.UID {
		return true
	}
	e := v.At(n.Address)
	return e != nil && e.UID > n.UID
}

// maxNumber keeps the numbers of views and members far from overflow.
const maxNumber = 1 << 62

// Validate reports the first fault of a view from outside: what the methods
// and package engine rely on. A nil view is a fault too.
func (v *View) Validate() error {
	switch {
	case v == nil:
		return errors.New("member: no view")
	case v.Number == 0 || v.Number > maxNumber || v.NextUp > maxNumber:
		return fmt.Errorf("member: view number %d, next upNumber %d, want 1 to %d", v.Number, v.NextUp, uint64(maxNumber))
	case v.Voters() == 0:
		return fmt.Errorf("member: view %d has no voter", v.Number)
	}
	for i, e := range v.Members {
		if err := e.Node.Validate(); err != nil {
			return err
		}
		if e.Status < Up || e.Status > Down {
			return fmt.Errorf("member: %s is %s in view %d", e.Node, e.Status, v.Number)
		}
		if i > 0 && CompareAddress(v.Members[i-1].Address, e.Address) >= 0 {
			return fmt.Errorf("member: view %d is out of order at %s", v.Number, e.Node)
		}
		if e.UpNumber == 0 || e.UpNumber >= v.NextUp {
			return fmt.Errorf("member: %s has upNumber %d in view %d, whose next is %d", e.Node, e.UpNumber, v.Number, v.NextUp)
		}
	}
	return v.validateRemoved()
}

func (v *View) validateRemoved() error {
	for i, t := range v.Removed {
		if err := t.Node.Validate(); err != nil {
			return err
		}
		if t.View == 0 || t.View > v.Number {
			return fmt.Errorf("member: view %d says %s was removed in view %d", v.Number, t.Node, t.View)
		}
		if i > 0 && CompareAddress(v.Removed[i-1].Address, t.Address) >= 0 {
			return fmt.Errorf("member: view %d is out of order at the removed %s", v.Number, t.Node)
		}
		if v.At(t.Address) != nil {
			return fmt.Errorf("member: view %d has both a member and a tombstone at %s", v.Number, t.Address)
		}
	}
	return nil
}
