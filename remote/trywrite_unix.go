//go:build unix && !linux

package remote

import "syscall"

// tryWrite writes to a non-blocking socket once and returns how many bytes it
// took.
var tryWrite = func(fd uintptr, b []byte) int {
	n, err := syscall.Write(int(fd), b)
	if err != nil {
		return 0
	}
	return n
}
