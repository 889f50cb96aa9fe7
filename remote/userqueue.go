package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

const (
	chunkBytes  = 64 << 10 // of a chunk, unless one message is longer
	writeBytes  = 1 << 20  // about the most of one write
	maxInFlight = 256      // chunks written and not acknowledged
)

// chunk is a batch frame that grows until it is sent, and is kept until it is
// acknowledged.
type chunk struct {
	buf   []byte
	seq   uint64
	names int // how many names the receiver must know to read it
	count int // envelopes
	tries int // connections that it was written to
}

// userQueue holds the user messages for one peer. Senders encode into its last
// chunk; the lane writes whole chunks. A chunk stays until the other side has
// handled it: a new connection begins with the first that was not, so that
// nothing is lost or doubled while both processes live.
type userQueue struct {
	l     *lane
	limit int
	pool  *sync.Pool // of chunk buffers

	mu      sync.Mutex
	refuse  error    // not nil: nothing is accepted
	chunks  []*chunk // oldest first
	sent    int      // how many of them have been taken for the connection
	flushed int      // how many of these have been written
	seq     uint64   // of the newest chunk
	ack     uint64   // the highest acknowledged number
	bytes   int
	names   wire.Names
	defined int // names defined on the connection
	maxBody int // what the other side takes
	resent  int // envelopes written again, to be counted
	tooBig  []*chunk
	idle    bool
	room    chan struct{} // closed when there is room again; nil: nobody waits
}

func newUserQueue(l *lane, limit int, pool *sync.Pool) *userQueue {
	return &userQueue{l: l, limit: limit, pool: pool, idle: true}
}

// push appends a message. It never blocks.
func (q *userQueue) push(e *wire.Outgoing) error {
	for _, s := range [...]string{e.To.S, e.FromAddress.S, e.From.S, e.Type.S} {
		if len(s) > wire.MaxText || !utf8.ValidString(s) {
			return fmt.Errorf("%w: id or type of %d bytes is too long or not UTF-8", actor.ErrNotPortable, len(s))
		}
	}
	if e.To.S == "" {
		return fmt.Errorf("%w: empty id", actor.ErrNoActor)
	}
	wake, err := q.append(e)
	if wake {
		q.l.wake()
	}
	return err
}

func (q *userQueue) append(e *wire.Outgoing) (wake bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		return false, q.refuse
	}
	size := e.MaxSize()
	if q.bytes+size+wire.BatchHead > q.limit {
		return false, actor.ErrMailboxFull
	}
	e.To, e.From = q.ref(e.To.S), q.ref(e.From.S)
	e.FromAddress, e.Type = q.names.Text(e.FromAddress.S), q.names.Text(e.Type.S)
	c := q.last(size)
	before := len(c.buf)
	c.buf = wire.AppendEnvelope(c.buf, e)
	c.names = q.names.Len()
	c.count++
	q.bytes += len(c.buf) - before
	wake, q.idle = q.idle, false
	return wake, nil
}

// askPrefix begins the ids of asks, which are used once.
const askPrefix = "$ask/"

// ref returns an id with its number, if it is worth one.
func (q *userQueue) ref(id string) wire.Text {
	if len(id) > len(askPrefix) && id[:len(askPrefix)] == askPrefix {
		return wire.Text{S: id}
	}
	return q.names.Text(id)
}

// last returns the chunk to append size bytes to.
func (q *userQueue) last(size int) *chunk {
	if n := len(q.chunks); n > q.sent {
		c := q.chunks[n-1]
		if len(c.buf)+size <= chunkBytes && c.count < wire.MaxEnvelopes && c.tries == 0 {
			return c
		}
	}
	var buf []byte
	if size+wire.BatchHead <= chunkBytes {
		buf = (*q.pool.Get().(*[]byte))[:0]
	} else {
		buf = make([]byte, 0, size+wire.BatchHead)
	}
	q.seq++
	c := &chunk{buf: wire.BeginBatch(buf, q.seq), seq: q.seq}
	q.bytes += len(c.buf)
	q.chunks = append(q.chunks, c)
	return c
}

// wait returns a channel that is closed when there may be room again.
func (q *userQueue) wait() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.room == nil {
		q.room = make(chan struct{})
	}
	return q.room
}

// pushWait is push that waits for room.
func (q *userQueue) pushWait(ctx context.Context, e *wire.Outgoing) error {
	err := q.push(e)
	for err == actor.ErrMailboxFull {
		room := q.wait()
		if err = q.push(e); err != actor.ErrMailboxFull { // room came in between
			return err
		}
		select {
		case <-room:
			err = q.push(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// signal wakes those who wait for room. q.mu is held.
func (q *userQueue) signal() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

func (q *userQueue) park() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.idle = !q.sendable()
	return q.idle
}

func (q *userQueue) sendable() bool { return q.sent < len(q.chunks) && q.sent < maxInFlight }

func (q *userQueue) opened(w *remotepb.Welcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent, q.flushed, q.defined = 0, 0, 0
	q.maxBody = wire.MaxFrame(int(w.MaxMessage))
	for _, c := range q.chunks {
		if c.seq <= w.Received && c.tries > 0 {
			q.flushed++
		}
	}
	q.sent = q.flushed
	q.ack = min(w.Received, q.seq)
	q.reap()
}

func (q *userQueue) next(b net.Buffers) net.Buffers {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n := 0; n < writeBytes && q.sendable(); {
		c := q.chunks[q.sent]
		if len(c.buf)-wire.HeadLen > q.maxBody {
			q.cut(q.sent)
			q.tooBig = append(q.tooBig, c)
			continue
		}
		if c.names > q.defined {
			b = append(b, q.names.AppendDefine(nil, q.defined, c.names))
			q.defined = c.names
		}
		q.trim(c)
		if c.tries++; c.tries > 1 {
			q.resent += c.count
		}
		wire.EndBatch(c.buf)
		b = append(b, c.buf)
		q.sent++
		n += len(c.buf)
	}
	return b
}

// trim gives the buffer of a chunk that is not half full back before the chunk
// waits for its acknowledgement, so that what waits holds at most twice the
// memory of its bytes. q.mu is held.
func (q *userQueue) trim(c *chunk) {
	if full := c.buf; cap(full) == chunkBytes && 2*len(full) < chunkBytes {
		c.buf = append(make([]byte, 0, len(full)), full...)
		q.pool.Put(&full)
	}
}

// cut takes out the chunk at i, which is not being written.
func (q *userQueue) cut(i int) {
	q.bytes -= len(q.chunks[i].buf)
	q.chunks = append(q.chunks[:i], q.chunks[i+1:]...)
	q.signal()
}

func (q *userQueue) written() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushed = q.sent
	q.reap()
}

func (q *userQueue) acked(a *remotepb.Ack) error {
	q.mu.Lock()
	if q.sent == 0 && a.Batch > q.ack || q.sent > 0 && a.Batch > q.chunks[q.sent-1].seq {
		q.mu.Unlock()
		return wire.Malformed("ack of batch %d, which was not sent", a.Batch)
	}
	full := q.sent >= maxInFlight
	q.ack = max(q.ack, a.Batch)
	q.reap()
	wake := full && q.sendable() && q.idle
	q.idle = q.idle && !wake
	q.mu.Unlock()
	if wake {
		q.l.wake()
	}
	return nil
}

// reap drops the chunks that are written and acknowledged. q.mu is held.
func (q *userQueue) reap() {
	n := 0
	for n < q.flushed && q.chunks[n].seq <= q.ack {
		c := q.chunks[n]
		q.bytes -= len(c.buf)
		if cap(c.buf) == chunkBytes {
			q.pool.Put(&c.buf)
		}
		n++
	}
	if n == 0 {
		return
	}
	m := copy(q.chunks, q.chunks[n:])
	clear(q.chunks[m:])
	q.chunks = q.chunks[:m]
	q.sent, q.flushed = q.sent-n, q.flushed-n
	q.signal()
}

func (q *userQueue) waiting() (mark uint64, unacked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ack, q.sent > 0
}

func (q *userQueue) hurry() bool { return false }

func (q *userQueue) settle() {
	q.mu.Lock()
	tooBig, resent := q.tooBig, q.resent
	q.tooBig, q.resent = nil, 0
	names := q.names
	q.mu.Unlock()
	q.l.p.r.count.resent.Add(uint64(resent))
	for _, c := range tooBig {
		q.l.p.bury(c, &names, fmt.Errorf("%w: %w: %s takes less", actor.ErrNotPortable, ErrTooLarge, q.l.p.address))
	}
}

func (q *userQueue) unreachable(err error) { q.refused(err) }

func (q *userQueue) lost(err error) {
	q.mu.Lock()
	first := (*chunk)(nil)
	if refusedWith(err, CodeMalformed) && q.flushed > 0 {
		first = q.chunks[0] // the one that the other side could not read
		q.cut(0)
	}
	q.sent, q.flushed = 0, 0
	names := q.names
	q.mu.Unlock()
	if first != nil {
		q.l.p.bury(first, &names, fmt.Errorf("%w: %w", actor.ErrNotPortable, err))
	}
	q.refused(err)
}

// refused buries what waits when the other side wants none of it.
func (q *userQueue) refused(err error) {
	switch {
	case refusedWith(err, CodeRemoved):
		q.drain(fmt.Errorf("%w: %w", actor.ErrNodeRemoved, err), nil)()
	case refusedWith(err, CodeCluster, CodeVersion, CodeUID, CodeAddress):
		q.drain(err, nil)()
	}
}

// drain takes out all messages; bury makes dead letters of them and must be
// called without a lock. From then on messages are refused with refuse, or
// accepted if that is nil. A connection that must not carry what comes next is
// closed before.
func (q *userQueue) drain(reason, refuse error) (bury func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	chunks, names := q.chunks, q.names
	q.chunks, q.sent, q.flushed, q.bytes = nil, 0, 0, 0
	q.ack = q.seq // acknowledgements that are still on their way are no fault
	q.refuse = refuse
	q.signal()
	return func() {
		for _, c := range chunks {
			q.l.p.bury(c, &names, reason)
		}
	}
}

// refuseAll refuses messages from now on; those that wait stay.
func (q *userQueue) refuseAll(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse = reason
	q.signal()
}

// empty reports whether nothing waits to be sent or acknowledged.
func (q *userQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.chunks) == 0
}

// refusedWith reports whether err is a refusal with one of the codes.
func refusedWith(err error, codes ...string) bool {
	var r *RefusedError
	return errors.As(err, &r) && slices.Contains(codes, r.Code)
}
