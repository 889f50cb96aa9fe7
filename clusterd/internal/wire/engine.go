package wire

import (
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
			Records: putAll(b.Records, putRecord), Rows: putAll(b.Rows, putRow), Note: putNote(&b.Note),
		}}
	case *engine.Aside:
		pb.Body = &wirepb.Packet_Aside{Aside: &wirepb.Aside{Note: putNote(&b.Note)}}
	case *engine.Welcome:
		pb.Body = &wirepb.Packet_Welcome{Welcome: &wirepb.Welcome{
			View: putView(b.View), Active: b.Active, Record: putRecord(b.Record),
		}}
	case *engine.Page:
		pb.Body = &wirepb.Packet_Page{Page: &wirepb.Page{
			Head: putView(&b.Head), Members: b.Members, Buried: b.Buried, First: b.First,
			Entries: putAll(b.Entries, putEntry), Removed: putAll(b.Removed, putTombstone),
			Last: b.Last, Active: b.Active, Record: putRecord(b.Record), From: putIdentity(b.From),
		}}
	case *engine.Gone:
		pb.Body = &wirepb.Packet_Gone{Gone: &wirepb.Gone{View: b.View, Cause: uint32(b.Cause)}}
	default:
		return putWave(pb, body)
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
			Records: getAll(d.GetRecords(), g.record), Rows: getAll(d.GetRows(), g.row), Note: g.note(d.GetNote()),
		}
	case *wirepb.Packet_Aside:
		return &engine.Aside{Note: g.note(b.Aside.GetNote())}
	case *wirepb.Packet_Welcome:
		w := b.Welcome
		return &engine.Welcome{View: g.needView(w.GetView()), Active: w.GetActive(), Record: g.record(w.GetRecord())}
	case *wirepb.Packet_Page:
		return g.page(b.Page)
	case *wirepb.Packet_Gone:
		return &engine.Gone{View: b.Gone.GetView(), Cause: getEnum[member.Cause](g, b.Gone.GetCause())}
	}
	return g.wave(pb)
}

// page needs a head; a record is there for a joiner only.
func (g *getter) page(p *wirepb.Page) *engine.Page {
	head := g.needView(p.GetHead())
	if head == nil {
		return nil
	}
	b := &engine.Page{
		Head: *head, Members: p.GetMembers(), Buried: p.GetBuried(), First: p.GetFirst(),
		Entries: getAll(p.GetEntries(), g.entry), Removed: getAll(p.GetRemoved(), g.tombstone),
		Last: p.GetLast(), Active: p.GetActive(), From: g.identity(p.GetFrom()),
	}
	if p.GetRecord() != nil {
		b.Record = g.record(p.GetRecord())
	}
	return b
}
