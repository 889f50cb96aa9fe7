package remote

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

const (
	ackFrames  = 64        // frames after which an acknowledgement is due
	ackBytes   = 256 << 10 // bytes after which one is due
	maxSenders = 4096      // PIDs of senders kept
)

// inbound is a connection that another node opened. One goroutine reads it and
// owns all fields but mu.
type inbound struct {
	net.Conn
	r      *Remote
	p      *peer
	lane   remotepb.Lane
	uid    uint64
	stream *stream
	frames *wire.Reader
	done   chan struct{} // closed when the reader has ended

	table     wire.Table
	decoders  []decoder          // of the names used as types, by number
	reached   []string           // names that may be receivers, by number
	senders   map[uint64]*pa.PID // by the numbers of address and id
	envelopes []wire.Envelope
	posts     uint64 // control and spawn frames handled
	frameN    int    // frames handled since the last acknowledgement
	byteN     int    // their bytes
	ack       []byte

	mu sync.Mutex // one write at a time
}

func newInbound(r *Remote, conn net.Conn, frames *wire.Reader, h *remotepb.Hello) *inbound {
	return &inbound{
		Conn: conn, r: r, p: r.peer(h.Address), lane: h.Lane, uid: h.Uid,
		frames: frames, done: make(chan struct{}),
	}
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
}

// serve handles frames until the connection ends.
func (c *inbound) serve() error {
	for {
		kind, body, err := c.frames.Next()
		if err != nil {
			return err
		}
		c.r.count.receivedBytes.Add(uint64(len(body) + wire.HeadLen))
		if err := c.handle(kind, body); err != nil {
			c.acknowledge() // so that the other side knows which frame it was
			return err
		}
		c.frameN++
		c.byteN += len(body)
		if c.frames.Buffered() == 0 || c.frameN >= ackFrames || c.byteN >= ackBytes {
			if err := c.acknowledge(); err != nil {
				return err
			}
		}
	}
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
		switch kind {
		case wire.KindDefine:
			return c.table.Define(body)
		case wire.KindBatch:
			return c.batch(body)
		}
		return wire.Malformed("%v on the user lane", kind)
	}
	switch kind {
	case wire.KindControl:
		return c.control(body)
	case wire.KindSystem:
		return c.system(body)
	case wire.KindSpawn:
		return c.spawn(body)
	}
	return wire.Malformed("%v on the control lane", kind)
}

func (c *inbound) acknowledge() error {
	a := &remotepb.Ack{Batch: c.stream.batch}
	if c.lane == remotepb.Lane_LANE_CONTROL {
		a = &remotepb.Ack{Control: c.posts, System: c.stream.system}
	}
	c.frameN, c.byteN = 0, 0
	var err error
	if c.ack, err = wire.AppendFrame(c.ack[:0], wire.KindAck, a); err != nil {
		return err
	}
	return c.send(c.ack)
}

// send writes a frame back.
func (c *inbound) send(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.SetWriteDeadline(time.Now().Add(c.r.cfg.AckTimeout))
	_, err := c.Write(frame)
	return err
}

// batch delivers user messages. A batch that has been handled before is
// skipped; one that breaks a rule is not handled at all.
func (c *inbound) batch(body []byte) error {
	seq, envelopes, err := wire.ParseBatch(body, c.table.Len(), c.envelopes[:0])
	c.envelopes = envelopes
	if err != nil {
		return err
	}
	if seq <= c.stream.batch {
		return nil
	}
	if !c.p.is(c.uid) {
		return &IncarnationError{Address: c.p.address, Want: c.uid}
	}
	c.r.count.received.Add(uint64(len(envelopes)))
	for i := 0; i < len(envelopes); {
		i = c.deliver(envelopes, i)
	}
	c.stream.batch = seq
	clear(c.envelopes)
	if cap(c.envelopes) > 4096 {
		c.envelopes = nil
	}
	return nil
}

// deliver hands in the messages from i on and returns where to go on: at the
// end, or after one whose handling panicked.
func (c *inbound) deliver(envelopes []wire.Envelope, i int) (next int) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
			next = i + 1
		}
	}()
	for ; i < len(envelopes); i++ {
		e := &envelopes[i]
		to, from := textOf(e.To, &c.table), c.sender(e)
		if err := c.reach(e.To, to); err != nil {
			c.r.turnAway(to, from, undecoded(textOf(e.Type, &c.table), e.Payload), err)
			continue
		}
		msg, err := c.decoder(e.Type)(e.Payload)
		if err != nil {
			c.r.count.undecodable.Add(1)
			pid := &pa.PID{Address: c.r.self.Address, Id: to}
			c.r.sys.DeadLetter(pid, from, undecoded(textOf(e.Type, &c.table), e.Payload), err)
			continue
		}
		c.r.sys.Deliver(to, from, msg)
	}
	return i
}

// panicked reports a panic of code that handled an arrived message: a codec, or
// a subscriber of dead letters.
func (c *inbound) panicked(v any) {
	c.r.count.panics.Add(1)
	c.r.log.Error("panic while handling a message", "from", c.p.address, "panic", v, "stack", string(debug.Stack()))
}

func (c *inbound) decoder(typ wire.Seen) decoder {
	if typ.Ref == 0 {
		return decoderOf(string(typ.B))
	}
	for len(c.decoders) < c.table.Len() {
		c.decoders = append(c.decoders, nil)
	}
	d := &c.decoders[typ.Ref-1]
	if *d == nil {
		*d = decoderOf(c.table.At(typ.Ref))
	}
	return *d
}

// sender returns the PID of an envelope's sender. Those that are named by
// number are kept, and so is the process that each has resolved to.
func (c *inbound) sender(e *wire.Envelope) *pa.PID {
	if e.From.IsZero() {
		return nil
	}
	if e.From.Ref == 0 || len(e.FromAddress.B) > 0 {
		return c.newSender(e)
	}
	key := uint64(e.FromAddress.Ref)<<32 | uint64(e.From.Ref)
	pid := c.senders[key]
	if pid == nil {
		pid = c.newSender(e)
		if c.senders == nil || len(c.senders) >= maxSenders {
			c.senders = make(map[uint64]*pa.PID)
		}
		c.senders[key] = pid
	}
	return pid
}

func (c *inbound) newSender(e *wire.Envelope) *pa.PID {
	pid := &pa.PID{Address: c.p.address, Id: textOf(e.From, &c.table)}
	if !e.FromAddress.IsZero() {
		pid.Address = textOf(e.FromAddress, &c.table)
	}
	return pid
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
	c.posts++
	c.r.count.control.Add(1)
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
	if m.Seq <= c.stream.system {
		return nil
	}
	if !c.p.is(c.uid) {
		return &IncarnationError{Address: c.p.address, Want: c.uid}
	}
	c.guarded(func() { err = c.p.system(c, m) })
	c.stream.system = m.Seq
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
