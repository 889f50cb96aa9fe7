package wire

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// FragmentHead is a bound of what a fragment's frame has before its data.
const FragmentHead = HeadLen + 9 + 3*(1+binary.MaxVarintLen64)

// MaxPartial returns the limit of all envelopes that one stream has begun and
// not completed, in bytes, where one message may have maxMessage bytes.
func MaxPartial(maxMessage int) int { return 2 * (maxMessage + envelopeSlack) }

// MaxEnvelope returns the limit of one envelope, in bytes, where its message
// may have maxMessage bytes.
func MaxEnvelope(maxMessage int) int { return maxMessage + envelopeSlack }

const (
	fragmentSeq      = 1
	fragmentTransfer = 2
	fragmentSize     = 3
	fragmentData     = 4
)

// Fragment is a part of an envelope that is too long for a batch.
type Fragment struct {
	Seq      uint64
	Transfer uint64 // which envelope
	Size     uint64 // of the whole envelope, in bytes
	Data     []byte // the next part; empty: the transfer is given up
}

// AppendHead appends the frame up to its data, which is to follow.
func (f *Fragment) AppendHead(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(KindFragment))
	b = protowire.AppendTag(b, fragmentSeq, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, f.Seq)
	b = protowire.AppendTag(b, fragmentTransfer, protowire.VarintType)
	b = protowire.AppendVarint(b, f.Transfer)
	b = protowire.AppendTag(b, fragmentSize, protowire.VarintType)
	b = protowire.AppendVarint(b, f.Size)
	if len(f.Data) > 0 {
		b = protowire.AppendTag(b, fragmentData, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(len(f.Data)))
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4+len(f.Data)))
	return b
}

// ParseFragment reads the body of a fragment. Its data is a part of the body.
func ParseFragment(body []byte) (f Fragment, err error) {
	for len(body) > 0 {
		x, n := nextField(body)
		if n < 0 {
			return f, Malformed("fragment: %v", protowire.ParseError(n))
		}
		body = body[n:]
		switch {
		case x.num == fragmentSeq && x.typ == protowire.Fixed64Type:
			f.Seq = x.v
		case x.num == fragmentTransfer && x.typ == protowire.VarintType:
			f.Transfer = x.v
		case x.num == fragmentSize && x.typ == protowire.VarintType:
			f.Size = x.v
		case x.num == fragmentData && x.typ == protowire.BytesType:
			f.Data = x.b
		}
	}
	switch {
	case f.Seq == 0:
		return f, Malformed("fragment without a sequence number")
	case uint64(len(f.Data)) > f.Size:
		return f, Malformed("fragment of %d bytes of an envelope of %d", len(f.Data), f.Size)
	}
	return f, nil
}

// Partial gathers the envelopes of one stream whose fragments arrive. Its zero
// value is ready.
type Partial struct {
	transfers map[uint64]*transfer
	bytes     uint64 // the sizes of all transfers
}

type transfer struct {
	size uint64
	got  []byte
}

// Add takes a fragment in. Once an envelope is complete, it is returned; it is
// the caller's. limit bounds one envelope and total all that have begun, in
// bytes. What is gathered grows as it arrives, so a size alone costs nothing.
func (p *Partial) Add(f Fragment, limit, total int) (envelope []byte, err error) {
	t := p.transfers[f.Transfer]
	switch {
	case len(f.Data) == 0:
		p.drop(f.Transfer)
		return nil, nil
	case t == nil && f.Size > uint64(limit):
		return nil, Malformed("envelope of %d bytes, limit %d", f.Size, limit)
	case t == nil && (p.bytes+f.Size > uint64(total) || len(p.transfers) >= MaxTransfers):
		return nil, Malformed("more than %d envelopes or %d bytes of them have begun", MaxTransfers, total)
	case t != nil && f.Size != t.size:
		return nil, Malformed("fragment of an envelope of %d bytes, which had %d before", f.Size, t.size)
	case t != nil && uint64(len(t.got)+len(f.Data)) > t.size:
		return nil, Malformed("fragments of more than %d bytes", t.size)
	case t == nil:
		t = p.begin(f)
	}
	if n := len(t.got) + len(f.Data); n > cap(t.got) && uint64(n) >= t.size/4 {
		t.got = append(make([]byte, 0, t.size), t.got...) // a sender that has come so far goes on
	}
	t.got = append(t.got, f.Data...)
	if uint64(len(t.got)) < t.size {
		return nil, nil
	}
	p.drop(f.Transfer)
	return t.got, nil
}

func (p *Partial) begin(f Fragment) *transfer {
	if p.transfers == nil {
		p.transfers = make(map[uint64]*transfer)
	}
	t := &transfer{size: f.Size}
	p.transfers[f.Transfer] = t
	p.bytes += f.Size
	return t
}

func (p *Partial) drop(id uint64) {
	if t := p.transfers[id]; t != nil {
		p.bytes -= t.size
		delete(p.transfers, id)
	}
}
