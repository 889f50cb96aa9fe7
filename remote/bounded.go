package remote

import (
	"net"
	"time"
)

// bounded is a connection from another node that ends when nothing has arrived
// on it for a while. A node that was switched off, or whose network was, sends
// no farewell: without this its connections would stay for ever, each with its
// buffers. One goroutine reads it and sets the limit.
type bounded struct {
	net.Conn
	limit time.Duration // 0 = none: the handshake has a deadline of its own
	until time.Time     // the deadline that is set
	loose bool          // it is not set, but seen to by who waits: see lead.go
}

// Read reads. The deadline moves in steps of an eighth, so that a busy
// connection does not set it for each read.
func (c *bounded) Read(b []byte) (int, error) {
	if c.limit > 0 {
		if now := time.Now(); c.until.Sub(now) < c.limit-c.limit/8 {
			c.until = now.Add(c.limit)
			if c.loose {
				return c.Conn.Read(b)
			}
			if err := c.Conn.SetReadDeadline(c.until); err != nil {
				return 0, err
			}
		}
	}
	return c.Conn.Read(b)
}
