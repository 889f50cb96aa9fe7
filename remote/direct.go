package remote

import (
	"syscall"
	"time"
)

// A message that finds its lane asleep could wake it. Two goroutines later it
// would be on the wire: the way of a question and its answer is then half as
// long again. So its sender writes it, if that cannot block, on a connection
// whose socket takes bytes or refuses them at once. That is worth it for a
// lane that has been quiet only: under load, messages that gather while the
// lane writes share a system call. Nor is it worth it if many talk with the peer
// at once, which shows in its batches: an answer that is written by itself keeps
// those that are about to follow it from going along.

// quiet is how long a lane has written nothing before a sender writes, unless
// something has come from the peer meanwhile: then this is part of a conversation.
const quiet = 20 * time.Microsecond

// beginDirect takes the one batch that waits, for its sender to write, if that
// is all there is to do. q.mu is held.
func (q *userQueue) beginDirect() bool {
	c := &q.conn
	if c.c == nil || !c.c.canTry() || len(q.open) != 1 || len(q.flows.by) > 0 ||
		q.sent < len(q.flight) || len(q.flight) >= maxInFlight || len(q.rest) > 0 {
		return false
	}
	b := q.open[0]
	if q.l.p.many.Load() || b.names != c.table || b.need > c.defined || c.packer.wants(b) ||
		q.l.p.heard.Load() == q.heard && time.Since(q.lastSent) < quiet {
		return false
	}
	q.take()
	q.send(b)
	q.direct = true
	q.taking = append(q.taking[:0], b)
	return true
}

// writeDirect writes what beginDirect has taken. What the socket does not take
// is left to the lane.
func (q *userQueue) writeDirect() {
	c, b := q.conn.c, q.taking[0] // they belong to whoever writes
	q.taking[0] = nil
	n := c.tryWrite(b.buf)
	q.mu.Lock()
	q.direct = false
	q.ended.Broadcast()
	if n == len(b.buf) {
		q.flushed = q.sent
		q.lastSent, q.heard = time.Now(), q.l.p.heard.Load()
		q.reap()
	} else {
		q.rest = b.buf[n:]
	}
	q.idle = len(q.rest) == 0 && !q.sendable() && (c.spill == nil || !c.spill.left())
	wake := !q.idle
	q.mu.Unlock()
	if wake {
		q.l.wake()
	}
}

// tryWriter writes to a socket without waiting for room in it. One goroutine at
// a time.
type tryWriter struct {
	raw syscall.RawConn
	f   func(fd uintptr) bool
	b   []byte
	n   int
}

// newTryWriter returns nil if c is no socket.
func newTryWriter(c any) *tryWriter {
	s, ok := c.(syscall.Conn)
	if !ok || tryWrite == nil {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	w := &tryWriter{raw: raw}
	w.f = func(fd uintptr) bool {
		w.n = tryWrite(fd, w.b)
		return true // even if there was no room: the lane will wait for it
	}
	return w
}

// write returns how many bytes the socket took.
func (w *tryWriter) write(b []byte) int {
	w.b, w.n = b, 0
	err := w.raw.Write(w.f)
	w.b = nil
	if err != nil {
		return 0
	}
	return w.n
}
