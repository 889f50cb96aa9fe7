package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// A static quorum of 2 holds for 3 members: interleaving 24.
func TestNobodyIsLetInBeyondTheLimit(t *testing.T) {
	p := newPump(t, 45)
	p.config = func(c *Config) { c.Downing = downing.StaticQuorum{Size: 2} }
	p.found("a")
	p.join("b", "a")
	p.wantUp(5*time.Second, "a", "b")

	// Two members let somebody in at the same moment: only one becomes Up.
	p.join("c", "a")
	p.join("d", "b")
	p.run(10 * time.Second)
	up := 0
	for _, who := range []string{"c", "d"} {
		switch got := p.status("a", who); got {
		case member.Up:
			up++
		case member.Joining, member.WeaklyUp:
		default:
			t.Errorf("got %s %v, want it up, or joining while there is no room", who, got)
		}
	}
	if up != 1 {
		t.Errorf("got %d of two joiners up beside two members, want 1", up)
	}
	if v := p.get("a").views.decided; v.Voters() != 3 {
		t.Errorf("got %d voters, want 3", v.Voters())
	}

	// From then on everybody is refused, with the limit.
	e := member.Node{Address: "e:1", UID: 1}
	var full *LimitError
	if err := p.get("a").Step(p.now, Admit{Node: e}); !errors.As(err, &full) || full.Limit != 3 {
		t.Errorf("got %v, want a limit of 3", err)
	}
}
