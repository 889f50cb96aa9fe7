package remote

import (
	"context"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/wire"
)

const (
	chunkBytes  = 64 << 10 // of a batch; a longer message goes in fragments
	writeBytes  = 512 << 10
	maxInFlight = 256 // frames written and not acknowledged
	// fragmentWindow is how many bytes of fragments may be written and not
	// acknowledged: what a small message may find before it on its connection.
	fragmentWindow = 1 << 20
)

// userQueue holds the user messages for one peer that share a lane. Senders
// encode into its last open batch, or begin a flow with a large message; the
// lane takes from both in turn, numbers what it takes and writes it. A frame
// that was taken stays until the other side has handled it: a new connection
// begins with the first that was not, so that nothing is lost or doubled while
// both processes live.
//
//	push ──► open batches ──┐
//	   └───► flows ─────────┴─take──► flight ──ack──► gone
type userQueue struct {
	l     *lane
	room  *room
	pool  *sync.Pool // of batch buffers
	stats *laneCounters

	mu     sync.Mutex
	refuse error    // not nil: nothing is accepted
	kept   error    // what refuse was before errForgotten
	open   []*batch // oldest first; only the last one grows
	opened uint64   // batches that were ever opened,
	taken  uint64   // and of them those that were taken
	flows  flows
	turn   bool // a flow is served before the open batches
	names  *wire.Names
	stamp  wire.Stamp // of the last message whose texts all had numbers
	bytes  int        // of all messages that are here
	marked []mark

	flight    []*batch // taken, oldest first
	sent      int      // how many of them have been taken for the connection
	flushed   int      // how many of these have been written
	fragments int      // bytes of fragments in flight
	seq       uint64   // of the newest frame taken
	ack       uint64   // the highest acknowledged number

	conn     connState
	tooBig   []*transfer
	resent   int  // envelopes written again, to be counted
	idle     bool // the lane sleeps; the next push wakes it
	direct   bool // a sender writes by itself
	ended    *sync.Cond
	rest     []byte   // what such a write has left over
	taking   []*batch // what is written now
	lastSent time.Time
	heard    uint32 // of peer.heard, then
	probe    probe
}

// connState is what holds for the connection that stands.
type connState struct {
	c           *outbound
	table       *wire.Names // that the other side has been told of,
	defined     int         // and how much of it
	packer      *packer
	maxEnvelope int
	maxPartial  int
}

// batch is one frame: a batch of envelopes, which grows until it is taken, or
// a fragment of a transfer.
type batch struct {
	buf   []byte // the frame, for a fragment up to its data
	data  []byte
	seq   uint64 // 0 until it is taken
	names *wire.Names
	need  int // how many names the receiver must know to read it
	count int // envelopes that end in it
	tries int // connections that it was written to
	cost  int // bytes that are free again when it is acknowledged
	of    *transfer
	marks []mark
}

func (b *batch) len() int { return len(b.buf) + len(b.data) }

func newUserQueue(l *lane, room *room, pool *sync.Pool, stats *laneCounters, first uint64) *userQueue {
	q := &userQueue{seq: first, ack: first, l: l, room: room, pool: pool, stats: stats, idle: true, names: new(wire.Names)}
	q.ended = sync.NewCond(&q.mu)
	return q
}

// push appends a message. It never blocks. It keeps the payload of a large
// message.
func (q *userQueue) push(e *wire.Outgoing) error {
	wake, err := q.append(e)
	switch wake {
	case wakeLane:
		q.l.wake()
	case wakeDirect:
		q.writeDirect()
	}
	return err
}

// check finds what would make e no envelope.
func check(e *wire.Outgoing) error {
	for _, s := range [...]string{e.To.S, e.FromAddress.S, e.From.S, e.Type.S} {
		if len(s) > wire.MaxText || !utf8.ValidString(s) {
			return fmt.Errorf("%w: id or type of %d bytes is too long or not UTF-8", actor.ErrNotPortable, len(s))
		}
	}
	if e.To.S == "" {
		return fmt.Errorf("%w: empty id", actor.ErrNoActor)
	}
	if len(e.Headers) > 0 && !wire.CheckHeaders(e.Headers) {
		return fmt.Errorf("%w: %w: more than %d headers, %d bytes of them, or no UTF-8",
			actor.ErrNotPortable, ErrTooLarge, wire.MaxHeaders, wire.MaxHeaderBytes)
	}
	return nil
}

// wakeup is what a sender does after it has pushed.
type wakeup int

const (
	wakeNobody wakeup = iota
	wakeLane
	wakeDirect
)

func (q *userQueue) append(e *wire.Outgoing) (wakeup, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.refuse != nil:
		return wakeNobody, q.refuse
	case q.fits(e):
		if !q.appendLike(e) {
			return wakeNobody, actor.ErrMailboxFull
		}
	default:
		if err := q.appendOther(e); err != nil {
			return wakeNobody, err
		}
	}
	q.stats.sent.Add(1)
	return q.wakeup(), nil
}

// fits reports whether the message goes like the one before. What has been
// checked and numbered for that one then holds for this one. q.mu is held.
func (q *userQueue) fits(e *wire.Outgoing) bool {
	if !q.stamp.Fits(q.names, e) || q.names.Stale() || len(q.flows.by) > 0 || isLarge(q.stamp.Size(len(e.Payload))) {
		return false
	}
	n := len(q.open)
	return n == 0 || q.open[n-1].names == q.names
}

// appendLike appends a message that fits; false means that there is no room. q.mu
// is held.
func (q *userQueue) appendLike(e *wire.Outgoing) bool {
	size := q.stamp.Size(len(e.Payload))
	if !q.room.take(size) {
		return false
	}
	q.bytes += size
	b := q.last(size)
	b.buf = q.stamp.Append(b.buf, e.Payload)
	b.need = q.names.Len()
	b.count++
	b.cost += size
	return true
}

// appendOther appends a message of which nothing is known. q.mu is held.
func (q *userQueue) appendOther(e *wire.Outgoing) error {
	if err := check(e); err != nil {
		return err
	}
	size := e.MaxSize()
	if !q.room.take(size) {
		return actor.ErrMailboxFull
	}
	q.bytes += size
	if len(q.flows.by) > 0 || isLarge(size) {
		q.appendFlow(e, size)
	} else {
		q.addTo(q.last(size), e, size)
	}
	return nil
}

// isLarge reports whether an envelope of size bytes needs a transfer.
func isLarge(size int) bool { return size > chunkBytes-wire.BatchHead }

// wakeup tells the sender whom to wake. q.mu is held.
func (q *userQueue) wakeup() wakeup {
	if !q.idle {
		return wakeNobody
	}
	q.idle = false
	if q.beginDirect() {
		return wakeDirect
	}
	return wakeLane
}

// appendFlow appends a message that is large, or follows a large one to its
// receiver. q.mu is held.
func (q *userQueue) appendFlow(e *wire.Outgoing, size int) {
	f := q.flows.by[e.To.S]
	switch {
	case f == nil && !isLarge(size):
		q.addTo(q.last(size), e, size)
	case isLarge(size):
		if f == nil {
			f = q.flows.add(e.To.S, q.opened)
		}
		f.items = append(f.items, item{t: q.flows.transfer(e, size)})
	default:
		q.addTo(q.lastOf(f, size), e, size)
	}
}

// addTo appends a message to a batch. Ids and types get their numbers here. q.mu
// is held.
func (q *userQueue) addTo(b *batch, e *wire.Outgoing, size int) {
	n, before := b.names, len(b.buf)
	numbered := wire.Outgoing{
		To: ref(n, e.To.S), From: ref(n, e.From.S), FromAddress: n.Text(e.FromAddress.S), Type: n.Text(e.Type.S),
		Headers: e.Headers, Payload: e.Payload,
	}
	b.buf = wire.AppendEnvelope(b.buf, &numbered)
	q.stamp.Cut(n, e, &numbered)
	b.need = n.Len()
	b.count++
	cost := len(b.buf) - before
	b.cost += cost
	q.free(size - cost) // what the numbers have saved
}

// askPrefix begins the ids of asks, which are used once.
const askPrefix = "$ask/"

// ref returns an id with its number, if it is worth one.
func ref(n *wire.Names, id string) wire.Text {
	if len(id) > len(askPrefix) && id[:len(askPrefix)] == askPrefix {
		return wire.Text{S: id}
	}
	return n.Often(id)
}

// last returns the open batch to append size bytes to. q.mu is held.
func (q *userQueue) last(size int) *batch {
	if n := len(q.open); n > 0 && q.open[n-1].has(size) {
		return q.open[n-1]
	}
	b := q.newBatch()
	q.open = append(q.open, b)
	q.opened++
	return b
}

// lastOf is last for what follows a large message. q.mu is held.
func (q *userQueue) lastOf(f *flow, size int) *batch {
	if i := &f.items[len(f.items)-1]; i.b != nil && i.b.has(size) {
		return i.b
	}
	b := q.newBatch()
	f.items = append(f.items, item{b: b})
	return b
}

func (b *batch) has(size int) bool {
	return len(b.buf)+size <= chunkBytes && b.count < wire.MaxEnvelopes
}

func (q *userQueue) newBatch() *batch {
	if q.names.Stale() {
		q.names = new(wire.Names) // batches that wait keep the one that they were written with
	}
	buf := (*q.pool.Get().(*[]byte))[:0]
	return &batch{buf: wire.BeginBatch(buf), names: q.names}
}

// pushWait is push that waits for room.
func (q *userQueue) pushWait(ctx context.Context, e *wire.Outgoing) error {
	err := q.push(e)
	for err == actor.ErrMailboxFull {
		wait := q.room.wait()
		if err = q.push(e); err != actor.ErrMailboxFull { // room came in between
			return err
		}
		select {
		case <-wait:
			err = q.push(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}
