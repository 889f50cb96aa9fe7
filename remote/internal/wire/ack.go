package wire

import "google.golang.org/protobuf/encoding/protowire"

const (
	ackBatch   = 1
	ackControl = 2
	ackSystem  = 3
)

// Ack is remotepb's. It is read and written by hand since there is one for
// each round trip.
type Ack struct{ Batch, Control, System uint64 }

// Append appends the frame of the acknowledgement.
func (a Ack) Append(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(KindAck))
	for num, v := range [...]uint64{ackBatch: a.Batch, ackControl: a.Control, ackSystem: a.System} {
		if v != 0 {
			b = protowire.AppendTag(b, protowire.Number(num), protowire.VarintType)
			b = protowire.AppendVarint(b, v)
		}
	}
	endFrame(b[start:])
	return b
}

// ParseAck reads the body of an acknowledgement.
func ParseAck(body []byte) (a Ack, err error) {
	for len(body) > 0 {
		f, n := nextField(body)
		if n < 0 {
			return a, Malformed("ack: %v", protowire.ParseError(n))
		}
		body = body[n:]
		if f.typ != protowire.VarintType {
			continue
		}
		switch f.num {
		case ackBatch:
			a.Batch = f.v
		case ackControl:
			a.Control = f.v
		case ackSystem:
			a.System = f.v
		}
	}
	return a, nil
}
