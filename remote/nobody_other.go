//go:build !windows

package remote

import (
	"errors"
	"syscall"
)

// isNobody reports whether a dial failed because nothing listens there.
func isNobody(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
