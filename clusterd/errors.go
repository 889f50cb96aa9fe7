package clusterd

import (
	"errors"
	"fmt"
)

var (
	// ErrRemoved is what Err and Ready return after the cluster removed this
	// node without its asking, and it does not rejoin: Config.StopWhenRemoved is
	// set, or what it hosts did not stop in time. The cause: it was unreachable
	// for too long, or taken down; or the cluster was lost, since most of its
	// members restarted at once.
	ErrRemoved = errors.New("clusterd: this node was removed from the cluster")
	// ErrStopped is returned by calls that need a running node after it has ended.
	ErrStopped = errors.New("clusterd: this node has stopped")
	// ErrInterrupted is returned by Run when a second signal cut the leave short.
	ErrInterrupted = errors.New("clusterd: stopped at once by a second signal")
	// ErrNotMember is returned by commands that only a member can carry out.
	ErrNotMember = errors.New("clusterd: this node is not a member of a cluster")
)

// RefusedError tells why a cluster does not let this node in. Ready returns it
// when its context ends while the node is still refused; the node keeps trying.
type RefusedError struct {
	By     string // address of the node that refused
	Reason string // what was wrong and what would be right
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("clusterd: refused by %s: %s", e.By, e.Reason)
}

// WaitingError tells for what a node still waits. Ready returns it when its
// context ends before the node is Up; it wraps the context's error.
type WaitingError struct {
	For   string // for whom and why, "" when nothing is known yet
	Cause error  // the context's error
}

func (e *WaitingError) Error() string {
	if e.For == "" {
		return fmt.Sprintf("clusterd: not up yet: %v", e.Cause)
	}
	return fmt.Sprintf("clusterd: not up yet: %s: %v", e.For, e.Cause)
}

// Unwrap returns the context's error.
func (e *WaitingError) Unwrap() error { return e.Cause }
