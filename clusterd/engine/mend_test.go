package engine

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// TestBrokenLinkCostsTheYounger: a link between two members that stays broken
// ends with the removal of the younger one, not before Timing.Mend and soon after.
func TestBrokenLinkCostsTheYounger(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  func(p *pump)
		want []string
		s    downing.Strategy
	}{
		{"one link", func(p *pump) { p.cut("b", "d") }, []string{"a", "b", "c", "e"}, nil},
		{"one direction of it", func(p *pump) { p.cutOneWay("d", "b") }, []string{"a", "b", "c", "e"}, nil},
		{"a star: its centre goes", func(p *pump) { p.cut("b", "cde") }, []string{"a", "c", "d", "e"}, nil},
		{"a star: the leader", func(p *pump) { p.cut("a", "bcd") }, []string{"b", "c", "d", "e"}, nil},
		{"two sides, and one that both reach", func(p *pump) { p.cut("ab", "de") }, []string{"a", "b", "c"}, nil},
		{"the younger one is the referee", func(p *pump) { p.cut("b", "d") }, []string{"a", "c", "d", "e"}, downing.KeepReferee{Address: "d:1"}},
		{"nobody can be spared", func(p *pump) { p.cut("b", "d") }, []string{"a", "b", "c", "d", "e"}, downing.DownAll{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPump(t, 8)
			p.config = func(cfg *Config) { cfg.Downing = c.s }
			p.cluster("a", "b", "c", "d", "e")
			c.cut(p)
			p.run(Lan().Mend)
			if !p.up("a", "b", "c", "d", "e") {
				t.Fatalf("somebody went before the link could mend:\n%s", p.state())
			}
			p.wantUp(8*time.Second, c.want...)
			p.run(30 * time.Second)
			if !p.up(c.want...) {
				t.Errorf("the rest did not stay:\n%s", p.state())
			}
		})
	}
}

// TestFlappingLinkCostsNobody: a link that works now and then is not broken.
func TestFlappingLinkCostsNobody(t *testing.T) {
	p := newPump(t, 9)
	p.cluster("a", "b", "c", "d", "e")
	for range 8 {
		p.cut("b", "d")
		p.run(Lan().Mend / 2)
		p.heal()
		p.run(time.Second)
	}
	if !p.up("a", "b", "c", "d", "e") {
		t.Errorf("a flapping link changed the cluster:\n%s", p.state())
	}
}

// TestReturnsWithWholeLinksOnly: whoever was removed for a broken link is not let
// in again before that works: it would be removed for it over and over.
func TestReturnsWithWholeLinksOnly(t *testing.T) {
	p := newPump(t, 10)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("b", "d")
	p.run(Lan().Mend)
	p.wantUp(8*time.Second, "a", "b", "c", "e")
	p.crash("d")
	p.join("d", "a")
	p.run(time.Minute)
	d := p.get("d").self
	for _, m := range p.get("a").Snapshot().Members {
		if m.Node == d && m.Status != member.Joining {
			t.Errorf("d is %v with a broken link, want joining", m.Status)
		}
	}
	p.heal()
	p.wantUp(5*time.Second, "a", "b", "c", "d", "e")
}
