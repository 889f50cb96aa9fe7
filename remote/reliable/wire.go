package reliable

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/pando-go/pando/remote/reliable/internal/flow"
	"github.com/pando-go/pando/remote/reliable/internal/reliablepb"
)

// pack encodes a message with the name of its type. The bytes are what is kept and
// repeated, so it does not matter what becomes of m.
func pack(m proto.Message) ([]byte, error) {
	a, err := anypb.New(m)
	if err != nil {
		return nil, fmt.Errorf("reliable: %T: %w", m, err)
	}
	b, err := proto.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("reliable: %T: %w", m, err)
	}
	return b, nil
}

// unpack is the inverse of pack.
func unpack[M proto.Message](b []byte) (none M, _ error) {
	var a anypb.Any
	if err := proto.Unmarshal(b, &a); err != nil {
		return none, err
	}
	m, err := a.UnmarshalNew()
	if err != nil {
		return none, err
	}
	typed, ok := m.(M)
	if !ok {
		return none, fmt.Errorf("reliable: this consumer takes %T, not %s", none, a.MessageName())
	}
	return typed, nil
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
