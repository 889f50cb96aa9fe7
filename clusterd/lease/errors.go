package lease

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrLost is what Renew returns when somebody else has the lease, or nobody.
	ErrLost = errors.New("lease: it is not held by this owner")
	// ErrConflict is what a Register returns, wrapped or not, when the record is
	// not the one that was to be replaced.
	ErrConflict = errors.New("lease: somebody else has changed the record")
	// ErrBadRecord is returned for a record that nobody here wrote, or a note that
	// is too long.
	ErrBadRecord = errors.New("lease: not a record of a lease")
)

// HeldError is what Acquire returns while somebody else holds the lease, or may
// hold it.
type HeldError struct {
	Owner string        // who
	For   time.Duration // how long it may be held yet, as far as is known here
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("lease: held by %s, for %v more at most unless renewed", e.Owner, e.For)
}
