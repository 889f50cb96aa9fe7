package wire

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
	"github.com/pando-go/pando/seedjoin"
)

// putJoin sets the body of a packet of the join machine.
func putJoin(pb *wirepb.Packet, body seedjoin.Body) error {
	switch b := body.(type) {
	case seedjoin.Probe:
		pb.Body = &wirepb.Packet_Probe{Probe: &wirepb.Probe{
			Asked: b.Asked, Name: b.Name, Candidate: b.Candidate, Stamp: int64(b.Stamp),
		}}
	case seedjoin.Answer:
		pb.Body = &wirepb.Packet_Answer{Answer: &wirepb.Answer{
			Asked: b.Asked, Stamp: int64(b.Stamp), State: uint32(b.State), Identity: putIdentity(b.Identity),
			View: b.View, Lease: b.Lease, Node: putNode(b.Node), Leaving: b.Leaving,
			Size: b.Size,
		}}
	case seedjoin.Join:
		pb.Body = &wirepb.Packet_Join{Join: &wirepb.Join{
			Name: b.Name, Info: putInfo(b.Info), MinVersion: b.Versions.Min, MaxVersion: b.Versions.Max,
			Settings: putAll(b.Settings, putSetting),
		}}
	case seedjoin.Refusal:
		pb.Body = &wirepb.Packet_JoinRefusal{JoinRefusal: &wirepb.JoinRefusal{
			Code: uint32(b.Code), Text: b.Text, Exceed: b.Exceed,
		}}
	case seedjoin.Invite:
		pb.Body = &wirepb.Packet_Invite{Invite: &wirepb.Invite{
			Asked: b.Asked, Name: b.Name, Stamp: int64(b.Stamp), Identity: putIdentity(b.Identity), View: b.View,
			Size: b.Size, Paused: b.Paused,
		}}
	case seedjoin.Look:
		pb.Body = &wirepb.Packet_Look{Look: &wirepb.Look{
			Own: putIdentity(b.Own), Other: putIdentity(b.Other), At: putNode(b.At),
		}}
	case seedjoin.Reached:
		pb.Body = &wirepb.Packet_Reached{Reached: &wirepb.Reached{
			Own: putIdentity(b.Own), Other: putIdentity(b.Other), At: putNode(b.At), Size: b.Size, Durable: b.Durable,
		}}
	case seedjoin.Yielding:
		pb.Body = &wirepb.Packet_Yielding{Yielding: &wirepb.Yielding{
			Own: putIdentity(b.Own), Other: putIdentity(b.Other), At: putNode(b.At), Asked: b.Asked,
		}}
	default:
		return fmt.Errorf("%w: %T", ErrUnknownBody, body)
	}
	return nil
}

// join returns the body of a packet of the join machine, or nil.
func (g *getter) join(pb *wirepb.Packet) seedjoin.Body {
	switch b := pb.GetBody().(type) {
	case *wirepb.Packet_Probe:
		p := b.Probe
		return seedjoin.Probe{
			Asked: p.GetAsked(), Name: p.GetName(), Candidate: p.GetCandidate(), Stamp: seedjoin.Stamp(p.GetStamp()),
		}
	case *wirepb.Packet_Answer:
		a := b.Answer
		return seedjoin.Answer{
			Asked: a.GetAsked(), Stamp: seedjoin.Stamp(a.GetStamp()), State: getEnum[seedjoin.State](g, a.GetState()),
			Identity: g.identity(a.GetIdentity()), View: a.GetView(), Lease: a.GetLease(), Node: g.node(a.GetNode()),
			Leaving: a.GetLeaving(), Size: a.GetSize(),
		}
	case *wirepb.Packet_Join:
		j := b.Join
		return seedjoin.Join{
			Name: j.GetName(), Info: g.info(j.GetInfo()),
			Versions: seedjoin.Versions{Min: j.GetMinVersion(), Max: j.GetMaxVersion()},
			Settings: getAll(j.GetSettings(), g.setting),
		}
	case *wirepb.Packet_JoinRefusal:
		r := b.JoinRefusal
		return seedjoin.Refusal{
			Code: getEnum[seedjoin.Code](g, r.GetCode()), Text: r.GetText(), Exceed: r.GetExceed(),
		}
	case *wirepb.Packet_Invite:
		i := b.Invite
		return seedjoin.Invite{
			Asked: i.GetAsked(), Name: i.GetName(), Stamp: seedjoin.Stamp(i.GetStamp()),
			Identity: g.identity(i.GetIdentity()), View: i.GetView(), Size: i.GetSize(),
			Paused: i.GetPaused(),
		}
	case *wirepb.Packet_Look:
		l := b.Look
		return seedjoin.Look{Own: g.identity(l.GetOwn()), Other: g.identity(l.GetOther()), At: g.node(l.GetAt())}
	case *wirepb.Packet_Reached:
		r := b.Reached
		return seedjoin.Reached{
			Own: g.identity(r.GetOwn()), Other: g.identity(r.GetOther()), At: g.node(r.GetAt()),
			Size: r.GetSize(), Durable: r.GetDurable(),
		}
	case *wirepb.Packet_Yielding:
		y := b.Yielding
		return seedjoin.Yielding{
			Own: g.identity(y.GetOwn()), Other: g.identity(y.GetOther()), At: g.node(y.GetAt()), Asked: y.GetAsked(),
		}
	}
	return nil
}

func putSetting(s seedjoin.Setting) *wirepb.Setting {
	return &wirepb.Setting{Key: s.Key, Value: s.Value, Rule: uint32(s.Rule)}
}

func (g *getter) setting(s *wirepb.Setting) seedjoin.Setting {
	return seedjoin.Setting{Key: s.GetKey(), Value: s.GetValue(), Rule: getEnum[seedjoin.Rule](g, s.GetRule())}
}
