package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// c is removed while it is cut off. The one that it can reach afterwards came
// later: c does not know it, nor it c.
func TestHailTellsWhoWasRemoved(t *testing.T) {
	for name, pruned := range map[string]bool{"by its tombstone": false, "by a view, the tombstone pruned": true} {
		t.Run(name, func(t *testing.T) {
			p := newPump(t, 31)
			p.cluster("a", "b", "c")
			p.cut("ab", "c")
			p.run(10 * time.Second)
			p.join("d", "a")
			p.wantUp(5*time.Second, "a", "b", "d")
			c, d := p.get("c"), p.get("d")
			if pruned {
				p.forget(c.self, "a", "b", "d")
			}
			p.run(5 * time.Second)
			if c.removed {
				t.Fatal("c knows that it was removed, and nobody told it")
			}
			p.must("c", Hail{Node: d.self})
			p.run(100 * time.Millisecond)
			if got := told[SelfRemoved](c); len(got) != 1 || got[0].Cause != "unreachable" {
				t.Errorf("got %v, want c to know that it was removed", got)
			}
			p.wantUp(time.Second, "a", "b", "d")
		})
	}
}

// forget drops every trace of n at some nodes, as pruning does after a day.
func (p *pump) forget(n member.Node, names ...string) {
	v := *p.get(names[0]).views.decided
	v.Removed = nil
	p.decided[v.Number] = &v
	for _, name := range names {
		e := p.get(name).Engine
		e.views.decided, e.views.acked, e.views.active = &v, &v, &v
		e.table.DropRecord(n.Address)
	}
}

func TestAbandon(t *testing.T) {
	p := newPump(t, 33)
	p.cluster("a", "b")
	p.must("b", Abandon{})
	p.run(time.Second)
	if got := told[SelfRemoved](p.get("b")); len(got) != 1 || got[0].Cause != "cluster lost" {
		t.Errorf("got %v, want the end", got)
	}
	if err := p.try("b", Abandon{}); !errors.Is(err, ErrRemoved) {
		t.Errorf("got %v after the end, want %v", err, ErrRemoved)
	}
}

func TestHailAndAbandonRefused(t *testing.T) {
	p := newPump(t, 34)
	p.start("a")
	someone := member.Node{Address: "b:1", UID: 5}
	for _, in := range []Input{Hail{Node: someone}, Abandon{}} {
		if err := p.try("a", in); !errors.Is(err, ErrNotMember) {
			t.Errorf("%T before the join: got %v, want %v", in, err, ErrNotMember)
		}
	}
	p = newPump(t, 35)
	p.found("a")
	if err := p.try("a", Hail{Node: member.Node{Address: "b:1"}}); !errors.Is(err, ErrMalformed) {
		t.Errorf("hail of nobody: got %v, want %v", err, ErrMalformed)
	}
}
