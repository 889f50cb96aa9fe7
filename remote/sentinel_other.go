//go:build !linux

package remote

import "time"

// tryRead is nil where there is no sentinel: askers are woken.
var tryRead func(fd uintptr, b []byte) (int, error)

type sentinel struct{ socket *socket }

func newSentinel(*socket) *sentinel    { return nil }
func (*sentinel) arm() error           { return nil }
func (*sentinel) disarm() error        { return nil }
func (*sentinel) wait(time.Time) error { return nil }
func (*sentinel) kick()                {}
func (*sentinel) close()               {}
