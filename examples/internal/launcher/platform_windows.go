package launcher

import (
	"os"
	"os/exec"
	"syscall"
)

// Why an address cannot be listened on: WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES.
const (
	ErrAddressInUse  = syscall.Errno(10048)
	ErrNoSuchAddress = syscall.Errno(10049)
	ErrForbidden     = syscall.Errno(10013)
)

// ownGroup keeps the terminal's Ctrl-C from the child: the launcher alone says
// when it stops.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate asks a process to end: it sees the end of its standard input, which
// the launcher closes, and there is no other polite way.
func terminate(*os.Process) error { return nil }

// IgnoreBrokenPipe does nothing here: there is no such signal.
func IgnoreBrokenPipe() {}
