package member

import "cmp"

// Term orders leaders. No two leaders ever have the same term.
type Term struct {
	Counter uint64 // 0 = no leader yet
	Leader  Node   // who drew the term
}

// Compare orders terms by counter, then by leader.
func (t Term) Compare(o Term) int {
	if c := cmp.Compare(t.Counter, o.Counter); c != 0 {
		return c
	}
	if c := cmp.Compare(t.Leader.UID, o.Leader.UID); c != 0 {
		return c
	}
	return cmp.Compare(t.Leader.Address, o.Leader.Address)
}

// View is one decided, or proposed, list of members. Views of one cluster are
// numbered without gaps and for each number one content is ever decided.
type View struct {
	Number  uint64  // 1 is the founder's; 0 = no view
	Term    Term    // of the leader who wrote it; a later leader may propose it again unchanged
	Members []Entry // sorted by address: Up, Leaving, Exiting and Down

	// Removed lists, sorted by address, who was removed by this view or an
	// earlier one above Floor and whose address no member uses now. So whoever
	// knows the view knows every UID that must not return, also one that
	// skipped the views in between.
	Removed []Tombstone

	// NextUp is the upNumber that the next member to become Up will get.
	NextUp uint64
	// Floor is the number of a view so old that tombstones of it and of
	// earlier ones are pruned: an unknown record accepted at or before it is
	// refused.
	Floor uint64
	// Open tells that the configured least number of members has been met
	// once, so placement may start. It never becomes false again.
	Open bool
	// Shutdown tells that the whole cluster is shutting down.
	Shutdown bool
}

// Entry is one member of a view.
type Entry struct {
	Node
	Status   Status // Up to Down
	UpNumber uint64 // grows in the order in which members became Up; never changes
	Cause    Cause  // why it is going or gone; 0 while it stays
	Info     Info   // as it was when the view was written
}

// Tombstone tells who was removed, when and why.
type Tombstone struct {
	Node
	View  uint64 // number of the view that removed it
	Cause Cause  // why
}
