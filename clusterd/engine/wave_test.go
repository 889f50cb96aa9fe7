package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// names returns n names of nodes that sort as they are numbered.
func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("n%03d", i)
	}
	return list
}

// census counts messages by what they are.
type census struct {
	waves, acks, commits, knowns, shares int
	longest                              int // share
}

func (c *census) watch(p *pump) {
	p.twice = func(m *Message) bool { // asked once for each that is sent
		switch b := m.Body.(type) {
		case *WriteWave:
			c.waves++
			c.longest = max(c.longest, len(b.Share))
			if len(b.Share) > gossip.DefaultConfirm {
				c.shares++
			}
		case *Ack:
			c.acks++
		case *Commit:
			c.commits++
			if len(b.Share) > gossip.DefaultConfirm {
				c.shares++
			}
		case *Known:
			c.knowns++
		}
		return false
	}
}

// TestWaveCostsTwiceTheMembers: one change of the view takes 2(n-1) messages to
// decide and as many to commit, and the leader sends only its share of them.
func TestWaveCostsTwiceTheMembers(t *testing.T) {
	race.SkipPure(t)
	const n = 40
	p := newPump(t, 60)
	all := names(n)
	p.cluster(all...)
	p.run(3 * time.Second)
	var c census
	c.watch(p)
	before := p.get(all[0]).Inspect().Active.Number
	p.must(all[7], Leave{})
	p.run(time.Second)
	views := int(p.get(all[0]).Inspect().Active.Number - before)
	if views == 0 {
		t.Fatal("got no new view")
	}
	least := views * (n - 1)
	if c.waves != least || c.acks < least || c.acks > least+c.shares {
		t.Errorf("got %d write waves and %d acknowledgements, want %d of each and one for each of %d large shares", c.waves, c.acks, least, c.shares)
	}
	if c.commits != least || c.knowns < least || c.knowns > least+c.shares {
		t.Errorf("got %d commits and %d answers, want %d of each", c.commits, c.knowns, least)
	}
	if c.longest < n/4 {
		t.Errorf("got shares of at most %d, want the wave to go down a tree", c.longest)
	}
}

// TestWaveSurvivesItsRelays: nodes that take a share of a wave and crash cost
// the others neither the view nor their acknowledgement.
func TestWaveSurvivesItsRelays(t *testing.T) {
	race.SkipPure(t)
	for seed := range uint64(5) {
		p := newPump(t, 61+seed)
		all := names(14)
		p.cluster(all...)
		p.run(3 * time.Second)
		var crashed []string
		p.drop = func(m *Message) bool {
			w, ok := m.Body.(*WriteWave)
			if ok && len(w.Share) > 0 && len(crashed) < 3 && !slices.Contains(crashed, m.To.Address[:4]) {
				crashed = append(crashed, m.To.Address[:4])
			}
			return ok && slices.Contains(crashed, m.To.Address[:4]) || slices.Contains(crashed, m.From.Address[:4])
		}
		p.must(all[0], Down{Address: all[13] + ":1"})
		before := p.get(all[0]).Inspect().Decided.Number
		p.until(5*time.Second, "a view that a quorum acknowledged, in spite of its relays", func() bool {
			return p.get(all[0]).Inspect().Decided.Number > before
		})
		for _, name := range crashed {
			p.crash(name)
		}
		p.wantUp(30*time.Second, slices.DeleteFunc(all[:13], func(s string) bool { return slices.Contains(crashed, s) })...)
	}
}

// TestWaveAsksForTheWholeView: a member that missed the last view gets it in
// full, and acknowledges the next.
func TestWaveAsksForTheWholeView(t *testing.T) {
	p := newPump(t, 70)
	p.cluster("a", "b", "c")
	p.run(time.Second)
	c := p.get("c")
	base := c.Inspect().Decided
	next, later := *base, *base
	next.Number, later.Number = base.Number+1, base.Number+2
	next.Term.Counter, later.Term.Counter = 50, 50
	term := member.Term{Counter: 50, Leader: p.get("a").self}
	step := func(b Body) []*Message {
		t.Helper()
		if err := c.Step(p.now, &Message{From: p.get("a").self, To: c.self, Identity: c.id, Body: b}); err != nil {
			t.Fatalf("%T: %v", b, err)
		}
		return c.Ready().Messages
	}
	lacks := slices.ContainsFunc(step(&WriteWave{Term: term, Change: member.Diff(&next, &later)}), func(m *Message) bool {
		l, ok := m.Body.(*Lack)
		return ok && l.Number == next.Number
	})
	if !lacks || c.Inspect().Acked != base {
		t.Fatal("got the wave acknowledged without the view that it builds on")
	}
	acks := slices.ContainsFunc(step(&Commit{View: &next}), func(m *Message) bool {
		a, ok := m.Body.(*Ack)
		return ok && a.Number == later.Number
	})
	if !acks || !member.Diff(&next, &later).Names(c.Inspect().Acked) {
		t.Error("got no acknowledgement once the view had come")
	}
}

// TestHigherTermAbortsTheWave: what a relay passes on ends with a higher term.
func TestHigherTermAbortsTheWave(t *testing.T) {
	p := newPump(t, 71)
	p.cluster("a", "b", "c", "d")
	p.run(time.Second)
	p.drop = func(*Message) bool { return true }
	d := p.get("d")
	base := d.Inspect().Decided
	next := *base
	next.Number++
	next.Term.Counter = 60
	a, b, c := p.get("a").self, p.get("b").self, p.get("c").self
	low := &WriteWave{Term: member.Term{Counter: 60, Leader: a}, Change: member.Diff(base, &next), Leg: Leg{Ticket: 9, Share: []member.Node{c}}}
	for _, body := range []Body{low, &ReadWave{Term: member.Term{Counter: 61, Leader: b}, Base: base.Number, Leg: Leg{Ticket: 1}}} {
		if err := d.Step(p.now, &Message{From: a, To: d.self, Identity: d.id, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	if d.waves.Len() != 0 {
		t.Errorf("got %d waves still on their way, want none of the lower term", d.waves.Len())
	}
}
