package sim

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/race"
)

var newsNodes = flag.Int("news", 60, "how many nodes TestNewsThatTheTreeLost has")

// TestNewsThatTheTreeLost: half of a cluster is cut off when a member says
// something new of itself. What the tree could not bring to the other half in
// its three tries, anti-entropy does, although a node at rest compares what it
// knows with its neighbours on the ring only: all know it a few rounds after the
// cut heals. So it is where a tenth of the members has just crashed, and with a
// tenth of all packets lost.
//
//	go test ./clusterd/sim -run TestNewsThatTheTreeLost -v -news 1000
func TestNewsThatTheTreeLost(t *testing.T) {
	race.SkipPure(t)
	for _, fault := range []struct {
		name  string
		bring func(s *Sim, ids []int)
	}{
		{"nothing else", func(*Sim, []int) {}},
		{"a tenth crashed", func(s *Sim, ids []int) {
			for i := 5; i < len(ids); i += 10 {
				s.Crash(ids[i])
			}
		}},
		{"a tenth lost", func(s *Sim, _ []int) {
			s.SetLinks(Link{Min: time.Millisecond, Max: 5 * time.Millisecond, Loss: 0.1})
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			s := grove(t, Config{Seed: 1, Link: Link{Min: time.Millisecond, Max: 5 * time.Millisecond}}, *newsNodes)
			s.Run(30 * time.Second)
			var ids []int
			for id := range *newsNodes {
				ids = append(ids, id+1)
			}
			half := len(ids) / 2
			s.Cut(ids[:half], ids[half:])
			if err := s.step(s.node(1), core.Describe{Info: member.Info{Version: "2"}}); err != nil {
				t.Fatal(err)
			}
			s.Run(2 * time.Second)
			fault.bring(s, ids)
			s.Heal()
			lack := s.lacking(1, "2")
			took := time.Duration(0)
			for left := lack; left > 0 && took < time.Minute; left = s.lacking(1, "2") {
				s.Run(50 * time.Millisecond)
				took += 50 * time.Millisecond
			}
			if err := s.Err(); err != nil {
				t.Fatal(err)
			}
			if left := s.lacking(1, "2"); left > 0 {
				t.Errorf("%d nodes do not know after %v", left, took)
			}
			t.Logf("%d of %d nodes did not know it when the cut healed; all did %v later", lack, len(ids), took)
		})
	}
}

// lacking returns how many of those that run do not know that this member has
// this version.
func (s *Sim) lacking(id int, version string) (count int) {
	for _, n := range s.live(nil) {
		snap := n.machine.Snapshot()
		if !slices.ContainsFunc(snap.Members, func(m engine.Member) bool {
			return m.Address == Address(id) && m.Info.Version == version
		}) {
			count++
		}
	}
	return count
}
