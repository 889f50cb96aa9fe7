package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
	"github.com/pando-go/pando/seedjoin"
)

// Append appends the encoded packet to dst. On an error dst is returned as it
// was.
func Append(dst []byte, p *core.Packet) ([]byte, error) {
	pb := &wirepb.Packet{To: putNode(p.To)}
	var err error
	switch {
	case p.Engine != nil && p.Join == nil:
		pb.Identity = putIdentity(p.Engine.Identity)
		err = putEngine(pb, p.Engine.Body)
	case p.Join != nil && p.Engine == nil:
		err = putJoin(pb, p.Join.Body)
	default:
		err = fmt.Errorf("%w: not exactly one body", ErrMalformed)
	}
	if err != nil {
		return dst, err
	}
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, pb)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := check(out[len(dst):]); err != nil {
		return dst, err
	}
	return out, nil
}

// Decode returns the packet that from sent.
func Decode(from member.Node, payload []byte) (*core.Packet, error) {
	if err := check(payload); err != nil {
		return nil, err
	}
	pb := new(wirepb.Packet)
	if err := proto.Unmarshal(payload, pb); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	g := new(getter)
	p := &core.Packet{From: from, To: g.node(pb.GetTo())}
	if body := g.engine(pb); body != nil {
		p.Engine = &engine.Message{From: p.From, To: p.To, Identity: g.identity(pb.GetIdentity()), Body: body}
	} else if body := g.join(pb); body != nil {
		p.Join = &seedjoin.Message{From: p.From, To: p.To, Body: body}
	} else if g.err == nil {
		g.err = ErrUnknownBody
	}
	if g.err != nil {
		return nil, g.err
	}
	return p, nil
}

func check(payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("%w: packet of %d bytes, at most %d", ErrTooLarge, len(payload), MaxPayload)
	}
	return new(scan).message((*wirepb.Packet)(nil).ProtoReflect().Descriptor(), payload, 0)
}

// getter reads what was decoded and keeps the first fault.
type getter struct{ err error }

func (g *getter) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}
