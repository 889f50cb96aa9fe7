package engine

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// row returns whom a node accuses, and whom it reaches only by way of others.
func (p *pump) row(name string) (accused, around []member.Node) {
	b := p.get(name)
	if r := b.table.Row(b.self.Address); r != nil {
		return r.Accused, r.Around
	}
	return nil, nil
}

// TestHelpersKeepABadLinkFromAccusing: two nodes lose their link, in one
// direction or both, and neither accuses the other, since helpers reach it.
// Without the rule both do.
func TestHelpersKeepABadLinkFromAccusing(t *testing.T) {
	for _, c := range []struct {
		name    string
		cut     func(p *pump)
		without rules.Set
		accused int
		around  int
	}{
		{"both ways", func(p *pump) { p.cut("b", "d") }, rules.Set{}, 0, 1},
		{"one way", func(p *pump) { p.cutOneWay("b", "d") }, rules.Set{}, 0, 1},
		{"without the rule", func(p *pump) { p.cut("b", "d") }, rules.Of(rules.Probes), 1, 0},
	} {
		p := newPump(t, 3)
		p.config = func(cfg *Config) { cfg.Without = c.without }
		p.cluster("a", "b", "c", "d", "e")
		c.cut(p)
		for end := p.now.Add(15 * time.Second); p.now.Before(end); p.run(250 * time.Millisecond) {
			for _, name := range []string{"b", "d"} {
				if accused, _ := p.row(name); len(accused) > c.accused {
					t.Fatalf("%s: %s accuses %v", c.name, name, accused)
				}
			}
		}
		for _, name := range []string{"b", "d"} {
			if accused, around := p.row(name); len(accused) != c.accused || len(around) != c.around {
				t.Errorf("%s: %s accuses %v and reaches %v by way of others, want %d and %d", c.name, name, accused, around, c.accused, c.around)
			}
		}
		p.heal()
		p.run(2 * time.Second)
		if accused, around := p.row("b"); len(accused)+len(around) != 0 {
			t.Errorf("%s: after the heal b accuses %v and reaches %v by way of others", c.name, accused, around)
		}
	}
}

// TestAGapIsNobodyElsesConcern: a link that is silent for too short a time to
// accuse anybody is looked around, and no row tells of it: in a large cluster each
// row goes to all.
func TestAGapIsNobodyElsesConcern(t *testing.T) {
	p := newPump(t, 8)
	p.cluster("a", "b", "c", "d", "e")
	b, d := p.get("b"), p.get("d")
	p.cut("b", "d")
	p.until(Lan().Accuse, "b reaches d by way of others", func() bool { return b.around(b.roster.find(d.self)) })
	p.heal()
	for end := p.now.Add(5 * time.Second); p.now.Before(end); p.run(50 * time.Millisecond) {
		for _, name := range []string{"b", "d"} {
			if _, around := p.row(name); len(around) > 0 {
				t.Fatalf("%s tells that it reaches %v by way of others", name, around)
			}
		}
	}
}

// TestSeeking counts what indirect probes cost: nothing at rest, three questions in
// each of two tries before an accusation.
func TestSeeking(t *testing.T) {
	p := newPump(t, 4)
	p.cluster("a", "b", "c", "d", "e")
	asked := 0
	p.twice = func(m *Message) bool {
		if s, ok := m.Body.(*Seek); ok && m.From == p.get("b").self && s.Asker == m.From {
			asked++
		}
		return false
	}
	p.run(10 * time.Second)
	if asked != 0 {
		t.Errorf("got %d questions at rest, want none", asked)
	}
	p.crash("d")
	p.until(4*time.Second, "b accuses d", func() bool {
		accused, _ := p.row("b")
		return len(accused) == 1
	})
	if asked != seekers*seekTries {
		t.Errorf("got %d questions before the accusation, want %d", asked, seekers*seekTries)
	}
}

// TestCrashIsNotFoundLater: that nobody reaches a crashed node costs no time.
func TestCrashIsNotFoundLater(t *testing.T) {
	took := map[bool]time.Duration{}
	for _, probes := range []bool{true, false} {
		p := newPump(t, 5)
		p.config = func(c *Config) {
			if !probes {
				c.Without = rules.Of(rules.Probes)
			}
		}
		p.cluster("a", "b", "c", "d", "e")
		gone := p.get("d").self
		p.crash("d")
		took[probes] = p.until(6*time.Second, "d is unreachable", func() bool { return !p.get("a").verdict.reachable(gone) })
	}
	if took[true] > took[false] {
		t.Errorf("unreachable after %v with indirect probes, %v without", took[true], took[false])
	}
}

// Interleaving 21, by way of others: a member whose loop stands still is accused
// also by those who reach it only through helpers, though it answers these.
func TestInterleaving21WedgedBehindABrokenLink(t *testing.T) {
	p := newPump(t, 6)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("b", "d")
	p.run(5 * time.Second)
	p.twice = func(m *Message) bool {
		if s, ok := m.Body.(*Sign); ok {
			s.Counter = 1
		}
		return false
	}
	p.until(3*Lan().Accuse, "b accuses d", func() bool {
		accused, _ := p.row("b")
		return len(accused) == 1
	})
}

// TestSignsAreForThoseWhoAsk: what nobody asked for, or asked for long ago,
// changes nothing, and a helper hands on nothing for strangers.
func TestSignsAreForThoseWhoAsk(t *testing.T) {
	p := newPump(t, 7)
	p.cluster("a", "b", "c")
	a, b, c := p.get("a"), p.get("b"), p.get("c")
	stranger := member.Node{Address: "x:1", UID: 1}
	for _, m := range []*Message{
		{From: b.self, Body: &Sign{Subject: c.self, Asker: a.self, Stamp: a.stamp()}}, // c is not sought
		{From: b.self, Body: &Sign{Subject: c.self, Asker: stranger}},
		{From: b.self, Body: &Sign{Subject: b.self, Asker: stranger}},
		{From: b.self, Body: &Seek{Subject: stranger, Asker: b.self}},
		{From: b.self, Body: &Seek{Subject: c.self, Asker: stranger}}, // in the name of another
		{From: stranger, Body: &Seek{Subject: c.self, Asker: stranger}},
		{From: stranger, Body: &Sign{Subject: stranger, Asker: b.self}},
	} {
		m.To, m.Identity = a.self, a.id
		_ = a.Step(p.now, m)
		if rd := a.Ready(); len(rd.Messages) != 0 {
			t.Errorf("%T %+v: got %d messages, want none", m.Body, m.Body, len(rd.Messages))
		}
		if a.roster.find(c.self).detour != nil {
			t.Errorf("%T %+v was taken", m.Body, m.Body)
		}
	}
}
