package remote

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// spill is the socket under a TLS connection that this node opened. A record must
// be written whole or not at all, so what the socket does not take at once is put
// aside here, unless it is the lane that writes: it alone may wait.
type spill struct {
	net.Conn
	try *tryWriter

	mu      sync.Mutex
	waiting bool   // the lane writes
	rest    []byte // to be written before anything else
}

// maxSpill bounds what is put aside. A sender writes one batch; the rest is for
// what TLS writes by itself.
const maxSpill = 4 * chunkBytes

// newSpill returns conn itself if it is no socket.
func newSpill(conn net.Conn) net.Conn {
	try := newTryWriter(conn)
	if try == nil {
		return conn
	}
	return &spill{Conn: conn, try: try}
}

// spillOf returns the spill under conn, nil if there is none.
func spillOf(conn net.Conn) *spill {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	s, _ := c.NetConn().(*spill)
	return s
}

// Write writes a record.
func (s *spill) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		if err := s.empty(); err != nil {
			return 0, err
		}
		return s.Conn.Write(b)
	}
	n := 0
	if len(s.rest) == 0 {
		n = s.try.write(b)
	}
	if len(s.rest)+len(b)-n > maxSpill {
		return n, errors.New("remote: the other side does not read")
	}
	s.rest = append(s.rest, b[n:]...)
	return len(b), nil
}

// empty writes what was put aside. s.mu is held.
func (s *spill) empty() error {
	if len(s.rest) == 0 {
		return nil
	}
	_, err := s.Conn.Write(s.rest)
	s.rest = nil
	return err
}

// wait is called by the lane around its writes.
func (s *spill) wait(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = yes
}

// left reports whether something was put aside.
func (s *spill) left() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rest) > 0
}

// flush writes what was put aside.
func (s *spill) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.empty()
}
