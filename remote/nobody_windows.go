package remote

import (
	"errors"
	"syscall"
)

// wsaConnRefused is what Windows answers; its syscall.ECONNREFUSED is an
// invention of the syscall package that no call returns.
const wsaConnRefused = syscall.Errno(10061)

// isNobody reports whether a dial failed because nothing listens there.
func isNobody(err error) bool {
	return errors.Is(err, wsaConnRefused) || errors.Is(err, syscall.ECONNREFUSED)
}
