package remote

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
)

// socket is a connection from another node that can be read without waiting.
// hasty and dry belong to whoever may read.
type socket struct {
	net.Conn
	raw      syscall.RawConn
	hasty    bool // a read does not wait but returns errAgain
	dry      bool // it does so even if there is something
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
	if len(b) == 0 {
		return 0, nil
	}
	if c.dry {
		return 0, errAgain
	}
	c.b = b
	var err error
	if c.hasty {
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
