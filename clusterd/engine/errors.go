package engine

import (
	"errors"
	"fmt"
)

// The reasons for which Step refuses an input. Nothing has changed then.
var (
	// ErrRemoved: this incarnation was removed; it takes no input any more.
	ErrRemoved = errors.New("engine: this incarnation was removed")
	// ErrMalformed: a message or command breaks its own rules. It is wrapped
	// with the fault.
	ErrMalformed = errors.New("engine: malformed input")
	// ErrNotForMe: the message is for another node or incarnation.
	ErrNotForMe = errors.New("engine: message for another incarnation")
	// ErrNotMember: this node has not joined a cluster yet.
	ErrNotMember = errors.New("engine: not a member of a cluster")
	// ErrMember: this node is a member already, so it can neither found nor
	// join another cluster.
	ErrMember = errors.New("engine: already a member of a cluster")
	// ErrForeign: the message is of another cluster or branch.
	ErrForeign = errors.New("engine: message of another cluster")
	// ErrUnexpected: a Welcome from whom none was expected.
	ErrUnexpected = errors.New("engine: unexpected welcome")
	// ErrStranger: facts from a node that is neither in a view nor joining
	// here; they are not merged.
	ErrStranger = errors.New("engine: facts from a stranger")
	// ErrNotAccepting: this node may accept nobody now: it is no voter, is
	// leaving, or reaches no quorum.
	ErrNotAccepting = errors.New("engine: not accepting joiners")
	// ErrAddressInUse: another incarnation at the address has not been removed.
	ErrAddressInUse = errors.New("engine: address in use by a member")
	// ErrFull: the member table is at its limit.
	ErrFull = errors.New("engine: member table is full")
	// ErrUnknown: the command names no member.
	ErrUnknown = errors.New("engine: no such member")
	// ErrShutdown: the whole cluster is shutting down and lets nobody in.
	ErrShutdown = errors.New("engine: the cluster is shutting down")
	// ErrHasQuorum: Recover was told of a cluster that can decide by itself.
	ErrHasQuorum = errors.New("engine: the cluster has its quorum")
	// ErrNotLeaving: Drained was told of a node that does not leave.
	ErrNotLeaving = errors.New("engine: not leaving")
)

// OldUIDError refuses a joiner whose UID was removed, or is lower than one that
// was: it must come back with a new UID.
type OldUIDError struct{ Exceed uint64 } // the new UID must be greater than this

// Error returns the reason with the number to exceed.
func (e *OldUIDError) Error() string {
	return fmt.Sprintf("engine: UID must be greater than %x", e.Exceed)
}

// LimitError refuses a joiner for whom the downing strategy leaves no room: see
// [downing.Limiter].
type LimitError struct {
	Strategy string // as configuration spells it
	Limit    int    // how many members it allows
}

// Error tells the operator of the joiner why, and what would help.
func (e *LimitError) Error() string {
	return fmt.Sprintf("the cluster is full: downing by %s allows %d members; let one leave, or configure a larger quorum on all nodes",
		e.Strategy, e.Limit)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func faulty(err error) error { return fmt.Errorf("%w: %w", ErrMalformed, err) }
