package wire

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protobuf message: v of a varint or a fixed64, b of
// bytes.
type field struct {
	num protowire.Number
	typ protowire.Type
	v   uint64
	b   []byte
}

// nextField reads one field and returns its length, or protowire's error code.
// It goes once over what protowire, asked for tag, value and content in turn,
// would go over three times; all but short numbers and lengths is left to
// protowire.
func nextField(b []byte) (f field, n int) {
	if len(b) >= 2 && b[0] < 0x80 && b[1] < 0x80 && b[0] >= 8 {
		f.num, f.typ = protowire.Number(b[0]>>3), protowire.Type(b[0]&7)
		switch f.typ {
		case protowire.VarintType:
			f.v = uint64(b[1])
			return f, 2
		case protowire.BytesType:
			if n := 2 + int(b[1]); n <= len(b) {
				f.b = b[2:n:n]
				return f, n
			}
			return f, -1 // protowire's code for a message that ends too early
		}
	}
	if len(b) >= 3 && b[0]&0x87 == byte(protowire.BytesType) && b[0] >= 8 && b[2] < 0x80 { // 128 bytes to 16 KiB
		if n := 3 + int(b[1]&0x7f) + int(b[2])<<7; n <= len(b) {
			f.num, f.typ, f.b = protowire.Number(b[0]>>3), protowire.BytesType, b[3:n:n]
			return f, n
		}
	}
	return anyField(b)
}

func anyField(b []byte) (f field, n int) {
	num, typ, n := protowire.ConsumeTag(b)
	switch {
	case n < 0:
		return f, n
	case num > protowire.MaxValidNumber: // as package proto refuses it, protowire does not
		return f, -2 // its code for a field number out of range
	}
	f.num, f.typ = num, typ
	m := protowire.ConsumeFieldValue(num, typ, b[n:])
	if m < 0 {
		return f, m
	}
	value := b[n : n+m]
	switch typ {
	case protowire.VarintType:
		f.v, _ = protowire.ConsumeVarint(value)
	case protowire.Fixed64Type:
		f.v = binary.LittleEndian.Uint64(value)
	case protowire.BytesType:
		f.b, _ = protowire.ConsumeBytes(value)
	}
	return f, n + m
}
