package wire

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pando-go/pando/remote/internal/remotepb"
)

// shown is how many bytes of a payload a description has.
const shown = 64

// CutFrame returns the first frame of b and what follows it; not ok if b begins
// with no whole frame.
func CutFrame(b []byte) (k Kind, body, rest []byte, ok bool) {
	if len(b) < HeadLen {
		return 0, nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b)) + 4
	if n < HeadLen || n > uint64(len(b)) {
		return 0, nil, nil, false
	}
	return Kind(b[4]), b[HeadLen:n], b[n:], true
}

// Describe returns what a frame says, for a person to read.
func Describe(k Kind, body []byte) string {
	m := message(k)
	if m == nil {
		return fmt.Sprintf("%d bytes", len(body))
	}
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Sprintf("%d bytes that are no %v", len(body), k)
	}
	shorten(m.ProtoReflect())
	return prototext.MarshalOptions{}.Format(m)
}

// message returns the protobuf message of a kind, nil if there is none.
func message(k Kind) proto.Message {
	switch k {
	case KindHello:
		return new(remotepb.Hello)
	case KindWelcome:
		return new(remotepb.Welcome)
	case KindRefusal:
		return new(remotepb.Refusal)
	case KindChallenge:
		return new(remotepb.Challenge)
	case KindProof:
		return new(remotepb.Proof)
	case KindDefine:
		return new(remotepb.Define)
	case KindBatch:
		return new(remotepb.Batch)
	case KindControl:
		return new(remotepb.Control)
	case KindSystem:
		return new(remotepb.System)
	case KindAck:
		return new(remotepb.Ack)
	case KindSpawn:
		return new(remotepb.Spawn)
	case KindSpawned:
		return new(remotepb.Spawned)
	case KindFragment:
		return new(remotepb.Fragment)
	case KindPacked:
		return new(remotepb.Packed)
	}
	return nil
}

// shorten cuts all bytes fields of m and of the messages in it.
func shorten(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() == protoreflect.BytesKind && len(v.Bytes()) > shown:
			m.Set(f, protoreflect.ValueOfBytes(v.Bytes()[:shown]))
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			for i := range v.List().Len() {
				shorten(v.List().Get(i).Message())
			}
		}
		return true
	})
}
