package wire

import "google.golang.org/protobuf/encoding/protowire"

// Stamp is the head of an envelope, kept for those that follow: most messages go
// where the one before went, from the same sender, with the same type, and then
// all but their payload is the same bytes. The zero Stamp fits nothing.
type Stamp struct {
	to, fromAddress, from, typ string
	names                      *Names
	head                       []byte
}

// Fits reports whether the head of e, were it written with the names n, is the
// stamp's. The texts of e must be strings, as they are before Cut.
func (s *Stamp) Fits(n *Names, e *Outgoing) bool {
	return s.names == n && s.to == e.To.S && s.typ == e.Type.S && s.from == e.From.S &&
		s.fromAddress == e.FromAddress.S && len(e.Headers) == 0
}

// Cut makes a stamp of e, whose texts numbered has with their numbers in n. What
// has a text without a number makes none: the text might get one.
func (s *Stamp) Cut(n *Names, e, numbered *Outgoing) {
	for _, t := range [...]Text{numbered.To, numbered.FromAddress, numbered.From, numbered.Type} {
		if t.S != "" {
			return
		}
	}
	if len(e.Headers) > 0 {
		return
	}
	s.names, s.to, s.fromAddress, s.from, s.typ = n, e.To.S, e.FromAddress.S, e.From.S, e.Type.S
	s.head = numbered.appendTexts(s.head[:0])
}

// Size returns what Append appends for a payload of n bytes.
func (s *Stamp) Size(n int) int { return 1 + protowire.SizeBytes(s.size(n)) }

func (s *Stamp) size(n int) int {
	if n == 0 {
		return len(s.head)
	}
	return len(s.head) + 1 + protowire.SizeBytes(n)
}

// Append appends an envelope with a payload to the batch that b ends with.
func (s *Stamp) Append(b, payload []byte) []byte {
	b = append(b, batchEnvelopes<<3|byte(protowire.BytesType))
	b = appendLen(b, s.size(len(payload)))
	b = append(b, s.head...)
	if len(payload) == 0 {
		return b
	}
	b = append(b, envelopePayload<<3|byte(protowire.BytesType))
	b = appendLen(b, len(payload))
	return append(b, payload...)
}

// appendLen is protowire.AppendVarint for what mostly is short.
func appendLen(b []byte, n int) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	return protowire.AppendVarint(b, uint64(n))
}
