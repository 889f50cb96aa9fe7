package wire

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
)

// putEngine sets the body of a packet of the membership engine.
func putEngine(pb *wirepb.Packet, body engine.Body) error {
	switch b := body.(type) {
	case *engine.Heartbeat:
		pb.Body = &wirepb.Packet_Heartbeat{Heartbeat: &wirepb.Heartbeat{
			Stamp: b.Stamp, Echo: b.Echo, Lease: b.Lease, Reply: b.Reply,
			View: b.View, Decided: b.Decided, Active: b.Active, Counter: b.Counter,
		}}
	case *engine.Digest:
		pb.Body = &wirepb.Packet_Digest{Digest: &wirepb.Digest{
			Facts: b.Facts, View: b.View, Active: b.Active, Buckets: b.Buckets,
		}}
	case *engine.Request:
		pb.Body = &wirepb.Packet_Request{Request: &wirepb.Request{
			Buckets: b.Buckets, Have: b.Have, Want: b.Want,
		}}
	case *engine.Delta:
		pb.Body = &wirepb.Packet_Delta{Delta: &wirepb.Delta{
			Facts: b.Facts, View: b.View, Active: b.Active,
			Records: putAll(b.Records, putRecord), Rows: putAll(b.Rows, putRow),
		}}
	case *engine.Welcome:
		pb.Body = &wirepb.Packet_Welcome{Welcome: &wirepb.Welcome{
			View: putView(b.View), Active: b.Active, Record: putRecord(b.Record),
		}}
	case *engine.Gone:
		pb.Body = &wirepb.Packet_Gone{Gone: &wirepb.Gone{View: b.View, Cause: uint32(b.Cause)}}
	default:
		return putWave(pb, body)
	}
	return nil
}

// putWave sets the body of a packet of the read and write waves.
func putWave(pb *wirepb.Packet, body engine.Body) error {
	switch b := body.(type) {
	case *engine.ReadWave:
		pb.Body = &wirepb.Packet_ReadWave{ReadWave: &wirepb.ReadWave{Term: putTerm(b.Term), Base: b.Base}}
	case *engine.Promise:
		pb.Body = &wirepb.Packet_Promise{Promise: &wirepb.Promise{
			Term: putTerm(b.Term), Base: b.Base,
			Decided: putView(b.Decided), Acked: putView(b.Acked), Ballot: putTerm(b.Ballot),
		}}
	case *engine.WriteWave:
		pb.Body = &wirepb.Packet_WriteWave{WriteWave: &wirepb.WriteWave{
			Term: putTerm(b.Term), Base: putView(b.Base), View: putView(b.View),
		}}
	case *engine.Ack:
		pb.Body = &wirepb.Packet_Ack{Ack: &wirepb.Ack{Term: putTerm(b.Term), Number: b.Number, Quiet: b.Quiet}}
	case *engine.Refusal:
		pb.Body = &wirepb.Packet_WaveRefusal{WaveRefusal: &wirepb.WaveRefusal{
			Term: putTerm(b.Term), Highest: putTerm(b.Highest),
		}}
	case *engine.Commit:
		pb.Body = &wirepb.Packet_Commit{Commit: &wirepb.Commit{View: putView(b.View), Active: b.Active}}
	case *engine.Poll:
		pb.Body = &wirepb.Packet_Poll{Poll: &wirepb.Poll{View: b.View, Nodes: putAll(b.Nodes, putListed)}}
	case *engine.Vouch:
		pb.Body = &wirepb.Packet_Vouch{Vouch: &wirepb.Vouch{View: b.View, Nodes: putAll(b.Nodes, putListed)}}
	case *engine.Pending:
		pb.Body = &wirepb.Packet_Pending{Pending: &wirepb.Pending{
			Ballot: putTerm(b.Ballot), Base: putView(b.Base), View: putView(b.View),
		}}
	case *engine.Ended:
		pb.Body = &wirepb.Packet_Ended{Ended: &wirepb.Ended{View: b.View}}
	case *engine.Recovered:
		pb.Body = &wirepb.Packet_Recovered{Recovered: &wirepb.Recovered{From: putIdentity(b.From), View: putView(b.View)}}
	default:
		return fmt.Errorf("%w: %T", ErrUnknownBody, body)
	}
	return nil
}

// engine returns the body of a packet of the membership engine, or nil.
func (g *getter) engine(pb *wirepb.Packet) engine.Body {
	switch b := pb.GetBody().(type) {
	case *wirepb.Packet_Heartbeat:
		h := b.Heartbeat
		return &engine.Heartbeat{
			Stamp: h.GetStamp(), Echo: h.GetEcho(), Lease: h.GetLease(), Reply: h.GetReply(),
			View: h.GetView(), Decided: h.GetDecided(), Active: h.GetActive(), Counter: h.GetCounter(),
		}
	case *wirepb.Packet_Digest:
		d := b.Digest
		return &engine.Digest{Facts: d.GetFacts(), View: d.GetView(), Active: d.GetActive(), Buckets: d.GetBuckets()}
	case *wirepb.Packet_Request:
		r := b.Request
		return &engine.Request{Buckets: r.GetBuckets(), Have: r.GetHave(), Want: r.GetWant()}
	case *wirepb.Packet_Delta:
		d := b.Delta
		return &engine.Delta{
			Facts: d.GetFacts(), View: d.GetView(), Active: d.GetActive(),
			Records: getAll(d.GetRecords(), g.record), Rows: getAll(d.GetRows(), g.row),
		}
	case *wirepb.Packet_Welcome:
		w := b.Welcome
		return &engine.Welcome{View: g.needView(w.GetView()), Active: w.GetActive(), Record: g.record(w.GetRecord())}
	case *wirepb.Packet_Gone:
		return &engine.Gone{View: b.Gone.GetView(), Cause: getEnum[member.Cause](g, b.Gone.GetCause())}
	}
	return g.wave(pb)
}

// wave returns the body of a packet of the read and write waves, or nil.
func (g *getter) wave(pb *wirepb.Packet) engine.Body {
	switch b := pb.GetBody().(type) {
	case *wirepb.Packet_ReadWave:
		return &engine.ReadWave{Term: g.term(b.ReadWave.GetTerm()), Base: b.ReadWave.GetBase()}
	case *wirepb.Packet_Promise:
		p := b.Promise
		return &engine.Promise{
			Term: g.term(p.GetTerm()), Base: p.GetBase(),
			Decided: g.view(p.GetDecided()), Acked: g.view(p.GetAcked()), Ballot: g.term(p.GetBallot()),
		}
	case *wirepb.Packet_WriteWave:
		w := b.WriteWave
		return &engine.WriteWave{Term: g.term(w.GetTerm()), Base: g.needView(w.GetBase()), View: g.needView(w.GetView())}
	case *wirepb.Packet_Ack:
		return &engine.Ack{Term: g.term(b.Ack.GetTerm()), Number: b.Ack.GetNumber(), Quiet: b.Ack.GetQuiet()}
	case *wirepb.Packet_WaveRefusal:
		r := b.WaveRefusal
		return &engine.Refusal{Term: g.term(r.GetTerm()), Highest: g.term(r.GetHighest())}
	case *wirepb.Packet_Commit:
		return &engine.Commit{View: g.needView(b.Commit.GetView()), Active: b.Commit.GetActive()}
	case *wirepb.Packet_Poll:
		return &engine.Poll{View: b.Poll.GetView(), Nodes: getAll(b.Poll.GetNodes(), g.node)}
	case *wirepb.Packet_Vouch:
		return &engine.Vouch{View: b.Vouch.GetView(), Nodes: getAll(b.Vouch.GetNodes(), g.node)}
	case *wirepb.Packet_Pending:
		p := b.Pending
		return &engine.Pending{Ballot: g.term(p.GetBallot()), Base: g.needView(p.GetBase()), View: g.needView(p.GetView())}
	case *wirepb.Packet_Ended:
		return &engine.Ended{View: b.Ended.GetView()}
	case *wirepb.Packet_Recovered:
		r := b.Recovered
		return &engine.Recovered{From: g.identity(r.GetFrom()), View: g.needView(r.GetView())}
	}
	return nil
}
