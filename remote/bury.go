package remote

import (
	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/remote/internal/wire"
)

// buryBatch makes dead letters of the messages of a frame that will not be
// sent, or not again.
func (q *userQueue) buryBatch(b *batch, reason error) {
	if b.of != nil {
		q.bury(b.of.envelope(), reason)
		return
	}
	if b.names == nil {
		return // an empty one
	}
	if b.seq == 0 { // a parser wants one
		wire.EndBatch(b.buf, 1)
	}
	q.mu.Lock()
	names := b.names.Clone() // others go on adding to it
	q.mu.Unlock()
	_, envelopes, err := new(wire.BatchReader).Read(b.buf[wire.HeadLen:], names.Len())
	if err != nil {
		panic("remote: own batch is malformed: " + err.Error())
	}
	for i := range envelopes {
		q.l.p.deadLetter(&envelopes[i], names, reason)
	}
}

// bury makes a dead letter of one envelope, whose texts are all written out.
func (q *userQueue) bury(envelope []byte, reason error) {
	e, err := wire.ParseEnvelope(envelope, 0)
	if err != nil {
		panic("remote: own envelope is malformed: " + err.Error())
	}
	q.l.p.deadLetter(&e, noNames{}, reason)
}

func (p *peer) deadLetter(e *wire.Envelope, names nameTable, reason error) {
	to := &pa.PID{Address: p.address, Id: textOf(e.To, names)}
	var from *pa.PID
	if !e.From.IsZero() {
		from = &pa.PID{Address: p.r.self.Address, Id: textOf(e.From, names)}
		if !e.FromAddress.IsZero() {
			from.Address = textOf(e.FromAddress, names)
		}
	}
	typ := textOf(e.Type, names)
	msg, err := p.r.codecs.decoder(typ).decode(e.Payload, false)
	if err != nil { // a type that can be sent and not received
		msg = undecoded(typ, e.Payload)
	}
	p.r.drop(p, reason)
	p.r.sys.DeadLetter(to, from, msg, reason)
}

// nameTable is either side of the table of names.
type nameTable interface{ At(ref uint32) string }

// noNames is the table of an envelope that has none.
type noNames struct{}

func (noNames) At(uint32) string { return "" }

func textOf(s wire.Seen, names nameTable) string {
	if s.Ref != 0 {
		return names.At(s.Ref)
	}
	return string(s.B)
}
