package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// BatchHead is the room that a batch needs before its envelopes: the frame's
// head and the sequence number.
const BatchHead = HeadLen + 9

// The field numbers of Batch and Envelope in remotepb.
const (
	batchSeq       = 1
	batchEnvelopes = 2

	envelopeTo             = 1
	envelopeToRef          = 2
	envelopeFromAddress    = 3
	envelopeFromAddressRef = 4
	envelopeFrom           = 5
	envelopeFromRef        = 6
	envelopeType           = 7
	envelopeTypeRef        = 8
	envelopePayload        = 9
	envelopeHeaders        = 10
)

// Text is a text of an envelope to be written: Ref, its number in the table of
// names, or if that is 0 the text itself.
type Text struct {
	S   string
	Ref uint32
}

// Outgoing is an envelope to be written. An absent text is the zero Text.
type Outgoing struct {
	To, FromAddress, From, Type Text
	Payload                     []byte
}

// BeginBatch appends a batch without envelopes to b, which must be empty.
func BeginBatch(b []byte, seq uint64) []byte {
	b = append(b, 0, 0, 0, 0, byte(KindBatch))
	b = protowire.AppendTag(b, batchSeq, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, seq)
}

// EndBatch completes the frame of the batch that b holds, and nothing else.
func EndBatch(b []byte) { endFrame(b) }

// AppendEnvelope appends e to the batch that b ends with.
func AppendEnvelope(b []byte, e *Outgoing) []byte {
	b = protowire.AppendTag(b, batchEnvelopes, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(e.size()))
	b = e.To.append(b, envelopeTo)
	b = e.FromAddress.append(b, envelopeFromAddress)
	b = e.From.append(b, envelopeFrom)
	b = e.Type.append(b, envelopeType)
	if len(e.Payload) > 0 {
		b = protowire.AppendTag(b, envelopePayload, protowire.BytesType)
		b = protowire.AppendBytes(b, e.Payload)
	}
	return b
}

// MaxSize returns a bound of what AppendEnvelope appends for e.
func (e *Outgoing) MaxSize() int { return e.size() + 11 }

func (e *Outgoing) size() int {
	n := e.To.size() + e.FromAddress.size() + e.From.size() + e.Type.size()
	if len(e.Payload) > 0 {
		n += 1 + protowire.SizeBytes(len(e.Payload))
	}
	return n
}

// append writes t as the text field num, or its number as the field after it.
func (t Text) append(b []byte, num protowire.Number) []byte {
	switch {
	case t.Ref != 0:
		b = protowire.AppendTag(b, num+1, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(t.Ref))
	case t.S != "":
		b = protowire.AppendTag(b, num, protowire.BytesType)
		return protowire.AppendString(b, t.S)
	}
	return b
}

func (t Text) size() int {
	switch {
	case t.Ref != 0:
		return 1 + protowire.SizeVarint(uint64(t.Ref))
	case t.S != "":
		return 1 + protowire.SizeBytes(len(t.S))
	}
	return 0
}

// Seen is a text of an envelope that was read: Ref, its number in the table of
// names, or if that is 0 the text itself, a part of the frame's body.
type Seen struct {
	B   []byte
	Ref uint32
}

// IsZero reports whether the text is absent.
func (s Seen) IsZero() bool { return s.Ref == 0 && len(s.B) == 0 }

// Envelope is an envelope that was read. It refers to the frame's body.
type Envelope struct {
	To, FromAddress, From, Type Seen
	Payload                     []byte
}

// ParseBatch reads the body of a batch whose numbers must be at most names.
// The envelopes are appended to dst. Either all of the body obeys the rules or
// none of it counts.
func ParseBatch(body []byte, names int, dst []Envelope) (seq uint64, _ []Envelope, err error) {
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return 0, dst, Malformed("batch: %v", protowire.ParseError(n))
		}
		value := body[n:]
		n = protowire.ConsumeFieldValue(num, typ, value)
		if n < 0 {
			return 0, dst, Malformed("batch: %v", protowire.ParseError(n))
		}
		body = value[n:]
		switch {
		case num == batchSeq && typ == protowire.Fixed64Type:
			seq = binary.LittleEndian.Uint64(value)
		case num == batchEnvelopes && typ == protowire.BytesType:
			if len(dst) >= MaxEnvelopes {
				return 0, dst, Malformed("batch of more than %d envelopes", MaxEnvelopes)
			}
			dst = append(dst, Envelope{})
			inner, _ := protowire.ConsumeBytes(value)
			if err := dst[len(dst)-1].parse(inner, names); err != nil {
				return 0, dst, err
			}
		}
	}
	if seq == 0 {
		return 0, dst, Malformed("batch without a sequence number")
	}
	return seq, dst, nil
}

func (e *Envelope) parse(b []byte, names int) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Malformed("envelope: %v", protowire.ParseError(n))
		}
		b = b[n:]
		switch typ {
		case protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return Malformed("envelope: %v", protowire.ParseError(n))
			}
			if err := e.setBytes(num, v); err != nil {
				return err
			}
			b = b[n:]
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return Malformed("envelope: %v", protowire.ParseError(n))
			}
			if err := e.setRef(num, v, names); err != nil {
				return err
			}
			b = b[n:]
		default:
			n := protowire.ConsumeFieldValue(num, typ, b)
			if n < 0 {
				return Malformed("envelope: %v", protowire.ParseError(n))
			}
			b = b[n:]
		}
	}
	return e.check()
}

func (e *Envelope) setBytes(num protowire.Number, v []byte) error {
	if num == envelopePayload {
		e.Payload = v
		return nil
	}
	t := e.text(num)
	if t == nil {
		return nil // a later version's field
	}
	if len(v) > MaxText {
		return Malformed("envelope: text of %d bytes, limit %d", len(v), MaxText)
	}
	if !utf8.Valid(v) {
		return Malformed("envelope: text is not UTF-8")
	}
	t.B = v
	return nil
}

func (e *Envelope) setRef(num protowire.Number, v uint64, names int) error {
	t := e.text(num - 1)
	if t == nil {
		return nil // a later version's field
	}
	if v > uint64(names) {
		return Malformed("envelope: name %d of %d", v, names)
	}
	t.Ref = uint32(v)
	return nil
}

func (e *Envelope) text(num protowire.Number) *Seen {
	switch num {
	case envelopeTo:
		return &e.To
	case envelopeFromAddress:
		return &e.FromAddress
	case envelopeFrom:
		return &e.From
	case envelopeType:
		return &e.Type
	}
	return nil
}

func (e *Envelope) check() error {
	switch {
	case e.To.IsZero():
		return Malformed("envelope without a receiver")
	case e.Type.IsZero():
		return Malformed("envelope without a type")
	}
	return nil
}
