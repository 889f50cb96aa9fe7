// Package wire maps the messages of package homes to protobuf and back.
package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
	"github.com/pando-go/pando/clusterd/slots"
)

// ErrPacket tells that bytes are not an encoded message.
var ErrPacket = errors.New("wire: malformed sharding packet")

// maxName bounds the name of a kind, in bytes.
const maxName = 128

// Append appends the encoding of m to b.
func Append(b []byte, m homes.Message) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(b, encode(m))
}

func encode(m homes.Message) *shardpb.Packet {
	p := &shardpb.Packet{View: m.View}
	switch b := m.Body.(type) {
	case homes.Census:
		p.Body = &shardpb.Packet_Census{Census: &shardpb.Census{}}
	case homes.Claims:
		p.Body = &shardpb.Packet_Claims{Claims: encodeClaims(b)}
	case homes.Issue:
		p.Body = &shardpb.Packet_Issue{Issue: &shardpb.Issue{Kind: b.Kind, Slots: encodeSet(b.Slots)}}
	case homes.Issued:
		p.Body = &shardpb.Packet_Issued{Issued: &shardpb.Issued{Kind: b.Kind}}
	case homes.Plan:
		p.Body = &shardpb.Packet_Plan{Plan: &shardpb.Plan{
			Kind: b.Kind, Number: b.Number, Now: encodeSpans(b.Now), Target: encodeSpans(b.Target),
		}}
	case homes.Planned:
		p.Body = &shardpb.Packet_Planned{Planned: &shardpb.Planned{
			Kind: b.Kind, Number: b.Number, Left: b.Left, Now: encodeSpans(b.Now),
		}}
	case homes.Fetch:
		p.Body = &shardpb.Packet_Fetch{Fetch: &shardpb.Fetch{}}
	case homes.Report:
		p.Body = &shardpb.Packet_Report{Report: encodeReport(b)}
	case homes.Learn:
		p.Body = &shardpb.Packet_Learn{Learn: encodeLearn(b)}
	case homes.Part:
		p.Body = &shardpb.Packet_Part{Part: &shardpb.Part{
			Id: b.ID, Kind: b.Kind, Epoch: uint64(b.Epoch), Slots: encodeSet(b.Slots),
			Index: b.Index, Count: b.Count, Data: b.Data, Plan: b.Plan,
		}}
	case homes.Got:
		p.Body = &shardpb.Packet_Got{Got: &shardpb.Got{Id: b.ID, Index: b.Index, All: b.All}}
	case homes.Done:
		p.Body = &shardpb.Packet_Done{Done: &shardpb.Done{Id: b.ID}}
	case homes.Leave:
		p.Body = &shardpb.Packet_Leave{Leave: encodeLeave(b)}
	case homes.Left:
		p.Body = &shardpb.Packet_Left{Left: &shardpb.Left{}}
	default:
		panic(fmt.Sprintf("wire: no encoding of %T", b))
	}
	return p
}

func encodeClaims(c homes.Claims) *shardpb.Claims {
	out := &shardpb.Claims{}
	for _, claim := range c.Kinds {
		out.Kinds = append(out.Kinds, &shardpb.Claim{Kind: claim.Kind, Slots: encodeSet(claim.Slots), Now: encodeSpans(claim.Now)})
	}
	return out
}

func encodeSet(s *slots.Set) []byte {
	b, _ := s.MarshalBinary() // its error is always nil
	return b
}

// Decode is the inverse of Append. The message keeps no part of b. Any error
// matches [ErrPacket].
func Decode(b []byte) (homes.Message, error) {
	p := new(shardpb.Packet)
	if err := proto.Unmarshal(b, p); err != nil {
		return homes.Message{}, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	body, err := decode(p)
	if err != nil {
		return homes.Message{}, err
	}
	return homes.Message{View: p.GetView(), Body: body}, nil
}

func decode(p *shardpb.Packet) (homes.Body, error) {
	switch b := p.GetBody().(type) {
	case *shardpb.Packet_Census:
		return homes.Census{}, nil
	case *shardpb.Packet_Claims:
		return decodeClaims(b.Claims)
	case *shardpb.Packet_Issue:
		set, err := decodeSet(b.Issue.GetKind(), b.Issue.GetSlots())
		return homes.Issue{Kind: b.Issue.GetKind(), Slots: set}, err
	case *shardpb.Packet_Issued:
		return homes.Issued{Kind: b.Issued.GetKind()}, nil
	case *shardpb.Packet_Plan:
		return decodePlan(b.Plan)
	case *shardpb.Packet_Planned:
		return decodePlanned(b.Planned)
	case *shardpb.Packet_Fetch:
		return homes.Fetch{}, nil
	case *shardpb.Packet_Report:
		return decodeReport(b.Report)
	case *shardpb.Packet_Learn:
		return decodeLearn(b.Learn)
	case *shardpb.Packet_Part:
		set, err := decodeSet(b.Part.GetKind(), b.Part.GetSlots())
		return homes.Part{
			ID: b.Part.GetId(), Kind: b.Part.GetKind(), Epoch: homes.Epoch(b.Part.GetEpoch()), Slots: set,
			Index: b.Part.GetIndex(), Count: b.Part.GetCount(), Data: b.Part.GetData(), Plan: b.Part.GetPlan(),
		}, err
	case *shardpb.Packet_Got:
		return homes.Got{ID: b.Got.GetId(), Index: b.Got.GetIndex(), All: b.Got.GetAll()}, nil
	case *shardpb.Packet_Done:
		return homes.Done{ID: b.Done.GetId()}, nil
	case *shardpb.Packet_Leave:
		return decodeLeave(b.Leave)
	case *shardpb.Packet_Left:
		return homes.Left{}, nil
	}
	return nil, fmt.Errorf("%w: no body that is known here", ErrPacket)
}

// decodeClaims allocates 2 KiB for each claim, so it wants names to be
// distinct: a packet could hold a great many empty ones.
func decodeClaims(c *shardpb.Claims) (homes.Body, error) {
	if n := len(c.GetKinds()); n > maxKinds {
		return nil, fmt.Errorf("%w: %d kinds", ErrPacket, n)
	}
	var out homes.Claims
	last := ""
	for _, claim := range c.GetKinds() {
		if claim.GetKind() <= last {
			return nil, fmt.Errorf("%w: claims are not sorted", ErrPacket)
		}
		last = claim.GetKind()
		set, err := decodeSet(claim.GetKind(), claim.GetSlots())
		if err != nil {
			return nil, err
		}
		now, err := decodeSpans(claim.GetNow())
		if err != nil {
			return nil, err
		}
		out.Kinds = append(out.Kinds, homes.Claim{Kind: claim.GetKind(), Slots: set, Now: now})
	}
	return out, nil
}

// maxKinds bounds the kinds of one node.
const maxKinds = 1024

func validKind(kind string) bool { return kind != "" && len(kind) <= maxName }

func decodeSet(kind string, b []byte) (*slots.Set, error) {
	if !validKind(kind) {
		return nil, fmt.Errorf("%w: bad kind", ErrPacket)
	}
	set := new(slots.Set)
	if err := set.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	return set, nil
}
