package remote

import (
	"os"
	"syscall"
	"unsafe"
)

// The sockets do not block, so the scheduler need not be told of reads and writes:
// to tell it wakes its monitor, another thread, whenever the process was idle.

// tryWrite writes to a non-blocking socket once and returns how many bytes it
// took.
var tryWrite = func(fd uintptr, b []byte) int {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0
	}
	return int(n)
}

// tryRead reads from a non-blocking socket once; errAgain if there is nothing.
var tryRead = func(fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, errAgain
		default:
			return 0, os.NewSyscallError("read", errno)
		}
	}
}
