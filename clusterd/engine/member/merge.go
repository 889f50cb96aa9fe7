package member

import "bytes"

// Merge joins two records of one address. It commutes, associates and is
// idempotent, so records may travel in any order and any number of times. The
// result is a or b itself when the other one brings nothing new.
//
// The higher UID replaces the lower. Within one UID a tombstone replaces what
// the member said of itself, the member's own part goes by its version, and a
// wish to have it out never ends.
func Merge(a, b *Record) *Record {
	switch {
	case a == b || a.UID > b.UID:
		return a
	case a.UID < b.UID:
		return b
	}
	m := Record{
		Node:     a.Node,
		Accepted: max(a.Accepted, b.Accepted),
		Own:      newerOwn(a.Own, b.Own),
		Weakly:   a.Weakly || b.Weakly,
		Wanted:   max(a.Wanted, b.Wanted),
		Removed:  max(a.Removed, b.Removed),
	}
	m.Normalize()
	switch {
	case m.equal(a):
		return a
	case m.equal(b):
		return b
	}
	return &m
}

// Normalize drops from a tombstone what a tombstone does not carry. Records
// from outside are normalized before they are merged.
func (r *Record) Normalize() {
	if r.Removed != 0 {
		r.Accepted, r.Own, r.Weakly = 0, Own{}, false
	}
}

// Live reports whether the record is of a member that was not removed.
func (r *Record) Live() bool { return r.Removed == 0 }

func (r *Record) equal(o *Record) bool {
	return r.Node == o.Node && r.Accepted == o.Accepted && r.Wanted == o.Wanted && r.Weakly == o.Weakly && r.Removed == o.Removed &&
		compareOwn(&r.Own, &o.Own) == 0
}

// newerOwn breaks ties by content: a member never writes two contents under
// one version, but two acceptors may differ in version 0.
func newerOwn(a, b Own) Own {
	if compareOwn(&a, &b) < 0 {
		return b
	}
	return a
}

func compareOwn(a, b *Own) int {
	switch {
	case a.Version < b.Version:
		return -1
	case a.Version > b.Version:
		return 1
	}
	return bytes.Compare(a.appendBinary(nil), b.appendBinary(nil))
}
