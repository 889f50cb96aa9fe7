package remote

import (
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/wire"
)

// This file is the side of a userQueue that its lane calls: see source. Who sends
// is in userqueue.go.

func (q *userQueue) park() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.direct {
		return true // the sender that writes wakes the lane if there is more
	}
	q.idle = !q.sendable()
	return q.idle
}

// sendable reports whether gather would find something. q.mu is held.
func (q *userQueue) sendable() bool {
	return q.sent < len(q.flight) || len(q.flight) < maxInFlight && (len(q.open) > 0 || q.flows.ready(q)) ||
		len(q.tooBig) > 0 || len(q.marked) > 0
}

func (q *userQueue) begin(c *outbound) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := c.welcome
	q.conn = connState{
		c: c, packer: c.packer, maxEnvelope: wire.MaxEnvelope(int(w.MaxMessage)), maxPartial: wire.MaxPartial(int(w.MaxMessage)),
	}
	q.sent, q.flushed = 0, 0
	q.probe = probe{}
	for _, b := range q.flight {
		if b.seq <= w.Received && b.tries > 0 {
			q.flushed++
		}
	}
	q.sent = q.flushed
	q.ack = min(w.Received, q.seq)
	q.reap()
}

// next appends the frames to write now. They are valid until written.
func (q *userQueue) next(bufs net.Buffers) net.Buffers {
	q.mu.Lock()
	if q.direct {
		q.mu.Unlock()
		return bufs
	}
	if len(q.rest) > 0 {
		bufs, q.rest = append(bufs, q.rest), nil
	}
	q.taking = q.taking[:0]
	for n := 0; n < writeBytes && (q.sent < len(q.flight) || q.take()); {
		b := q.flight[q.sent]
		q.send(b)
		q.taking = append(q.taking, b)
		n += b.len()
	}
	q.mu.Unlock()
	// What has been taken changes no more, and stays until it is written.
	for _, b := range q.taking {
		bufs = q.define(bufs, b)
		bufs = q.conn.packer.frame(bufs, b, q.stats)
	}
	clear(q.taking)
	return bufs
}

// define appends the definition of the names that a batch needs. The table of
// the connection belongs to whoever writes.
func (q *userQueue) define(bufs net.Buffers, b *batch) net.Buffers {
	c := &q.conn
	if b.names == nil || b.names == c.table && b.need <= c.defined {
		return bufs
	}
	if b.names != c.table {
		c.table, c.defined = b.names, 0
	}
	q.mu.Lock() // senders add names
	bufs = append(bufs, b.names.AppendDefine(nil, c.defined, b.need))
	q.mu.Unlock()
	c.defined = b.need
	return bufs
}

// take numbers what goes next and appends it to the flight. q.mu is held.
func (q *userQueue) take() bool {
	if len(q.flight) >= maxInFlight {
		return false
	}
	q.turn = !q.turn
	var b *batch
	if q.turn {
		b = q.flows.take(q)
	}
	if b == nil {
		b = q.takeOpen()
	}
	if b == nil && !q.turn {
		b = q.flows.take(q)
	}
	if b == nil {
		return false
	}
	q.seq++
	b.seq = q.seq
	if b.of == nil {
		q.trim(b)
		wire.EndBatch(b.buf, b.seq)
	} else {
		f := wire.Fragment{Seq: b.seq, Transfer: b.of.id, Size: uint64(b.of.size()), Data: b.data}
		b.buf = f.AppendHead(make([]byte, 0, wire.FragmentHead))
		q.fragments += len(b.data)
	}
	for _, m := range b.marks {
		m.message.after = b.seq
		q.marked = append(q.marked, m)
	}
	q.flight = append(q.flight, b)
	return true
}

func (q *userQueue) takeOpen() *batch {
	if len(q.open) == 0 {
		return nil
	}
	b := q.open[0]
	q.open = slices.Delete(q.open, 0, 1)
	q.taken++
	return b
}

// send notes that the next frame of the flight goes out. q.mu is held.
func (q *userQueue) send(b *batch) {
	if b.tries++; b.tries > 1 {
		q.resent += b.count
	}
	q.sent++
	if len(b.data) > 0 {
		q.stats.fragments.Add(1)
	}
	q.probe.start(b.seq)
}

// trim gives the buffer of a batch that is not half full back before the batch
// waits for its acknowledgement, so that what waits holds at most twice the
// memory of its bytes. q.mu is held.
func (q *userQueue) trim(b *batch) {
	if full := b.buf; cap(full) == chunkBytes && 2*len(full) < chunkBytes {
		b.buf = append(make([]byte, 0, len(full)), full...)
		q.pool.Put(&full)
	}
}

func (q *userQueue) written() {
	q.mu.Lock()
	q.flushed = q.sent
	q.lastSent, q.heard = time.Now(), q.l.p.heard.Load()
	q.reap()
	marked := q.marked
	q.marked = nil
	q.mu.Unlock()
	for _, m := range marked {
		q.l.p.pushTerminated(m)
	}
}

func (q *userQueue) acked(a wire.Ack) error {
	q.mu.Lock()
	if q.sent == 0 && a.Batch > q.ack || q.sent > 0 && a.Batch > q.flight[q.sent-1].seq {
		q.mu.Unlock()
		return wire.Malformed("ack of batch %d, which was not sent", a.Batch)
	}
	q.ack = max(q.ack, a.Batch)
	q.probe.end(q.ack, q.stats)
	q.reap()
	wake := q.idle && q.sendable()
	q.idle = q.idle && !wake
	q.mu.Unlock()
	if wake {
		q.l.wake()
	}
	return nil
}

// reap drops the frames that are written and acknowledged. q.mu is held.
func (q *userQueue) reap() {
	n, free := 0, 0
	for n < q.flushed && q.flight[n].seq <= q.ack {
		b := q.flight[n]
		free += b.cost
		if b.of != nil {
			q.fragments -= len(b.data)
		} else if cap(b.buf) == chunkBytes {
			q.pool.Put(&b.buf)
		}
		n++
	}
	if n == 0 {
		return
	}
	q.flight = slices.Delete(q.flight, 0, n)
	q.sent, q.flushed = q.sent-n, q.flushed-n
	q.free(free)
}

// free gives bytes back. q.mu is held.
func (q *userQueue) free(n int) {
	q.bytes -= n
	q.room.free(n)
}

func (q *userQueue) waiting() (mark uint64, unacked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ack, q.sent > 0
}

func (q *userQueue) needed() bool { return false }

// retire ends the use of the connection, if nothing needs it.
func (q *userQueue) retire() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.direct || len(q.flight) > 0 || q.sendable() {
		return false
	}
	q.conn = connState{}
	return true
}

func (q *userQueue) hurry() bool { return false }

func (q *userQueue) settle() {
	q.mu.Lock()
	tooBig, resent, marked := q.tooBig, q.resent, q.marked
	q.tooBig, q.resent, q.marked = nil, 0, nil
	q.mu.Unlock()
	q.l.p.r.count.resent.Add(uint64(resent))
	for _, m := range marked {
		q.l.p.pushTerminated(m)
	}
	for _, t := range tooBig {
		q.bury(t.envelope(), fmt.Errorf("%w: %w: %s takes less", actor.ErrNotPortable, ErrTooLarge, q.l.p.address))
	}
}
