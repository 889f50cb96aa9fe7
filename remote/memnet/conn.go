package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes one direction of a connection holds.
const window = 64 << 10

// link is one direction between two nodes.
type link struct {
	mu     sync.Mutex
	cut    bool
	delay  time.Duration
	halves map[*half]struct{}
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

func (l *link) state() (cut bool, delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut, l.delay
}

// half is one direction of a connection.
type half struct {
	link *link

	mu       sync.Mutex
	segments []segment
	size     int
	closed   bool // by the writer, or by both ends
	broken   bool
	gone     bool          // the reader has closed
	changed  chan struct{} // closed and replaced at each change
}

type segment struct {
	data []byte
	due  time.Time
}

func newHalf(l *link) *half {
	h := &half{link: l, changed: make(chan struct{})}
	l.mu.Lock()
	l.halves[h] = struct{}{}
	l.mu.Unlock()
	return h
}

func (h *half) wake() { h.update(func() {}) }

func (h *half) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *half) reset() { h.update(func() { h.broken, h.segments, h.size = true, nil, 0 }) }

// read copies what has arrived. Without any, it returns when to look again.
func (h *half) read(p []byte) (n int, wait chan struct{}, due time.Time, err error) {
	cut, _ := h.link.state()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.broken:
		return 0, nil, due, syscall.ECONNRESET
	case cut:
		return 0, h.changed, due, nil
	case len(h.segments) == 0 && h.closed:
		return 0, nil, due, io.EOF
	case len(h.segments) == 0:
		return 0, h.changed, due, nil
	case time.Until(h.segments[0].due) > 0:
		return 0, h.changed, h.segments[0].due, nil
	}
	s := &h.segments[0]
	n = copy(p, s.data)
	if s.data = s.data[n:]; len(s.data) == 0 {
		h.segments = h.segments[1:]
	}
	h.size -= n
	close(h.changed)
	h.changed = make(chan struct{})
	return n, nil, due, nil
}

// write takes what there is room for.
func (h *half) write(p []byte) (n int, wait chan struct{}, err error) {
	_, delay := h.link.state()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.broken:
		return 0, nil, syscall.ECONNRESET
	case h.closed:
		return 0, nil, net.ErrClosed
	case h.gone:
		return 0, nil, syscall.EPIPE
	case h.size == window:
		return 0, h.changed, nil
	}
	n = min(len(p), window-h.size)
	h.segments = append(h.segments, segment{append([]byte(nil), p[:n]...), time.Now().Add(delay)})
	h.size += n
	close(h.changed)
	h.changed = make(chan struct{})
	return n, nil, nil
}

// conn is one end of a connection.
type conn struct {
	n        *Network
	from, to string
	in, out  *half

	once sync.Once
	done chan struct{}

	mu          sync.Mutex
	read, write time.Time // deadlines
}

func newConn(n *Network, from, to string, in, out *half) *conn {
	return &conn{n: n, from: from, to: to, in: in, out: out, done: make(chan struct{})}
}

func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if err := c.check(&c.read); err != nil {
			return 0, c.fail("read", err)
		}
		n, wait, due, err := c.in.read(p)
		if err == io.EOF {
			return 0, io.EOF
		}
		if err != nil {
			return 0, c.fail("read", err)
		}
		if wait == nil {
			return n, nil
		}
		c.wait(wait, due, &c.read)
	}
}

func (c *conn) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		if err := c.check(&c.write); err != nil {
			return total, c.fail("write", err)
		}
		n, wait, err := c.out.write(p)
		if err != nil {
			return total, c.fail("write", err)
		}
		total, p = total+n, p[n:]
		if wait != nil {
			c.wait(wait, time.Time{}, &c.write)
		}
	}
	return total, nil
}

func (c *conn) check(deadline *time.Time) error {
	select {
	case <-c.done:
		return net.ErrClosed
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !deadline.IsZero() && time.Until(*deadline) <= 0 {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// wait returns when something changed, at due, or at the deadline.
func (c *conn) wait(changed chan struct{}, due time.Time, deadline *time.Time) {
	c.mu.Lock()
	at := *deadline
	c.mu.Unlock()
	if !due.IsZero() && (at.IsZero() || due.Before(at)) {
		at = due
	}
	var timer <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-timer:
	case <-c.done:
	}
}

func (c *conn) fail(op string, err error) error { return opError(op, c.to, err) }

// Close ends both directions. What has been written still arrives.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.out.update(func() { c.out.closed = true })
		c.in.update(func() { c.in.gone, c.in.segments, c.in.size = true, nil, 0 })
		c.forget()
	})
	return nil
}

// CloseWrite ends one direction, as that of *net.TCPConn does: the other side reads
// EOF after what was written, and may go on writing.
func (c *conn) CloseWrite() error {
	c.out.update(func() { c.out.closed = true })
	return nil
}

func (c *conn) forget() {
	c.n.mu.Lock()
	delete(c.n.conns, c)
	c.n.mu.Unlock()
	c.in.link.mu.Lock()
	delete(c.in.link.halves, c.in) // the reader was the one that a heal would wake
	c.in.link.mu.Unlock()
}

func (c *conn) LocalAddr() net.Addr  { return addr(c.from) }
func (c *conn) RemoteAddr() net.Addr { return addr(c.to) }

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.read = t
	c.mu.Unlock()
	c.in.wake()
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.write = t
	c.mu.Unlock()
	c.out.wake()
	return nil
}
