package remote

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// readMode is what a read of a socket does when nothing is there.
type readMode uint8

const (
	readBlock readMode = iota // waits, as any connection does
	readTry                   // returns errAgain
	readWait                  // waits, with the deadline that holds now
)

// socket is a connection from another node that can be read without waiting. The
// mode belongs to whoever may read.
type socket struct {
	net.Conn
	raw      syscall.RawConn
	mode     readMode
	sentinel atomic.Pointer[sentinel]

	b   []byte // of the read under way
	n   int
	err error
	try func(fd uintptr)
	may func(fd uintptr) bool
}

// newSocket returns conn itself if it is no socket.
func newSocket(conn net.Conn) net.Conn {
	s, ok := conn.(syscall.Conn)
	if !ok || tryRead == nil {
		return conn
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return conn
	}
	c := &socket{Conn: conn, raw: raw}
	c.try = func(fd uintptr) { c.n, c.err = tryRead(fd, c.b) }
	c.may = func(fd uintptr) bool {
		c.try(fd)
		return c.err != errAgain
	}
	return c
}

// Read reads.
func (c *socket) Read(b []byte) (int, error) {
	if c.mode == readBlock || len(b) == 0 {
		return c.Conn.Read(b)
	}
	c.b = b
	var err error
	if c.mode == readTry {
		err = c.raw.Control(c.try) // whatever the deadline
	} else {
		err = c.raw.Read(c.may)
	}
	c.b = nil
	switch {
	case err != nil:
		return 0, err
	case c.err != nil:
		return 0, c.err
	case c.n == 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// Close closes the connection. A socket that is closed shows a sentinel nothing.
func (c *socket) Close() error {
	err := c.Conn.Close()
	if s := c.sentinel.Load(); s != nil {
		s.kick()
	}
	return err
}
