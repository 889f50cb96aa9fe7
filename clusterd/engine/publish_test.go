package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// follow is what a subscriber holds who got the empty snapshot and then every
// event.
func follow(events []Event) Snapshot {
	var s Snapshot
	at := func(n member.Node) int {
		return slices.IndexFunc(s.Members, func(m Member) bool { return m.Node == n })
	}
	for _, e := range events {
		switch e := e.(type) {
		case MemberChanged:
			i := at(e.Member.Node)
			switch {
			case e.Member.Status == member.Removed:
				s.Members = slices.Delete(s.Members, i, i+1)
			case i < 0:
				s.Members = append(s.Members, e.Member)
			default:
				s.Members[i] = e.Member
			}
		case InfoChanged:
			s.Members[at(e.Member.Node)].Info = e.Member.Info
		case ReachabilityChanged:
			s.Members[at(e.Member.Node)].Reachable = e.Member.Reachable
		case LeaderChanged:
			s.Leader = e.Leader
		case RoleLeaderChanged:
			s.RoleLeaders = slices.DeleteFunc(s.RoleLeaders, func(l RoleLeader) bool { return l.Role == e.Role })
			if e.Leader != "" {
				s.RoleLeaders = append(s.RoleLeaders, RoleLeader(e))
			}
		case ClusterShutdown:
			s.Shutdown = true
		}
	}
	slices.SortFunc(s.Members, func(a, b Member) int { return a.Node.Compare(b.Node) })
	slices.SortFunc(s.RoleLeaders, func(a, b RoleLeader) int { return member.CompareAddress(a.Role, b.Role) })
	return s
}

// TestEventsAreTheDiffOfSnapshots: whoever follows the events in their order
// holds what a snapshot shows.
func TestEventsAreTheDiffOfSnapshots(t *testing.T) {
	race.SkipPure(t)
	followed := 0
	for seed := range uint64(12) {
		p := rampage(t, 500+seed)
		for _, b := range p.nodes {
			if b.removed || b.id.IsZero() {
				continue
			}
			followed++
			got, want := follow(b.events), b.Snapshot()
			if g, w := fmt.Sprintf("%+v %v %v", got.Members, got.Leader, got.RoleLeaders),
				fmt.Sprintf("%+v %v %v", want.Members, want.Leader, want.RoleLeaders); g != w {
				t.Errorf("seed %d, %s: got by events\n%s\nwant as in the snapshot\n%s", seed, b.name, g, w)
			}
		}
	}
	if followed < 12 {
		t.Errorf("got %d nodes that lived, want more to look at", followed)
	}
}
