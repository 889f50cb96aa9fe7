package remote

import (
	"fmt"
	"reflect"

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
	many reflect.Type // slice of the message's struct; nil: it is not a plain one
	slab []proto.Message
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
		d.many = reflect.SliceOf(info.GoReflectType.Elem())
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
	if d.many == nil || size > slabBytes {
		return d.typ.New().Interface()
	}
	last := len(d.slab) - 1
	if last < 0 {
		last = d.fill()
	}
	m := d.slab[last]
	d.slab[last] = nil
	d.slab = d.slab[:last]
	return m
}

// fill makes a slab, and returns the place of its last message.
func (d *protoDecoder) fill() int {
	slab := reflect.MakeSlice(d.many, slabLen, slabLen)
	for i := range slabLen {
		d.slab = append(d.slab, slab.Index(i).Addr().Interface().(proto.Message))
	}
	return slabLen - 1
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
