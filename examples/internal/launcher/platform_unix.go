//go:build unix

package launcher

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Why an address cannot be listened on.
const (
	ErrAddressInUse  = syscall.EADDRINUSE
	ErrNoSuchAddress = syscall.EADDRNOTAVAIL
	ErrForbidden     = syscall.EACCES
)

// ownGroup keeps the terminal's Ctrl-C from the child: the launcher alone says
// when it stops.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// IgnoreBrokenPipe lets a child that outlives its launcher leave in peace,
// although nobody reads its output any more.
func IgnoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }
