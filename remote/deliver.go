package remote

import (
	"bytes"
	"runtime/debug"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/remote/internal/wire"
)

// This file is how an inbound connection hands user messages to their receivers.
// What a number in the table of names stands for, a receiver, a type, a sender, is
// looked up once and kept.

// handOver delivers messages, whatever becomes of each. keep says that their
// payloads are theirs.
func (c *inbound) handOver(envelopes []wire.Envelope, keep bool) {
	if n := c.table.Resets(); n != c.resets { // the numbers mean something else now
		c.resets, c.decoders, c.reached, c.receivers, c.senders = n, nil, nil, nil, nil
	}
	c.r.count.received.Add(uint64(len(envelopes)))
	c.stats.received.Add(uint64(len(envelopes)))
	for i := 0; i < len(envelopes); {
		i = c.deliver(envelopes, i, keep)
	}
}

// deliver hands in the messages from i on and returns where to go on: at the
// end, or after one whose handling panicked.
func (c *inbound) deliver(envelopes []wire.Envelope, i int, keep bool) (next int) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
			next = i + 1
		}
	}()
	var d destination
	for ; i < len(envelopes); i++ {
		e := &envelopes[i]
		if e.Head != d.head {
			c.resolve(e.Head, &d)
		}
		if !d.answer {
			if err := c.reach(e.To, d.to); err != nil {
				c.r.turnAway(d.to, d.from, undecoded(textOf(e.Type, &c.table), e.Payload), err)
				continue
			}
		}
		msg, err := d.decoder.decode(e.Payload, keep)
		switch {
		case err != nil:
			c.r.count.undecodable.Add(1)
			pid := &pa.PID{Address: c.r.self.Address, Id: textOf(e.To, &c.table)}
			c.r.sys.DeadLetter(pid, d.from, undecoded(textOf(e.Type, &c.table), e.Payload), err)
		case d.answer:
			if !c.p.many.Load() {
				c.answered()
			}
			c.r.sys.DeliverAnswer(e.To.B, d.from, e.Headers, msg)
		case e.To.Ref == 0:
			c.r.sys.DeliverWith(d.to, d.from, e.Headers, msg)
		default:
			c.hand(c.receiver(e.To.Ref), d.from, e.Headers, msg)
		}
	}
	return i
}

// destination is what a head comes to on this connection, for all envelopes of a
// batch that share it.
type destination struct {
	head    *wire.Head
	answer  bool   // it is for an asker, whose id is used once: no string is made of it
	to      string // else
	from    *pa.PID
	decoder decoder
}

func (c *inbound) resolve(h *wire.Head, d *destination) {
	*d = destination{head: h, answer: isAnswer(h.To), from: c.sender(h), decoder: c.decoder(h.Type)}
	if !d.answer {
		d.to = textOf(h.To, &c.table)
	}
}

// isAnswer reports whether an id is that of an asker of this incarnation. Whoever
// knows such an id may answer. One that names an incarnation is looked at as other
// ids are.
func isAnswer(to wire.Seen) bool {
	return to.Ref == 0 && len(to.B) > len(askPrefix) && string(to.B[:len(askPrefix)]) == askPrefix && bytes.IndexByte(to.B, '#') < 0
}

// panicked reports a panic of code that handled an arrived message: a codec, or
// a subscriber of dead letters.
func (c *inbound) panicked(v any) {
	c.r.count.panics.Add(1)
	c.r.log.Error("panic while handling a message", "from", c.p.address, "panic", v, "stack", string(debug.Stack()))
}

// hand gives a message to a receiver, whose turn this goroutine may then have to
// run.
func (c *inbound) hand(r *receiver, from *pa.PID, header map[string]string, msg any) {
	if !c.lends || !r.lendable() {
		r.Deliver(from, header, msg)
		return
	}
	c.turns.next, c.turns.whose = r.lender.Lend(from, header, msg), r
}

// receiver returns the receiver with a number. It is kept, and with it the actor
// that was found.
func (c *inbound) receiver(ref uint32) *receiver {
	for len(c.receivers) < c.table.Len() {
		c.receivers = append(c.receivers, nil)
	}
	r := &c.receivers[ref-1]
	if *r == nil {
		*r = newReceiver(c.r.sys.inlet(c.table.At(ref)))
	}
	return *r
}

func (c *inbound) decoder(typ wire.Seen) decoder {
	if typ.Ref == 0 {
		return c.literal(string(typ.B))
	}
	for len(c.decoders) < c.table.Len() {
		c.decoders = append(c.decoders, nil)
	}
	d := &c.decoders[typ.Ref-1]
	if *d == nil {
		*d = c.r.codecs.decoder(c.table.At(typ.Ref))
	}
	return *d
}

// literal returns the decoder of a type that has no number: of a large message,
// or one that found the table full.
func (c *inbound) literal(typ string) decoder {
	d := c.literals[typ]
	if d == nil {
		d = c.r.codecs.decoder(typ)
		if c.literals == nil || len(c.literals) >= maxLiterals {
			c.literals = make(map[string]decoder)
		}
		c.literals[typ] = d
	}
	return d
}

// maxLiterals is how many decoders of types without a number are kept.
const maxLiterals = 256

// sender returns the PID of an envelope's sender. Those that are named by
// number are kept, and so is the process that each has resolved to.
func (c *inbound) sender(e *wire.Head) *pa.PID {
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

func (c *inbound) newSender(e *wire.Head) *pa.PID {
	pid := &pa.PID{Address: c.p.address, Id: textOf(e.From, &c.table)}
	if !e.FromAddress.IsZero() {
		pid.Address = textOf(e.FromAddress, &c.table)
	}
	return pid
}
