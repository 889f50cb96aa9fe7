package reliable

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pando-go/pando/remote/reliable/internal/flow"
	"github.com/pando-go/pando/remote/reliable/internal/reliablepb"
)

// A message is kept and sent as a google.protobuf.Any, which says its type. It is
// written and read here by hand, since anypb copies the message on either way; a
// test holds it to anypb.
const (
	anyPrefix = "type.googleapis.com/"
	anyType   = protowire.Number(1)
	anyValue  = protowire.Number(2)
)

var errNoType = errors.New("reliable: message without a type")

// pack encodes a message with the name of its type. The bytes are what is kept and
// repeated, so it does not matter what becomes of m.
func pack(m proto.Message) ([]byte, error) {
	name := m.ProtoReflect().Descriptor().FullName()
	size := proto.Size(m)
	b := make([]byte, 0, len(anyPrefix)+len(name)+size+16)
	b = protowire.AppendTag(b, anyType, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(anyPrefix)+len(name)))
	b = append(append(b, anyPrefix...), name...)
	b = protowire.AppendTag(b, anyValue, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
	if err != nil {
		return nil, fmt.Errorf("reliable: %T: %w", m, err)
	}
	return b, nil
}

// unpack is the inverse of pack. It keeps nothing of b.
func unpack[M proto.Message](b []byte) (none M, _ error) {
	url, value, err := splitAny(b)
	if err != nil {
		return none, err
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByURL(string(url))
	if err != nil {
		return none, fmt.Errorf("reliable: type %.100q: %w", url, err)
	}
	m, ok := mt.New().Interface().(M)
	if !ok {
		return none, fmt.Errorf("reliable: this consumer takes %T, not %s", none, mt.Descriptor().FullName())
	}
	if err := proto.Unmarshal(value, m); err != nil {
		return none, fmt.Errorf("reliable: %T: %w", none, err)
	}
	return m, nil
}

// splitAny returns the two fields of an Any, where they lie.
func splitAny(b []byte) (url, value []byte, _ error) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, nil, protowire.ParseError(n)
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return nil, nil, protowire.ParseError(n)
		}
		if typ == protowire.BytesType && (num == anyType || num == anyValue) {
			field, _ := protowire.ConsumeBytes(b)
			if num == anyType {
				url = field
			} else {
				value = field
			}
		}
		b = b[n:]
	}
	if len(url) == 0 {
		return nil, nil, errNoType
	}
	return url, value, nil
}

func letterToWire(l flow.Letter, replyTo string) *reliablepb.Letter {
	return &reliablepb.Letter{
		Producer: l.Producer, Stream: l.Stream, Epoch: l.Epoch, Seq: l.Seq, Base: l.Base,
		Probe: l.Probe, ReplyTo: replyTo, Message: l.Payload,
	}
}

func letterFromWire(l *reliablepb.Letter) flow.Letter {
	return flow.Letter{
		Producer: l.GetProducer(), Stream: l.GetStream(), Epoch: l.GetEpoch(), Seq: l.GetSeq(), Base: l.GetBase(),
		Probe: l.GetProbe(), Payload: l.GetMessage(),
	}
}

func ackToWire(a flow.Ack) *reliablepb.Ack {
	return &reliablepb.Ack{
		Producer: a.Producer, Stream: a.Stream, Epoch: a.Epoch, Session: a.Session,
		Received: a.Received, Confirmed: a.Confirmed, UpTo: a.UpTo, Resend: a.Resend,
	}
}

func ackFromWire(a *reliablepb.Ack) flow.Ack {
	return flow.Ack{
		Producer: a.GetProducer(), Stream: a.GetStream(), Epoch: a.GetEpoch(), Session: a.GetSession(),
		Received: a.GetReceived(), Confirmed: a.GetConfirmed(), UpTo: a.GetUpTo(), Resend: a.GetResend(),
	}
}
