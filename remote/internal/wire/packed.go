package wire

import "google.golang.org/protobuf/encoding/protowire"

const (
	packedKind = 1
	packedSize = 2
	packedData = 3
)

// Packed is a compressed frame.
type Packed struct {
	Kind Kind
	Size int // of the body before compression, in bytes
	Data []byte
}

// BeginPacked appends the frame of a packed body of size bytes, up to its data,
// which is to follow until EndPacked.
func BeginPacked(b []byte, kind Kind, size int) []byte {
	b = append(b, 0, 0, 0, 0, byte(KindPacked))
	b = protowire.AppendTag(b, packedKind, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(kind))
	b = protowire.AppendTag(b, packedSize, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(size))
	// The length is not known yet: five bytes hold any.
	return append(b, packedData<<3|byte(protowire.BytesType), 0x80, 0x80, 0x80, 0x80, 0)
}

// EndPacked completes the frame that b holds, and nothing else. head is its
// length when BeginPacked returned.
func EndPacked(b []byte, head int) {
	n := len(b) - head
	for i := head - 5; i < head; i++ {
		b[i] = byte(n)&0x7f | 0x80
		n >>= 7
	}
	b[head-1] &= 0x7f
	endFrame(b)
}

// ParsePacked reads the body of a packed frame, which must be a batch or a
// fragment of at most limit bytes.
func ParsePacked(body []byte, limit int) (p Packed, err error) {
	var kind, size uint64
	for len(body) > 0 {
		f, n := nextField(body)
		if n < 0 {
			return p, Malformed("packed: %v", protowire.ParseError(n))
		}
		body = body[n:]
		switch {
		case f.num == packedKind && f.typ == protowire.VarintType:
			kind = f.v
		case f.num == packedSize && f.typ == protowire.VarintType:
			size = f.v
		case f.num == packedData && f.typ == protowire.BytesType:
			p.Data = f.b
		}
	}
	switch {
	case kind != uint64(KindBatch) && kind != uint64(KindFragment):
		return p, Malformed("packed frame of kind %d", kind)
	case size > uint64(limit):
		return p, Malformed("packed frame of %d bytes, limit %d", size, limit)
	}
	p.Kind, p.Size = Kind(kind), int(size)
	return p, nil
}
