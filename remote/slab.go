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
	name string
	typ  protoreflect.MessageType
	many reflect.Type // slice of the message's struct; nil: it is not a plain one
	slab reflect.Value
	used int
}

func newProtoDecoder(name string, typ protoreflect.MessageType) *protoDecoder {
	d := &protoDecoder{name: name, typ: typ, used: slabLen}
	if info, ok := typ.(*protoimpl.MessageInfo); ok && info.GoReflectType.Kind() == reflect.Pointer {
		d.many = reflect.SliceOf(info.GoReflectType.Elem())
	}
	return d
}

func (d *protoDecoder) decode(payload []byte, _ bool) (any, error) {
	m := d.new(len(payload))
	if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(payload, m); err != nil { // it is empty
		return nil, fmt.Errorf("%w: %s: %w", actor.ErrNotPortable, d.name, err)
	}
	return m, nil
}

func (d *protoDecoder) new(size int) proto.Message {
	if d.many == nil || size > slabBytes {
		return d.typ.New().Interface()
	}
	if d.used == slabLen {
		d.slab, d.used = reflect.MakeSlice(d.many, slabLen, slabLen), 0
	}
	m := d.slab.Index(d.used).Addr().Interface().(proto.Message)
	d.used++
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
