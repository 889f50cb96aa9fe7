package remote

import (
	"fmt"
	"reflect"
	"unsafe"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoimpl"

	"github.com/pando-go/pando/actor"
)

// Small messages are allocated eight at a time: a message in a burst then costs
// an eighth of an allocation. The price is that one that is kept keeps seven
// neighbours, so large ones, which may hold much, are allocated one by one.
const (
	slabLen   = 8
	slabBytes = 256 // of a payload that counts as small
)

// protoDecoder decodes one type of protobuf message.
type protoDecoder struct {
	*protoType
	typ  protoreflect.MessageType
	slab slab
}

func newProtoDecoder(typ protoreflect.MessageType) *protoDecoder {
	d := &protoDecoder{typ: typ}
	info, ok := typ.(*protoimpl.MessageInfo)
	if !ok {
		d.protoType = &protoType{name: string(typ.Descriptor().FullName())}
		return d
	}
	d.protoType = newProtoType(info, typ.New())
	if info.GoReflectType.Kind() == reflect.Pointer {
		d.slab = newSlab(info.GoReflectType)
	}
	return d
}

func (d *protoDecoder) decode(payload []byte, _ bool) (any, error) {
	m := d.new(len(payload))
	if err := d.unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", actor.ErrNotPortable, d.name, err)
	}
	return m, nil
}

func (d *protoDecoder) new(size int) proto.Message {
	if d.slab.many == nil || size > slabBytes {
		return d.typ.New().Interface()
	}
	return d.slab.new()
}

// slab allocates messages of one type, slabLen at a time.
type slab struct {
	many reflect.Type  // array of the message's struct; nil: it is not a plain one
	size uintptr       // of one struct
	none proto.Message // the nil pointer of the type
	next unsafe.Pointer
	left int // from next on
}

func newSlab(pointer reflect.Type) slab {
	t := pointer.Elem()
	return slab{many: reflect.ArrayOf(slabLen, t), size: t.Size(), none: reflect.Zero(pointer).Interface().(proto.Message)}
}

// new returns an empty message. An interface is the type and the pointer, so that
// of another struct of the array is the nil pointer's with the pointer put in:
// reflect would take as long to make it as the message to be read.
func (s *slab) new() proto.Message {
	if s.left == 0 {
		s.next, s.left = reflect.New(s.many).UnsafePointer(), slabLen
	}
	m := s.none
	(*[2]unsafe.Pointer)(unsafe.Pointer(&m))[1] = s.next
	if s.left--; s.left > 0 { // a pointer past the last would be to something else
		s.next = unsafe.Add(s.next, s.size)
	}
	return m
}

// bytesDecoder decodes []byte.
type bytesDecoder struct{ slab []byte }

func (d *bytesDecoder) decode(payload []byte, keep bool) (any, error) {
	n := len(payload)
	if keep {
		return payload[:n:n], nil
	}
	if n > slabBytes {
		return append([]byte{}, payload...), nil
	}
	if n > len(d.slab) {
		d.slab = make([]byte, slabLen*max(n, 16))
	}
	m := d.slab[:n:n]
	d.slab = d.slab[n:]
	copy(m, payload)
	return m, nil
}
