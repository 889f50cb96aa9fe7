package wire

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
)

// putWave sets the body of a packet of the read and write waves.
func putWave(pb *wirepb.Packet, body engine.Body) error {
	switch b := body.(type) {
	case *engine.ReadWave:
		pb.Body = &wirepb.Packet_ReadWave{ReadWave: &wirepb.ReadWave{Term: putTerm(b.Term), Base: b.Base, Leg: putLeg(&b.Leg)}}
	case *engine.Promise:
		pb.Body = &wirepb.Packet_Promise{Promise: &wirepb.Promise{
			Term: putTerm(b.Term), Base: b.Base, Newer: b.Newer,
			Acked: putPatch(b.Acked), Ballot: putTerm(b.Ballot), Tally: putTally(&b.Tally),
		}}
	case *engine.WriteWave:
		pb.Body = &wirepb.Packet_WriteWave{WriteWave: &wirepb.WriteWave{
			Term: putTerm(b.Term), Change: putPatch(b.Change), Leg: putLeg(&b.Leg),
		}}
	case *engine.Ack:
		pb.Body = &wirepb.Packet_Ack{Ack: &wirepb.Ack{
			Term: putTerm(b.Term), Number: b.Number, Quiet: b.Quiet, Tally: putTally(&b.Tally),
		}}
	case *engine.Known:
		pb.Body = &wirepb.Packet_Known{Known: &wirepb.Known{
			Term: putTerm(b.Term), Number: b.Number, Tally: putTally(&b.Tally),
		}}
	case *engine.Lack:
		pb.Body = &wirepb.Packet_Lack{Lack: &wirepb.Lack{Number: b.Number, Term: putTerm(b.Term), First: b.First}}
	case *engine.Refusal:
		pb.Body = &wirepb.Packet_WaveRefusal{WaveRefusal: &wirepb.WaveRefusal{
			Term: putTerm(b.Term), Highest: putTerm(b.Highest),
		}}
	case *engine.Commit:
		pb.Body = &wirepb.Packet_Commit{Commit: &wirepb.Commit{
			View: putView(b.View), Change: putPatch(b.Change), Active: b.Active, Leg: putLeg(&b.Leg),
		}}
	case *engine.Poll:
		pb.Body = &wirepb.Packet_Poll{Poll: &wirepb.Poll{View: b.View, Nodes: putAll(b.Nodes, putListed)}}
	case *engine.Vouch:
		pb.Body = &wirepb.Packet_Vouch{Vouch: &wirepb.Vouch{View: b.View, Nodes: putAll(b.Nodes, putListed)}}
	case *engine.Seek:
		pb.Body = &wirepb.Packet_Seek{Seek: &wirepb.Seek{
			Subject: putNode(b.Subject), Asker: putNode(b.Asker), Stamp: b.Stamp,
		}}
	case *engine.Sign:
		pb.Body = &wirepb.Packet_Sign{Sign: &wirepb.Sign{
			Subject: putNode(b.Subject), Asker: putNode(b.Asker), Stamp: b.Stamp,
			Counter: b.Counter, View: b.View, Decided: b.Decided,
		}}
	case *engine.Pending:
		pb.Body = &wirepb.Packet_Pending{Pending: &wirepb.Pending{
			Ballot: putTerm(b.Ballot), Change: putPatch(b.Change),
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

// wave returns the body of a packet of the read and write waves, or nil.
func (g *getter) wave(pb *wirepb.Packet) engine.Body {
	switch b := pb.GetBody().(type) {
	case *wirepb.Packet_ReadWave:
		w := b.ReadWave
		return &engine.ReadWave{Term: g.term(w.GetTerm()), Base: w.GetBase(), Leg: g.leg(w.GetLeg())}
	case *wirepb.Packet_Promise:
		p := b.Promise
		return &engine.Promise{
			Term: g.term(p.GetTerm()), Base: p.GetBase(), Newer: p.GetNewer(),
			Acked: g.patch(p.GetAcked()), Ballot: g.term(p.GetBallot()), Tally: g.tally(p.GetTally()),
		}
	case *wirepb.Packet_WriteWave:
		w := b.WriteWave
		return &engine.WriteWave{Term: g.term(w.GetTerm()), Change: g.needPatch(w.GetChange()), Leg: g.leg(w.GetLeg())}
	case *wirepb.Packet_Ack:
		a := b.Ack
		return &engine.Ack{Term: g.term(a.GetTerm()), Number: a.GetNumber(), Quiet: a.GetQuiet(), Tally: g.tally(a.GetTally())}
	case *wirepb.Packet_Known:
		k := b.Known
		return &engine.Known{Term: g.term(k.GetTerm()), Number: k.GetNumber(), Tally: g.tally(k.GetTally())}
	case *wirepb.Packet_Lack:
		l := b.Lack
		return &engine.Lack{Number: l.GetNumber(), Term: g.term(l.GetTerm()), First: l.GetFirst()}
	case *wirepb.Packet_WaveRefusal:
		r := b.WaveRefusal
		return &engine.Refusal{Term: g.term(r.GetTerm()), Highest: g.term(r.GetHighest())}
	case *wirepb.Packet_Commit:
		return g.commit(b.Commit)
	case *wirepb.Packet_Poll:
		return &engine.Poll{View: b.Poll.GetView(), Nodes: getAll(b.Poll.GetNodes(), g.node)}
	case *wirepb.Packet_Vouch:
		return &engine.Vouch{View: b.Vouch.GetView(), Nodes: getAll(b.Vouch.GetNodes(), g.node)}
	case *wirepb.Packet_Seek:
		s := b.Seek
		return &engine.Seek{Subject: g.node(s.GetSubject()), Asker: g.node(s.GetAsker()), Stamp: s.GetStamp()}
	case *wirepb.Packet_Sign:
		s := b.Sign
		return &engine.Sign{
			Subject: g.node(s.GetSubject()), Asker: g.node(s.GetAsker()), Stamp: s.GetStamp(),
			Counter: s.GetCounter(), View: s.GetView(), Decided: s.GetDecided(),
		}
	case *wirepb.Packet_Pending:
		p := b.Pending
		return &engine.Pending{Ballot: g.term(p.GetBallot()), Change: g.needPatch(p.GetChange())}
	case *wirepb.Packet_Ended:
		return &engine.Ended{View: b.Ended.GetView()}
	case *wirepb.Packet_Recovered:
		r := b.Recovered
		return &engine.Recovered{From: g.identity(r.GetFrom()), View: g.needView(r.GetView())}
	}
	return nil
}

// commit needs a view or the difference to one.
func (g *getter) commit(c *wirepb.Commit) *engine.Commit {
	b := &engine.Commit{Active: c.GetActive(), Leg: g.leg(c.GetLeg())}
	if c.GetChange() != nil {
		b.Change = g.patch(c.GetChange())
	}
	if b.Change == nil || c.GetView() != nil {
		b.View = g.needView(c.GetView())
	}
	return b
}

// putPatch returns nil for no patch.
func putPatch(p *member.Patch) *wirepb.Patch {
	if p == nil {
		return nil
	}
	return &wirepb.Patch{
		Base:      p.Base,
		BaseTerm:  putTerm(p.BaseTerm),
		Head:      putView(&p.Head),
		Gone:      p.Gone,
		Members:   putAll(p.Members, putEntry),
		Forgotten: p.Forgotten,
		Removed:   putAll(p.Removed, putTombstone),
	}
}

// patch returns nil for a patch that is not there.
func (g *getter) patch(p *wirepb.Patch) *member.Patch {
	if p == nil {
		return nil
	}
	head := g.needView(p.GetHead())
	if head == nil {
		return nil
	}
	return &member.Patch{
		Base:      p.GetBase(),
		BaseTerm:  g.term(p.GetBaseTerm()),
		Head:      *head,
		Gone:      p.GetGone(),
		Members:   getAll(p.GetMembers(), g.entry),
		Forgotten: p.GetForgotten(),
		Removed:   getAll(p.GetRemoved(), g.tombstone),
	}
}

func (g *getter) needPatch(p *wirepb.Patch) *member.Patch {
	if p == nil {
		g.fail("no difference between views")
	}
	return g.patch(p)
}

func putLeg(l *engine.Leg) *wirepb.Leg {
	if l.Ticket == 0 && len(l.Share) == 0 {
		return nil
	}
	return &wirepb.Leg{Ticket: l.Ticket, Share: putAll(l.Share, putListed)}
}

func (g *getter) leg(l *wirepb.Leg) engine.Leg {
	return engine.Leg{Ticket: l.GetTicket(), Share: getAll(l.GetShare(), g.node)}
}

func putTally(t *engine.Tally) *wirepb.Tally {
	if t.Ticket == 0 && t.Report == 0 && len(t.Missing) == 0 {
		return nil
	}
	return &wirepb.Tally{Ticket: t.Ticket, Report: uint32(t.Report), Missing: putAll(t.Missing, putListed)}
}

func (g *getter) tally(t *wirepb.Tally) engine.Tally {
	return engine.Tally{
		Ticket:  t.GetTicket(),
		Report:  getEnum[gossip.Report](g, t.GetReport()),
		Missing: getAll(t.GetMissing(), g.node),
	}
}
