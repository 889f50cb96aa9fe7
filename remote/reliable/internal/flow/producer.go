package flow

import (
	"errors"
	"fmt"
	"time"
)

// Timing of a producer.
type Timing struct {
	Resend    time.Duration // until the oldest unconfirmed message is sent again
	ResendMax time.Duration // the interval doubles up to this while nothing changes
}

// Producer keeps messages until one consumer has confirmed them.
//
// It is in one of two states. Without a session it does not know the consumer:
// only the oldest message is on its way, again and again, whatever the demand was.
// The first ack makes a session, and from then on messages go as far as the demand
// does.
type Producer struct {
	id            string
	stream, epoch uint64
	timing        Timing

	base    uint64   // the oldest unconfirmed number; the next one if there is none
	waiting [][]byte // payloads from base on

	session  uint64 // of the consumer; 0: none has answered
	received uint64 // in this session
	upTo     uint64 // demand of this session
	sent     uint64 // the highest number sent to this session, and not known to be lost
	resent   uint64 // the received number after which all was sent again last
	probing  bool   // a probe is on its way

	pause time.Duration
	wake  time.Time // zero: nothing is unconfirmed
	out   []Letter
}

// NewProducer returns a producer whose first message gets the number base. What a
// former incarnation left unconfirmed is offered again by the caller, in order.
func NewProducer(id string, stream, epoch, base uint64, t Timing) *Producer {
	return &Producer{id: id, stream: stream, epoch: epoch, timing: t, base: base, sent: base - 1, pause: t.Resend}
}

// Stream is the number of the stream.
func (p *Producer) Stream() uint64 { return p.stream }

// Base is the oldest unconfirmed number: all below are confirmed.
func (p *Producer) Base() uint64 { return p.base }

// Next is the number of the next message.
func (p *Producer) Next() uint64 { return p.base + uint64(len(p.waiting)) }

// Demand is how many messages more would be sent at once. Before the consumer is
// known it is one.
func (p *Producer) Demand() uint64 {
	if limit := p.limit(); limit >= p.Next() {
		return limit - p.Next() + 1
	}
	return 0
}

// limit is the highest number that may be sent. The oldest message needs no demand:
// it is how a consumer learns of the producer.
func (p *Producer) limit() uint64 {
	if p.session == 0 {
		return p.base
	}
	return max(p.base, p.upTo)
}

// Offer takes a message and returns its number. The caller bounds how many are
// unconfirmed.
func (p *Producer) Offer(now time.Time, payload []byte) uint64 {
	p.waiting = append(p.waiting, payload)
	p.pump(now)
	return p.Next() - 1
}

// Unconfirmed returns what is unconfirmed, oldest first. It must not be changed.
func (p *Producer) Unconfirmed() [][]byte { return p.waiting }

// pump sends what may be sent, and keeps the timer running while there is anything
// to be confirmed.
func (p *Producer) pump(now time.Time) {
	for limit := min(p.limit(), p.Next()-1); p.sent < limit; {
		p.sent++
		p.emit(p.sent, false)
	}
	switch {
	case len(p.waiting) == 0:
		p.wake = time.Time{}
	case p.wake.IsZero():
		p.wake = now.Add(p.pause)
	}
}

func (p *Producer) emit(seq uint64, probe bool) {
	p.out = append(p.out, Letter{
		Producer: p.id, Stream: p.stream, Epoch: p.epoch,
		Seq: seq, Base: p.base, Probe: probe, Payload: p.waiting[seq-p.base],
	})
}

// Tick tells that time has passed: when it is due, the oldest message goes again.
// Whatever was lost, its letter or the ack of it, the answer repairs.
func (p *Producer) Tick(now time.Time) {
	if p.wake.IsZero() || now.Before(p.wake) {
		return
	}
	p.sent = max(p.sent, p.base)
	p.emit(p.base, true)
	p.probing = true
	if p.session != 0 { // one that never answered may come up at any moment
		p.pause = min(2*p.pause, p.timing.ResendMax)
	}
	p.wake = now.Add(p.pause)
}

// Ack takes what the consumer says. Acks of another stream, of a former incarnation
// of the producer, or such that cannot be true, are an error and change nothing.
func (p *Producer) Ack(now time.Time, a Ack) error {
	switch {
	case a.Stream != p.stream || a.Epoch != p.epoch:
		return fmt.Errorf("flow: ack of stream %d epoch %d, this is %d epoch %d", a.Stream, a.Epoch, p.stream, p.epoch)
	case a.Session == 0:
		return errors.New("flow: ack without a session")
	case a.Received >= p.Next() || a.Confirmed > a.Received:
		return fmt.Errorf("flow: ack of %d received and %d confirmed, next is %d", a.Received, a.Confirmed, p.Next())
	}
	progress := p.meet(a.Session)
	progress = raise(&p.received, a.Received) || progress
	progress = raise(&p.upTo, a.UpTo) || progress
	progress = p.confirm(a.Confirmed) || progress
	p.sent = max(p.sent, p.base-1)
	if a.Resend && (p.probing || a.Received > p.resent) {
		// Once for each number unless a probe asked: each letter that comes too
		// early on the way there might report the same gap.
		p.sent = max(a.Received, p.base-1)
		p.resent, p.probing = a.Received, false
	}
	if progress {
		p.pause, p.wake = p.timing.Resend, time.Time{}
	}
	p.pump(now)
	return nil
}

// meet begins a session if it is another one: that consumer has nothing of what is
// unconfirmed, and has granted nothing. Should it be an old one whose ack was long
// under way, the answer to the next letter leads back.
func (p *Producer) meet(session uint64) bool {
	if session == p.session {
		return false
	}
	p.session, p.received, p.upTo, p.sent, p.resent = session, 0, 0, p.base-1, 0
	return true
}

func raise(v *uint64, to uint64) bool {
	up := to > *v
	*v = max(*v, to)
	return up
}

// confirm forgets all up to seq.
func (p *Producer) confirm(seq uint64) bool {
	if seq < p.base {
		return false
	}
	n := seq - p.base + 1
	clear(p.waiting[:n]) // the payloads are not to live as long as the slice
	p.waiting, p.base = p.waiting[n:], seq+1
	return true
}

// Ready hands over the letters to send, and when Tick is due; zero is never.
func (p *Producer) Ready() ([]Letter, time.Time) {
	out := p.out
	p.out = nil
	return out, p.wake
}
