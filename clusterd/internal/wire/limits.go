package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of one packet.
const (
	// MaxPayload is the greatest length of a packet in bytes: what the transport
	// takes by default.
	MaxPayload = 4 << 20

	maxMessages = 1 << 18 // messages inside a packet, at all depths together
	maxDepth    = 8       // of messages inside one another
	maxFields   = 40      // declared in any one message; a test holds it
	maxString   = 4096    // bytes of a string or of bytes, unless listed below
	maxRepeated = 1024    // elements of a repeated field, unless listed below
	maxMembers  = 1 << 16 // of a cluster
)

// limit returns the greatest length of a string or the greatest count of a
// repeated field.
func limit(fd protoreflect.FieldDescriptor) int {
	switch fd.FullName() {
	case "pando.clusterd.v1.Node.address":
		return 512
	case "pando.clusterd.v1.Identity.cluster":
		return 16
	case "pando.clusterd.v1.JoinRefusal.text":
		return 64 << 10 // lists settings key by key
	case "pando.clusterd.v1.View.members",
		"pando.clusterd.v1.View.removed",
		"pando.clusterd.v1.Page.entries",
		"pando.clusterd.v1.Page.removed",
		"pando.clusterd.v1.Delta.records",
		"pando.clusterd.v1.Delta.rows",
		"pando.clusterd.v1.Row.accused",
		"pando.clusterd.v1.Row.around",
		"pando.clusterd.v1.Patch.gone",
		"pando.clusterd.v1.Patch.members",
		"pando.clusterd.v1.Patch.forgotten",
		"pando.clusterd.v1.Patch.removed",
		"pando.clusterd.v1.Leg.share",
		"pando.clusterd.v1.Tally.missing",
		"pando.clusterd.v1.Note.share",
		"pando.clusterd.v1.Note.missing",
		"pando.clusterd.v1.Poll.nodes",
		"pando.clusterd.v1.Vouch.nodes":
		return maxMembers
	case "pando.clusterd.v1.Request.have",
		"pando.clusterd.v1.Request.want":
		return 2 * maxMembers // a record and a row of each
	}
	if fd.IsList() {
		return maxRepeated
	}
	return maxString
}

// scan looks at every length and count of an encoded message before anything
// is allocated for it: two bytes on the wire can become a hundred in memory.
type scan struct{ messages int }

func (s *scan) message(md protoreflect.MessageDescriptor, b []byte, depth int) error {
	if s.messages++; s.messages > maxMessages || depth > maxDepth {
		return fmt.Errorf("%w: too many messages, or too deep, in a packet", ErrTooLarge)
	}
	var counts [maxFields]int
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		if fd := md.Fields().ByNumber(num); fd != nil {
			if err := s.field(fd, typ, b[:n], &counts[fd.Index()], depth); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

func (s *scan) field(fd protoreflect.FieldDescriptor, typ protowire.Type, value []byte, count *int, depth int) error {
	length := 0
	if typ == protowire.BytesType {
		value, _ = protowire.ConsumeBytes(value)
		length = len(value)
	}
	if *count += elements(fd, typ, value); fd.IsList() && *count > limit(fd) {
		return fmt.Errorf("%w: more than %d %s", ErrTooLarge, limit(fd), fd.FullName())
	}
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		if most := stringLimit(fd); length > most {
			return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, fd.FullName(), length, most)
		}
	case protoreflect.MessageKind:
		if typ == protowire.BytesType {
			return s.message(fd.Message(), value, depth+1)
		}
	}
	return nil
}

func stringLimit(fd protoreflect.FieldDescriptor) int {
	if fd.IsList() {
		return maxString
	}
	return limit(fd)
}

// elements is how many elements of a repeated field a value brings: one, or
// many when they are packed.
func elements(fd protoreflect.FieldDescriptor, typ protowire.Type, value []byte) int {
	if typ != protowire.BytesType {
		return 1
	}
	switch fd.Kind() {
	case protoreflect.Fixed64Kind:
		return len(value) / 8
	case protoreflect.Uint32Kind:
		n := 0
		for _, b := range value { // each varint ends with a byte below 0x80
			if b < 0x80 {
				n++
			}
		}
		return n
	}
	return 1
}
