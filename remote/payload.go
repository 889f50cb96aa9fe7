package remote

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pando-go/pando/actor"
)

// The names of the codecs that are built in. A protobuf message travels under
// its full name.
const (
	typeBytes  = "bytes"
	typeString = "string"
)

// Undecoded is a message that arrived and could not be decoded: what the dead
// letter of it contains.
type Undecoded struct {
	Type    string // name of the type on the wire
	Payload []byte // the first 1024 bytes
}

// encode appends the message to b and returns the name of its type.
func encode(b []byte, msg any) (typ string, _ []byte, err error) {
	switch m := msg.(type) {
	case proto.Message:
		out, err := proto.MarshalOptions{}.MarshalAppend(b, m)
		if err != nil {
			return "", b, fmt.Errorf("%w: %T: %w", actor.ErrNotPortable, msg, err)
		}
		return string(m.ProtoReflect().Descriptor().FullName()), out, nil
	case []byte:
		return typeBytes, append(b, m...), nil
	case string:
		return typeString, append(b, m...), nil
	}
	return "", b, fmt.Errorf("%w: %T is neither a proto.Message nor []byte nor string", actor.ErrNotPortable, msg)
}

// decoder makes a message of a payload. It keeps nothing of the payload.
type decoder func(payload []byte) (any, error)

// decoderOf returns the decoder of a type. It never is nil: that of an unknown
// type fails.
func decoderOf(typ string) decoder {
	switch typ {
	case typeBytes:
		return func(p []byte) (any, error) { return append([]byte{}, p...), nil }
	case typeString:
		return func(p []byte) (any, error) { return string(p), nil }
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(typ))
	if err != nil {
		err = fmt.Errorf("%w: %w: %s is not linked into this program", actor.ErrNotPortable, ErrUnknownType, typ)
		return func([]byte) (any, error) { return nil, err }
	}
	return func(p []byte) (any, error) {
		m := mt.New().Interface()
		if err := proto.Unmarshal(p, m); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", actor.ErrNotPortable, typ, err)
		}
		return m, nil
	}
}

// undecoded returns what a dead letter shows of a message.
func undecoded(typ string, payload []byte) *Undecoded {
	return &Undecoded{Type: typ, Payload: append([]byte(nil), payload[:min(len(payload), 1024)]...)}
}
