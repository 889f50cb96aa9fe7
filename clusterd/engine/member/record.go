package member

import "errors"

// Record holds the facts known of an address: who was last accepted there and
// what is said of it. It is keyed by address and holds the highest UID only.
// A record with Removed set is a tombstone: it carries nothing but the node,
// the two view numbers and the cause.
type Record struct {
	Node
	// Accepted is the number of the view under which the member was accepted.
	// Where two members accepted it, the higher number stands.
	Accepted uint64

	// Own is the part that the member itself writes.
	Own Own

	// Weakly tells that a joiner was found fit while no view could be decided:
	// its status is WeaklyUp. It is never taken back.
	Weakly bool

	// Wanted tells that somebody wants the member out, and why; 0 = nobody.
	// In a tombstone it is the cause of the removal.
	Wanted Cause
	// Removed is the number of the decided view that removed the member;
	// 0 = it lives.
	Removed uint64

	hashed *Record // whose hash it is: in a copy that of another one; nil = it is not known
	hash   uint64
}

// Own is the part of a record that its member alone writes. The higher
// Version replaces the lower.
type Own struct {
	Version uint64 // grows with each change; 0 = written by whoever accepted the member
	Present bool   // the member has been welcomed and knows the cluster
	Leaving bool   // it wants to leave
	Drained bool   // it has handed over everything
	Halt    bool   // it asks the whole cluster to shut down
	Info    Info   // what it tells of itself
}

// Validate reports the first fault of a record from outside.
func (r *Record) Validate() error {
	if r == nil {
		return errors.New("member: no record")
	}
	if err := r.Node.Validate(); err != nil {
		return err
	}
	return r.Own.Info.Validate()
}
