package member

import (
	"errors"
	"fmt"
	"slices"
)

// Patch is a view as the difference to the one before it: what a wave carries,
// whose cost so grows with what changes and not with the cluster. It is
// immutable.
type Patch struct {
	Base     uint64 // number of the view that it changes
	BaseTerm Term   // of that view: number and term name its content
	// Head is the new view without its members and tombstones.
	Head View
	// Gone lists, sorted, the addresses that have no member any more.
	Gone []string
	// Members lists, sorted by address, the entries that are new or changed.
	Members []Entry
	// Forgotten lists, sorted, the addresses that have no tombstone any more.
	Forgotten []string
	// Removed lists, sorted by address, the tombstones that are new or changed.
	Removed []Tombstone

	// What it was made from. Apply of from is to by the law that Diff keeps; a
	// receiver in the same process (there are thousands in the simulator) need
	// not build a copy to come to that. Never on the wire.
	from, to *View
}

// Diff returns what makes next of base.
func Diff(base, next *View) *Patch {
	p := &Patch{Base: base.Number, BaseTerm: base.Term, Head: *next, from: base, to: next}
	p.Head.Members, p.Head.Removed = nil, nil
	p.Gone, p.Members = diff(base.Members, next.Members, addressOfEntry, equalEntry)
	p.Forgotten, p.Removed = diff(base.Removed, next.Removed, addressOfTombstone,
		func(a, b *Tombstone) bool { return *a == *b })
	return p
}

// Apply returns the view that the patch makes of base. It fails where base is
// not the one that the patch is for, or where no view comes of it.
func (p *Patch) Apply(base *View) (*View, error) {
	switch {
	case p == nil || base == nil:
		return nil, errors.New("member: no patch, or nothing to apply it to")
	case p.to != nil && p.from == base:
		return p.to, nil
	case p.Base != base.Number || p.BaseTerm != base.Term:
		return nil, fmt.Errorf("member: patch of view %d, not of view %d", p.Base, base.Number)
	}
	next := p.Head
	next.Members = apply(base.Members, p.Gone, p.Members, addressOfEntry)
	next.Removed = apply(base.Removed, p.Forgotten, p.Removed, addressOfTombstone)
	if err := next.Validate(); err != nil {
		return nil, err
	}
	return &next, nil
}

// Validate reports the first fault of a patch from outside that can be seen
// without its base.
func (p *Patch) Validate() error {
	switch {
	case p == nil:
		return errors.New("member: no patch")
	case p.Base == 0 || p.Head.Number != p.Base+1 || p.Head.Number > maxNumber:
		return fmt.Errorf("member: patch of view %d to view %d", p.Base, p.Head.Number)
	case len(p.Head.Members)+len(p.Head.Removed) != 0:
		return fmt.Errorf("member: patch to view %d lists members in its head", p.Head.Number)
	}
	return nil
}

// Names reports whether v is the view that the patch leads to.
func (p *Patch) Names(v *View) bool {
	return v != nil && v.Number == p.Head.Number && v.Term == p.Head.Term
}

func addressOfEntry(e *Entry) string         { return e.Address }
func addressOfTombstone(t *Tombstone) string { return t.Address }

func equalEntry(a, b *Entry) bool {
	return a.Node == b.Node && a.Status == b.Status && a.UpNumber == b.UpNumber && a.Cause == b.Cause &&
		a.Info.equal(&b.Info)
}

// equal spares most comparisons: the lists of an unchanged Info are shared.
func (i *Info) equal(o *Info) bool {
	return i.Zone == o.Zone && i.Version == o.Version && slices.Equal(i.Roles, o.Roles) &&
		slices.Equal(i.Kinds, o.Kinds) && slices.Equal(i.Meta, o.Meta)
}

// diff compares two lists sorted by address.
func diff[T any](base, next []T, address func(*T) string, equal func(a, b *T) bool) (gone []string, set []T) {
	i := 0
	for j := range next {
		for ; i < len(base) && CompareAddress(address(&base[i]), address(&next[j])) < 0; i++ {
			gone = append(gone, address(&base[i]))
		}
		if i < len(base) && address(&base[i]) == address(&next[j]) {
			if !equal(&base[i], &next[j]) {
				set = append(set, next[j])
			}
			i++
			continue
		}
		set = append(set, next[j])
	}
	for ; i < len(base); i++ {
		gone = append(gone, address(&base[i]))
	}
	return gone, set
}

// apply is the way back. Lists from outside that are not sorted make a list
// that Validate refuses.
func apply[T any](base []T, gone []string, set []T, address func(*T) string) []T {
	next := make([]T, 0, max(0, len(base)+len(set)-len(gone)))
	for i := range base {
		a := address(&base[i])
		for len(set) > 0 && CompareAddress(address(&set[0]), a) < 0 {
			next, set = append(next, set[0]), set[1:]
		}
		switch {
		case len(gone) > 0 && gone[0] == a:
			gone = gone[1:]
		case len(set) > 0 && address(&set[0]) == a:
			next, set = append(next, set[0]), set[1:]
		default:
			next = append(next, base[i])
		}
	}
	next = append(next, set...)
	if len(next) == 0 {
		return nil
	}
	return next
}
