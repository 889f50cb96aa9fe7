package engine

import (
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// A voter that promised a term acknowledges no lower one, and shows what it
// acknowledged to whoever asks with a higher one (V2, V3).
func TestVoterKeepsItsPromise(t *testing.T) {
	p := newPump(t, 1)
	p.cluster("a", "b", "c")
	p.drop = func(*Message) bool { return true }
	a, b, c := p.get("a").self, p.get("b").self, p.get("c")
	base := c.Inspect().Decided
	next := *base
	next.Number++
	answer := func(from member.Node, body Body) Body {
		t.Helper()
		if err := c.Step(p.now, &Message{From: from, To: c.self, Identity: c.id, Body: body}); err != nil {
			t.Fatalf("%T: %v", body, err)
		}
		for _, m := range c.Ready().Messages {
			if m.To == from {
				return m.Body
			}
		}
		t.Fatalf("%T: no answer", body)
		return nil
	}
	low, high := member.Term{Counter: 8, Leader: a}, member.Term{Counter: 9, Leader: b}

	if got, ok := answer(a, &WriteWave{Term: low, Change: member.Diff(base, &next)}).(*Ack); !ok || got.Number != next.Number {
		t.Fatalf("got %v, want the first wave acknowledged", got)
	}
	got, ok := answer(b, &ReadWave{Term: high, Base: base.Number}).(*Promise)
	if !ok || !got.Acked.Names(&next) || got.Ballot != low {
		t.Fatalf("got %+v, want a promise that shows the acknowledged view and its ballot %v", got, low)
	}
	other := next
	other.Open = !other.Open
	if got, ok := answer(a, &WriteWave{Term: low, Change: member.Diff(base, &other)}).(*Refusal); !ok || got.Highest != high {
		t.Errorf("got %+v, want the lower wave refused for %v", got, high)
	}
	if got, ok := answer(a, &ReadWave{Term: low, Base: base.Number}).(*Refusal); !ok || got.Highest != high {
		t.Errorf("got %+v, want the lower term refused for %v", got, high)
	}
	if in := c.Inspect(); in.Acked != &next || in.Promised != high {
		t.Errorf("got acked %v and promised %v, want both unchanged by what was refused", in.Acked, in.Promised)
	}
}

// Interleaving 13: an acknowledgement counts for its own wave alone.
func TestInterleaving13AnAckCountsForItsOwnWave(t *testing.T) {
	p := newPump(t, 2)
	p.cluster("a", "b", "c")
	a := p.get("a")
	p.drop = func(*Message) bool { return true }
	p.must("a", Down{Address: "c:1"})
	v := a.Inspect()
	if v.Acked.Number != v.Decided.Number+1 {
		t.Fatalf("got %d acknowledged, want a proposal in flight", v.Acked.Number)
	}
	old := v.Promised
	old.Counter--
	for _, ack := range []*Ack{{Term: old, Number: v.Acked.Number}, {Term: v.Promised, Number: v.Decided.Number}} {
		p.must("a", &Message{From: p.get("b").self, To: a.self, Identity: a.id, Body: ack})
		if got := a.Inspect().Decided; got != v.Decided {
			t.Fatalf("decided by %+v", ack)
		}
	}
}

// A view that somebody acknowledged is proposed again only while nothing else
// has been decided in its place: n1 acknowledged its own view alone, asks for
// promises, and learns of the other one before they are there.
func TestLeaderForgetsAViewThatWasDecidedAgainst(t *testing.T) {
	p := newPump(t, 3)
	p.cluster("a", "b", "c")
	p.drop = func(*Message) bool { return true }
	a := p.get("a")
	p.must("a", Down{Address: "c:1"})
	mine := a.Inspect().Acked
	if mine.Number != a.Inspect().Decided.Number+1 {
		t.Fatalf("got view %d acknowledged, want a proposal in flight", mine.Number)
	}
	p.must("a", &Message{From: p.get("b").self, To: a.self, Identity: a.id, Body: &Refusal{
		Term: a.lead.term, Highest: member.Term{Counter: a.lead.term.Counter + 1, Leader: p.get("b").self},
	}})
	if a.lead.best != mine {
		t.Fatalf("got %v to be finished, want the view of its own", a.lead.best)
	}
	other := *mine
	other.Term = member.Term{Counter: 50, Leader: p.get("b").self}
	p.must("a", &Message{From: p.get("b").self, To: a.self, Identity: a.id, Body: &Commit{View: &other}})
	p.must("a", &Message{From: p.get("b").self, To: a.self, Identity: a.id, Body: &Promise{Term: a.lead.term, Base: mine.Number - 1}})
	if in := a.Inspect(); in.Decided != &other || in.Acked != &other {
		t.Errorf("got %v acknowledged and %v decided, want the decided one for both", in.Acked, in.Decided)
	}
}
