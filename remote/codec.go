package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pando-go/pando/actor"
)

// Codec makes bytes of messages and messages of bytes. It is used from many
// goroutines at once. Built in are those of protobuf messages, of []byte and of
// string; [JSON] makes one.
type Codec interface {
	// Name is what both sides know the codec by: 1 to 32 bytes of UTF-8 without
	// a colon.
	Name() string
	// TypeOf returns the name of msg's type, which Decode is given on the other
	// side; not ok if the codec does not encode msg.
	TypeOf(msg any) (typ string, ok bool)
	// Append appends msg, whose type TypeOf has named, to b.
	Append(b []byte, typ string, msg any) ([]byte, error)
	// Decode makes a message of what Append appended. It must not keep payload,
	// nor panic whatever that is.
	Decode(typ string, payload []byte) (any, error)
}

// The names of the types that have codecs of their own. A protobuf message
// travels under its full name, what a Codec encodes as "codec:type".
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

// codecs are those of one Remote.
type codecs struct {
	list   []Codec
	protos protoTypes
}

// checkCodecs finds faults of a configuration.
func checkCodecs(list []Codec) error {
	seen := map[string]bool{}
	for _, c := range list {
		if n := c.Name(); n == "" || len(n) > 32 || strings.Contains(n, ":") || seen[n] {
			return fmt.Errorf("codec name %q is empty, too long, has a colon or is there twice", n)
		}
		seen[c.Name()] = true
	}
	return nil
}

// encode appends the message to b and returns the name of its type.
func (cs *codecs) encode(b []byte, msg any) (typ string, _ []byte, err error) {
	for _, c := range cs.list {
		if name, ok := c.TypeOf(msg); ok {
			out, err := c.Append(b, name, msg)
			if err != nil {
				return "", b, fmt.Errorf("%w: %T: %w", actor.ErrNotPortable, msg, err)
			}
			return c.Name() + ":" + name, out, nil
		}
	}
	switch m := msg.(type) {
	case proto.Message:
		r := m.ProtoReflect()
		t := cs.protos.of(r)
		out, err := t.append(b, r)
		if err != nil {
			return "", b, fmt.Errorf("%w: %T: %w", actor.ErrNotPortable, msg, err)
		}
		return t.name, out, nil
	case []byte:
		return typeBytes, appendBytes(b, m), nil
	case string:
		if len(m) > chunkBytes { // it goes from where it is
			return typeString, unsafe.Slice(unsafe.StringData(m), len(m)), nil
		}
		return typeString, append(b, m...), nil
	}
	return "", b, fmt.Errorf("%w: %T is neither a proto.Message nor []byte nor string, and no codec takes it", actor.ErrNotPortable, msg)
}

// appendBytes is append, in pieces between which the goroutine can be stopped.
func appendBytes(b, m []byte) []byte {
	const piece = 1 << 20
	b = slices.Grow(b, len(m))
	for ; len(m) > piece; m = m[piece:] {
		b = append(b, m[:piece]...)
	}
	return append(b, m...)
}

// decoder makes messages of payloads of one type. It keeps nothing of a payload
// but of one that it is given to keep: copying 64 MiB takes a processor, and the
// garbage collector that waits for it, longer than a heartbeat may be late. It
// belongs to one goroutine.
type decoder interface {
	decode(payload []byte, keep bool) (any, error)
}

type decoderFunc func(payload []byte) (any, error)

func (f decoderFunc) decode(payload []byte, _ bool) (any, error) { return f(payload) }

type stringDecoder struct{}

func (stringDecoder) decode(payload []byte, keep bool) (any, error) {
	if keep && len(payload) > 0 {
		return unsafe.String(&payload[0], len(payload)), nil // nobody else has it
	}
	return string(payload), nil
}

// decoder returns a new decoder of a type. It never is nil: that of an unknown
// type fails.
func (cs *codecs) decoder(typ string) decoder {
	switch typ {
	case typeBytes:
		return new(bytesDecoder)
	case typeString:
		return stringDecoder{}
	}
	if codec, name, ok := strings.Cut(typ, ":"); ok {
		return cs.decoderOf(codec, name)
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(typ))
	if err != nil {
		return failing(fmt.Errorf("%w: %w: %s is not linked into this program", actor.ErrNotPortable, ErrUnknownType, typ))
	}
	return newProtoDecoder(mt)
}

func (cs *codecs) decoderOf(codec, name string) decoder {
	for _, c := range cs.list {
		if c.Name() == codec {
			return decoderFunc(func(p []byte) (any, error) {
				m, err := c.Decode(name, p)
				if err != nil {
					return nil, fmt.Errorf("%w: %s:%s: %w", actor.ErrNotPortable, codec, name, err)
				}
				return m, nil
			})
		}
	}
	return failing(fmt.Errorf("%w: %w: this node has no codec %q", actor.ErrNotPortable, ErrUnknownType, codec))
}

func failing(err error) decoder {
	return decoderFunc(func([]byte) (any, error) { return nil, err })
}

// undecoded returns what a dead letter shows of a message.
func undecoded(typ string, payload []byte) *Undecoded {
	return &Undecoded{Type: typ, Payload: append([]byte(nil), payload[:min(len(payload), 1024)]...)}
}

// JSON returns the codec "json" for Go types that both sides know by the same
// names. The values show the types: Line{} sends and receives a Line, &Line{} a
// *Line.
func JSON(types map[string]any) Codec {
	j := jsonCodec{names: map[reflect.Type]string{}, types: map[string]reflect.Type{}}
	for name, v := range types {
		t := reflect.TypeOf(v)
		j.names[t], j.types[name] = name, t
	}
	return j
}

type jsonCodec struct {
	names map[reflect.Type]string
	types map[string]reflect.Type
}

func (jsonCodec) Name() string { return "json" }

func (j jsonCodec) TypeOf(msg any) (string, bool) {
	name, ok := j.names[reflect.TypeOf(msg)]
	return name, ok
}

func (jsonCodec) Append(b []byte, _ string, msg any) ([]byte, error) {
	out, err := json.Marshal(msg)
	return append(b, out...), err
}

func (j jsonCodec) Decode(typ string, payload []byte) (any, error) {
	t := j.types[typ]
	if t == nil {
		return nil, fmt.Errorf("%w: json type %q", ErrUnknownType, typ)
	}
	v := reflect.New(t)
	if err := json.Unmarshal(payload, v.Interface()); err != nil {
		return nil, err
	}
	if t.Kind() == reflect.Pointer && v.Elem().IsNil() {
		return nil, errors.New("null")
	}
	return v.Elem().Interface(), nil
}
