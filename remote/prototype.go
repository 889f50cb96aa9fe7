package remote

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoiface"
	"google.golang.org/protobuf/runtime/protoimpl"
)

// Package proto asks each message anew for what is the same for all of its type,
// and measures each before it writes it. That takes as long as writing or reading
// a small one. So what does not change is found out once for each type, and the
// type's own methods are called, as package proto calls them.

// protoType is what does not change from one message of a type to the next.
type protoType struct {
	mi      *protoimpl.MessageInfo // nil: not generated code; package proto does it
	name    string
	methods *protoiface.Methods
	flat    bool // has no messages in it, so to write one takes no sizes
}

// protoTypes remembers the types of messages that were sent. There are at most as
// many as are linked into the program.
type protoTypes struct {
	last atomic.Pointer[protoType]
	all  sync.Map // of *protoType by *protoimpl.MessageInfo
}

// of returns the type of m.
func (ts *protoTypes) of(m protoreflect.Message) *protoType {
	mi, ok := m.Type().(*protoimpl.MessageInfo)
	if !ok {
		return &protoType{name: string(m.Descriptor().FullName())}
	}
	if t := ts.last.Load(); t != nil && t.mi == mi {
		return t
	}
	v, ok := ts.all.Load(mi)
	if !ok {
		v, _ = ts.all.LoadOrStore(mi, newProtoType(mi, m))
	}
	t := v.(*protoType)
	ts.last.Store(t)
	return t
}

func newProtoType(mi *protoimpl.MessageInfo, m protoreflect.Message) *protoType {
	t := &protoType{mi: mi, name: string(m.Descriptor().FullName())}
	if ms := m.ProtoMethods(); ms != nil && ms.Marshal != nil && ms.Unmarshal != nil {
		t.methods, t.flat = ms, isFlat(m.Descriptor())
	}
	return t
}

// isFlat reports whether a message has neither messages, nor maps or extensions,
// nor fields that must be there.
func isFlat(d protoreflect.MessageDescriptor) bool {
	fields := d.Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Message() != nil || f.Cardinality() == protoreflect.Required {
			return false
		}
	}
	return d.ExtensionRanges().Len() == 0
}

// append appends the encoded m to b.
func (t *protoType) append(b []byte, m protoreflect.Message) ([]byte, error) {
	if !t.flat {
		return proto.MarshalOptions{}.MarshalAppend(b, m.Interface())
	}
	out, err := t.methods.Marshal(protoiface.MarshalInput{Message: m, Buf: b})
	return out.Buf, err
}

// unmarshal reads payload into m, which is empty.
func (t *protoType) unmarshal(payload []byte, m proto.Message) error {
	if t.methods == nil {
		return proto.UnmarshalOptions{Merge: true}.Unmarshal(payload, m)
	}
	out, err := t.methods.Unmarshal(protoiface.UnmarshalInput{
		Message: m.ProtoReflect(), Buf: payload, Flags: protoiface.UnmarshalCheckRequired,
		Resolver: protoregistry.GlobalTypes, Depth: protowire.DefaultRecursionLimit,
	})
	if err == nil && out.Flags&protoiface.UnmarshalInitialized == 0 {
		err = proto.CheckInitialized(m)
	}
	return err
}
