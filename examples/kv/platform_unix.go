//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Why an address cannot be listened on.
const (
	errAddressInUse  = syscall.EADDRINUSE
	errNoSuchAddress = syscall.EADDRNOTAVAIL
	errForbidden     = syscall.EACCES
)

// ownGroup keeps the terminal's Ctrl-C from the child: the launcher alone says
// when it stops.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a process to end.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// ignoreBrokenPipe lets a child that outlives its launcher leave in peace,
// although nobody reads its output any more.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }
