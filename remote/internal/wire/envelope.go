package wire

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
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

	headerKey   = 1
	headerValue = 2
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
	Headers                     map[string]string
	Payload                     []byte
}

// BeginBatch appends a batch without envelopes to b, which must be empty. Its
// number is given by EndBatch.
func BeginBatch(b []byte) []byte {
	b = append(b, 0, 0, 0, 0, byte(KindBatch))
	b = protowire.AppendTag(b, batchSeq, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, 0)
}

// EndBatch completes the frame of the batch that b holds, and nothing else. It
// may be called again with another number.
func EndBatch(b []byte, seq uint64) {
	binary.LittleEndian.PutUint64(b[HeadLen+1:], seq)
	endFrame(b)
}

// AppendEnvelope appends e to the batch that b ends with.
func AppendEnvelope(b []byte, e *Outgoing) []byte {
	b = protowire.AppendTag(b, batchEnvelopes, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(e.size()))
	b = e.AppendHead(b)
	return append(b, e.Payload...)
}

// AppendHead appends the envelope up to its payload, which is to follow.
func (e *Outgoing) AppendHead(b []byte) []byte {
	b = e.appendTexts(b)
	if len(e.Headers) > 0 {
		b = e.appendHeaders(b)
	}
	if len(e.Payload) > 0 {
		b = protowire.AppendTag(b, envelopePayload, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(len(e.Payload)))
	}
	return b
}

func (e *Outgoing) appendTexts(b []byte) []byte {
	b = e.To.append(b, envelopeTo)
	b = e.FromAddress.append(b, envelopeFromAddress)
	b = e.From.append(b, envelopeFrom)
	return e.Type.append(b, envelopeType)
}

// appendHeaders writes the headers in the order of their keys.
func (e *Outgoing) appendHeaders(b []byte) []byte {
	for _, k := range slices.Sorted(maps.Keys(e.Headers)) {
		v := e.Headers[k]
		b = protowire.AppendTag(b, envelopeHeaders, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(headerSize(k, v)))
		b = protowire.AppendTag(b, headerKey, protowire.BytesType)
		b = protowire.AppendString(b, k)
		b = protowire.AppendTag(b, headerValue, protowire.BytesType)
		b = protowire.AppendString(b, v)
	}
	return b
}

func headerSize(k, v string) int {
	return 2 + protowire.SizeBytes(len(k)) + protowire.SizeBytes(len(v))
}

// CheckHeaders reports whether headers are within the limits.
func CheckHeaders(headers map[string]string) bool {
	if len(headers) > MaxHeaders {
		return false
	}
	n := 0
	for k, v := range headers {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return false
		}
		n += len(k) + len(v)
	}
	return n <= MaxHeaderBytes
}

// MaxSize returns a bound of what AppendEnvelope appends for e.
func (e *Outgoing) MaxSize() int { return e.size() + 11 }

func (e *Outgoing) size() int {
	n := e.To.size() + e.FromAddress.size() + e.From.size() + e.Type.size()
	if len(e.Headers) > 0 { // to begin a range over no map costs more than all the rest
		n += e.headersSize()
	}
	if len(e.Payload) > 0 {
		n += 1 + protowire.SizeBytes(len(e.Payload))
	}
	return n
}

func (e *Outgoing) headersSize() (n int) {
	for k, v := range e.Headers {
		n += 1 + protowire.SizeBytes(headerSize(k, v))
	}
	return n
}

// append writes t as the text field num, or its number as the field after it.
func (t Text) append(b []byte, num protowire.Number) []byte {
	switch {
	case t.Ref != 0:
		b = append(b, byte(num+1)<<3|byte(protowire.VarintType))
		return protowire.AppendVarint(b, uint64(t.Ref))
	case t.S != "":
		b = append(b, byte(num)<<3|byte(protowire.BytesType))
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

// Head is all of an envelope that was read but its payload. It refers to the
// frame's body, except for Headers.
type Head struct {
	To, FromAddress, From, Type Seen
	Headers                     map[string]string
}

// Envelope is an envelope that was read. It refers to the frame's body.
type Envelope struct {
	*Head
	Payload []byte
}

// BatchReader reads batches. What it returns for one is valid until the next.
//
// Envelopes in a row that differ in their payloads only share a Head: the bytes of
// the first are parsed, those of the others compared.
type BatchReader struct {
	heads     []Head
	envelopes []Envelope
}

// maxKept is how many envelopes a BatchReader keeps room for.
const maxKept = 4096

// Read reads the body of a batch whose numbers must be at most names. Either all
// of the body obeys the rules or none of it counts.
func (r *BatchReader) Read(body []byte, names int) (seq uint64, _ []Envelope, err error) {
	if cap(r.envelopes) > maxKept || cap(r.heads) > maxKept {
		*r = BatchReader{}
	}
	r.heads, r.envelopes = r.heads[:0], r.envelopes[:0]
	var like likeness
	for len(body) > 0 {
		f, n := nextField(body)
		if n < 0 {
			return 0, nil, Malformed("batch: %v", protowire.ParseError(n))
		}
		body = body[n:]
		switch {
		case f.num == batchSeq && f.typ == protowire.Fixed64Type:
			seq = f.v
		case f.num == batchEnvelopes && f.typ == protowire.BytesType:
			if len(r.envelopes) >= MaxEnvelopes {
				return 0, nil, Malformed("batch of more than %d envelopes", MaxEnvelopes)
			}
			if payload, ok := like.match(f.b); ok {
				r.envelopes = append(r.envelopes, Envelope{like.head, payload})
				continue
			}
			r.heads = append(r.heads, Head{})
			e := Envelope{Head: &r.heads[len(r.heads)-1]}
			if err := e.parse(f.b, names, &like); err != nil {
				return 0, nil, err
			}
			r.envelopes = append(r.envelopes, e)
		}
	}
	if seq == 0 {
		return 0, nil, Malformed("batch without a sequence number")
	}
	return seq, r.envelopes, nil
}

// likeness is what an envelope begins with that has the same head as one before.
type likeness struct {
	head  *Head // nil: no envelope has
	bytes []byte
}

// match returns the payload of an envelope that has the same head.
func (l *likeness) match(b []byte) (payload []byte, ok bool) {
	if l.head == nil || !bytes.HasPrefix(b, l.bytes) {
		return nil, false
	}
	if b = b[len(l.bytes):]; len(b) == 0 {
		return nil, true
	}
	f, n := nextField(b)
	return f.b, n == len(b) && f.num == envelopePayload && f.typ == protowire.BytesType
}

// ParseEnvelope reads an envelope whose numbers must be at most names.
func ParseEnvelope(b []byte, names int) (Envelope, error) {
	e := Envelope{Head: new(Head)}
	return e, e.parse(b, names, &likeness{})
}

// parse reads an envelope, and what to compare the next with: all up to the
// payload, if that is at the end. Headers are a map that each message has of its
// own.
func (e *Envelope) parse(b []byte, names int, like *likeness) error {
	*like = likeness{head: e.Head, bytes: b}
	for rest := b; len(rest) > 0; {
		f, n := nextField(rest)
		if n < 0 {
			return Malformed("envelope: %v", protowire.ParseError(n))
		}
		var err error
		switch {
		case f.typ == protowire.BytesType && f.num == envelopePayload:
			e.Payload = f.b
			like.bytes = b[:len(b)-len(rest)]
			if n < len(rest) {
				like.head = nil
			}
		case f.typ == protowire.BytesType:
			err = e.setBytes(f.num, f.b)
		case f.typ == protowire.VarintType:
			err = e.setRef(f.num, f.v, names)
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	if e.Headers != nil {
		like.head = nil
	}
	return e.check()
}

func (h *Head) setBytes(num protowire.Number, v []byte) error {
	if num == envelopeHeaders {
		return h.setHeader(v)
	}
	t := h.text(num)
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

func (h *Head) setHeader(b []byte) error {
	var key, value []byte
	for len(b) > 0 {
		f, n := nextField(b)
		if n < 0 {
			return Malformed("header: %v", protowire.ParseError(n))
		}
		b = b[n:]
		switch {
		case f.num == headerKey && f.typ == protowire.BytesType:
			key = f.b
		case f.num == headerValue && f.typ == protowire.BytesType:
			value = f.b
		}
	}
	if !utf8.Valid(key) || !utf8.Valid(value) {
		return Malformed("header is not UTF-8")
	}
	if len(h.Headers) >= MaxHeaders || h.headerBytes()+len(key)+len(value) > MaxHeaderBytes {
		return Malformed("more than %d headers or %d bytes of them", MaxHeaders, MaxHeaderBytes)
	}
	if h.Headers == nil {
		h.Headers = make(map[string]string)
	}
	h.Headers[string(key)] = string(value)
	return nil
}

func (h *Head) headerBytes() int {
	n := 0
	for k, v := range h.Headers {
		n += len(k) + len(v)
	}
	return n
}

func (h *Head) setRef(num protowire.Number, v uint64, names int) error {
	t := h.text(num - 1)
	if t == nil {
		return nil // a later version's field
	}
	if v > uint64(names) {
		return Malformed("envelope: name %d of %d", v, names)
	}
	t.Ref = uint32(v)
	return nil
}

func (h *Head) text(num protowire.Number) *Seen {
	switch num {
	case envelopeTo:
		return &h.To
	case envelopeFromAddress:
		return &h.FromAddress
	case envelopeFrom:
		return &h.From
	case envelopeType:
		return &h.Type
	}
	return nil
}

func (h *Head) check() error {
	switch {
	case h.To.IsZero():
		return Malformed("envelope without a receiver")
	case h.Type.IsZero():
		return Malformed("envelope without a type")
	}
	return nil
}
