package remote

import (
	"fmt"
	"net"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

const (
	ackFrames  = 64                   // frames after which an acknowledgement is due
	ackBytes   = 256 << 10            // bytes after which one is due
	ackDelay   = 5 * time.Millisecond // after which one is due for less
	maxSenders = 4096                 // PIDs of senders kept
)

// inbound is a connection that another node opened. One goroutine at a time reads
// it and owns all fields but those of the acknowledgement; see lend.go for how one
// follows another.
type inbound struct {
	net.Conn
	plain   net.Conn   // as it was accepted
	limit   *bounded   // of Conn
	role    sync.Mutex // held by whoever reads
	leading leading
	r       *Remote
	p       *peer
	lane    remotepb.Lane
	index   uint32
	dialled string
	uid     uint64
	stream  *stream
	stats   *laneCounters
	frames  *wire.Reader
	lends   bool          // what is handed over now may have this goroutine
	unpack  Compression   // nil: nothing compressed may come
	done    chan struct{} // closed when the reader has ended

	table     wire.Table
	resets    int                // of the table, that the caches below know of
	decoders  []decoder          // of the names used as types, by number
	reached   []string           // names that may be receivers, by number
	receivers []*receiver        // of the names used as receivers, by number
	senders   map[uint64]*pa.PID // by the numbers of address and id
	literals  map[string]decoder // of types that have no number
	batches   wire.BatchReader
	unpacked  []byte

	ack   acknowledger
	turns turns
}

func newInbound(r *Remote, conn *bounded, frames *wire.Reader, h *remotepb.Hello) *inbound {
	c := &inbound{
		Conn: conn, limit: conn, r: r, p: r.peer(h.Address), lane: h.Lane, index: h.Index, dialled: h.Dialled, uid: h.Uid,
		frames: frames, done: make(chan struct{}),
	}
	c.ack.c = c
	return c
}

// replace waits for the reader before, if there is one: for a moment it may go
// on with what has arrived.
func (c *inbound) replace(before *inbound) error {
	if before == nil {
		return nil
	}
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-before.done:
		return nil
	case <-timer.C:
	}
	before.Close()
	timer.Reset(c.r.cfg.HandshakeTimeout)
	select {
	case <-before.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("remote: a former connection of %s does not end", c.p.address)
	}
}

// end leaves the stream to the next reader.
func (c *inbound) end() {
	c.p.exit(c)
	close(c.done)
	c.p.forgetIf(c.r.cfg.ForgetAfter)
}

// serve is a goroutine that reads the connection until it ends, or another
// goroutine does.
func (c *inbound) serve() {
	if err, mine := c.read(); mine {
		c.ack.stop()
		c.p.answers.CompareAndSwap(c, nil)
		if c.leading.sentinel != nil {
			c.leading.close() // the role is kept: no asker gets here any more
		}
		c.r.ended(c, err)
	}
}

// read handles frames. It returns when the connection has ended, or is not this
// goroutine's any more.
func (c *inbound) read() (_ error, mine bool) {
	for {
		kind, body, err := c.frames.Next()
		if err == errAgain {
			if err = c.rest(); err == nil {
				continue
			}
		}
		if err != nil {
			return err, true
		}
		err = c.frame(kind, body)
		if !c.runTurn() { // also if the connection is at its end: the actor has the message
			return nil, false
		}
		if err != nil {
			return err, true
		}
	}
}

// frame handles one frame.
func (c *inbound) frame(kind wire.Kind, body []byte) error {
	c.r.count.receivedBytes.Add(uint64(len(body) + wire.HeadLen))
	c.r.dump(c.p.address, false, c.lane, c.index, kind, body)
	if err := c.handle(kind, body); err != nil {
		c.ack.now() // so that the other side knows which frame it was
		return err
	}
	return c.ack.due(kind, len(body))
}

func (c *inbound) handle(kind wire.Kind, body []byte) error {
	if kind == wire.KindRefusal { // the caller does not like what the welcome said
		m, err := unmarshal[remotepb.Refusal](kind, body)
		if err != nil {
			return err
		}
		return refusedError(m)
	}
	if c.lane == remotepb.Lane_LANE_USER {
		return c.user(kind, body)
	}
	switch kind {
	case wire.KindControl:
		return c.control(body)
	case wire.KindSystem:
		return c.system(body)
	case wire.KindSpawn:
		return c.spawn(body)
	case wire.KindAck: // asks for one
		_, err := wire.ParseAck(body)
		return err
	}
	return wire.Malformed("%v on the control lane", kind)
}

func (c *inbound) user(kind wire.Kind, body []byte) error {
	switch kind {
	case wire.KindDefine:
		return c.table.Define(body)
	case wire.KindBatch:
		return c.batch(body)
	case wire.KindFragment:
		return c.fragment(body)
	case wire.KindPacked:
		return c.packed(body)
	}
	return wire.Malformed("%v on a user lane", kind)
}

// packed handles a frame that was compressed.
func (c *inbound) packed(body []byte) error {
	if c.unpack == nil {
		return wire.Malformed("packed frame without a compression agreed on")
	}
	p, err := wire.ParsePacked(body, wire.MaxFrame(0))
	if err != nil {
		return err
	}
	c.unpacked, err = c.unpack.Decompress(c.unpacked[:0], p.Data, p.Size)
	if err != nil || len(c.unpacked) != p.Size {
		return wire.Malformed("packed frame: %d bytes of %d, %v", len(c.unpacked), p.Size, err)
	}
	return c.user(p.Kind, c.unpacked)
}

// batch delivers user messages. A batch that has been handled before is
// skipped; one that breaks a rule is not handled at all.
func (c *inbound) batch(body []byte) error {
	seq, envelopes, err := c.batches.Read(body, c.table.Len())
	if err != nil {
		return err
	}
	if skip, err := c.seen(seq); skip || err != nil {
		return err
	}
	many := len(envelopes) > 1 || c.frames.Buffered() > 0
	c.noteMany(many)
	c.p.heard.Add(1)
	c.lends = !many && !c.leading.by
	c.handOver(envelopes, false)
	c.lends = false
	c.p.arrived(c.stream, seq)
	return nil
}

// seen reports whether a frame has been handled before, on another connection.
func (c *inbound) seen(seq uint64) (bool, error) {
	if seq <= c.stream.batch.Load() {
		return true, nil
	}
	if !c.p.is(c.uid) {
		return false, &IncarnationError{Address: c.p.address, Want: c.uid}
	}
	return false, nil
}

// fragment gathers a large message, and delivers it once it is complete.
func (c *inbound) fragment(body []byte) error {
	f, err := wire.ParseFragment(body)
	if err != nil {
		return err
	}
	if skip, err := c.seen(f.Seq); skip || err != nil {
		return err
	}
	limit := c.r.cfg.MaxMessage
	whole, err := c.stream.partial.Add(f, wire.MaxEnvelope(limit), wire.MaxPartial(limit))
	if err != nil {
		return err
	}
	if whole != nil {
		e, err := wire.ParseEnvelope(whole, 0) // its texts are written out
		if err != nil {
			return err
		}
		c.handOver([]wire.Envelope{e}, true)
	}
	c.p.arrived(c.stream, f.Seq)
	return nil
}

// unmarshal reads a frame of the control lane.
func unmarshal[T any, M interface {
	*T
	proto.Message
}](kind wire.Kind, body []byte) (M, error) {
	m := M(new(T))
	return m, wire.Unmarshal(kind, body, m)
}

func (c *inbound) control(body []byte) error {
	m, err := unmarshal[remotepb.Control](wire.KindControl, body)
	if err != nil {
		return err
	}
	defer c.ack.post()
	c.r.count.control.Add(1)
	c.stats.received.Add(1)
	s, ok := c.r.service(m.Service)
	if !ok || s.Receive == nil {
		c.r.count.noService.Add(1)
		return nil
	}
	c.guarded(func() { s.Receive(Node{Address: c.p.address, UID: c.uid}, m.Payload) })
	return nil
}

func (c *inbound) system(body []byte) error {
	m, err := unmarshal[remotepb.System](wire.KindSystem, body)
	if err != nil {
		return err
	}
	if m.Seq == 0 {
		return wire.Malformed("system message without a sequence number")
	}
	if m.Seq <= c.stream.system.Load() {
		return nil
	}
	if !c.p.is(c.uid) {
		return &IncarnationError{Address: c.p.address, Want: c.uid}
	}
	c.stats.received.Add(1)
	c.guarded(func() { err = c.p.system(c, m) })
	c.stream.system.Store(m.Seq)
	return err
}

func (c *inbound) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
		}
	}()
	f()
}
