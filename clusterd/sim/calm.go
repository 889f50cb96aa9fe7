package sim

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Calm holds what must be true once the network has been quiet for a while:
// the nodes ids, or all that run if none are named, are up and converged in
// one cluster of just them, with one leader. It returns the failure, if any,
// and from now on nobody has an excuse to be removed.
func (s *Sim) Calm(ids ...int) error {
	if what := s.amiss(ids...); what != "" {
		s.fail("calm", "%s", what)
		return s.Err()
	}
	if len(s.cuts) == 0 {
		for _, n := range s.nodes[1:] {
			n.disturbed = n.frozen
		}
	}
	return s.Err()
}

// Finish is [Sim.Settle] and [Sim.Calm] for a world in which anything may have
// happened. I8 promises calm only where the network is whole, where the newest
// decided view still has a quorum of its voters or S5 ends what is left of it,
// and where there is somebody to found or to ask and as many are there as was
// configured. Where two clusters exist for a reason they need not become one, but
// then they must have told of each other: see [Sim.checkTold].
func (s *Sim) Finish(d time.Duration) error {
	if s.Settle(d) {
		return s.Calm()
	}
	switch {
	case s.err != nil || !s.promised():
	case !s.islands && len(s.law.closing) == 0 || !s.sideBySide(): // who did not hear of a shutdown may be left in what it ended
		s.fail("I8", "after %v: %s", d, s.amiss())
	default:
		s.checkTold(s.now - d)
	}
	return s.Err()
}

// promised reports whether the rules promise calm.
func (s *Sim) promised() bool {
	if s.frozen() || len(s.cuts) > 0 || s.cfg.Link.bad() || s.stuck() && !s.lives() || len(s.live(nil)) < s.cfg.MinMembers {
		return false
	}
	for id := range s.law.chains { // order: any one decides
		if s.alive(id) {
			return slices.ContainsFunc(s.seeds, func(a string) bool { return s.node(idOf(a)).running() })
		}
	}
	return len(s.seeds) > 0 && s.node(idOf(s.seeds[0])).running()
}

// clusters returns those that anybody who runs is in, sorted.
func (s *Sim) clusters() []member.Identity {
	var list []member.Identity
	for _, n := range s.live(nil) {
		if id := n.seen.holds.Identity; !id.IsZero() && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, func(a, b member.Identity) int {
		return cmp.Or(bytes.Compare(a.Cluster[:], b.Cluster[:]), cmp.Compare(a.Branch, b.Branch))
	})
	return list
}

// sideBySide reports whether clusters may stay beside each other: they only tell
// of each other when they were configured so, and of two branches that live nobody
// but an operator knows the right one. All others heal (finding 25), and who is
// left behind without a quorum yields alone.
func (s *Sim) sideBySide() bool {
	list := s.clusters()
	if len(list) < 2 || s.cfg.ReportIslands {
		return len(list) >= 2
	}
	list = slices.DeleteFunc(list, func(id member.Identity) bool { return !s.alive(id) })
	for i := 1; i < len(list); i++ {
		if list[i].Cluster == list[i-1].Cluster {
			return true
		}
	}
	return false
}

// checkTold holds that each cluster beside another has told of one, or been told of
// by one, since then. Of several others a node tells of the oldest only.
func (s *Sim) checkTold(since time.Duration) {
	list := s.clusters()
	for _, id := range list {
		told := slices.ContainsFunc(list, func(other member.Identity) bool {
			return s.law.told[[2]member.Identity{id, other}] > since || s.law.told[[2]member.Identity{other, id}] > since
		})
		if !told {
			s.fail("island", "cluster %s branch %d and another are side by side, and nobody tells", id.Cluster, id.Branch)
		}
	}
}

// lives reports whether any cluster has a quorum.
func (s *Sim) lives() bool { return slices.ContainsFunc(s.clusters(), s.alive) }

func (s *Sim) frozen() bool {
	return slices.ContainsFunc(s.nodes[1:], func(n *node) bool { return n.frozen })
}

// stuck reports whether somebody is in a cluster that has no quorum left, and
// has no way to find that out: too few of its last view's addresses answer.
func (s *Sim) stuck() bool {
	for _, n := range s.live(nil) {
		last := n.seen.holds.Decided
		if last == nil || s.alive(n.seen.holds.Identity) {
			continue
		}
		answers, voters := 0, 0
		for _, m := range last.Members {
			if m.Status.Votes() {
				voters++
				if s.node(idOf(m.Address)).running() {
					answers++
				}
			}
		}
		if 2*answers <= voters {
			return true
		}
	}
	return false
}

// alive reports whether a quorum of a cluster's newest decided view runs. A view
// that only the dead knew to be decided does not count: those who acknowledged
// it cannot know, and need a quorum of the view before it.
func (s *Sim) alive(id member.Identity) bool {
	var newest *member.View
	for _, n := range s.live(nil) {
		if h := &n.seen.holds; h.Identity == id && h.Decided != nil && (newest == nil || h.Decided.Number > newest.Number) {
			newest = h.Decided
		}
	}
	return newest != nil && s.quorum(newest, func(who member.Node) bool {
		n := s.node(idOf(who.Address))
		return n.running() && !n.frozen && n.self == who
	})
}

// Amiss returns what is not calm, as [Sim.Calm] checks it, "" if all is.
func (s *Sim) Amiss() string { return plain(s.amiss()) }

// amiss returns what is not calm, "" if all is. What a node lists is looked at
// member by member, unless it follows from what was looked at before: nodes that
// hold the same facts and the same view, and find everybody reachable, list the
// same.
func (s *Sim) amiss(ids ...int) string {
	live := s.live(ids)
	if len(live) == 0 {
		return ""
	}
	first := live[0].machine.Outline()
	for _, n := range live {
		snap := n.machine.Outline()
		if what := s.amissAt(n, &snap, &first, live); what != "" {
			return what
		}
	}
	good := map[uint64]bool{}
	for _, n := range live {
		held := n.machine.InspectViews()
		if held.Facts != 0 && held.Unreachable == 0 && good[held.Facts] {
			continue
		}
		if what := s.amissMembers(n, n.machine.Snapshot().Members, live); what != "" {
			return what
		}
		good[held.Facts] = true
	}
	return ""
}

// live returns those of ids that run, all that run if ids is empty.
func (s *Sim) live(ids []int) []*node {
	var live []*node
	for _, n := range s.nodes[1:] {
		if n.running() && (len(ids) == 0 || slices.Contains(ids, n.id)) {
			live = append(live, n)
		}
	}
	return live
}

// amissAt returns what is wrong with what n shows beside its members, where it
// must agree with first, the snapshot of another node.
func (s *Sim) amissAt(n *node, snap, first *engine.Snapshot, live []*node) string {
	switch {
	case snap.Identity.IsZero():
		return fmt.Sprintf("%s has not joined", name(n.id))
	case snap.Identity != first.Identity:
		return fmt.Sprintf("%s is in another cluster than %s", name(n.id), name(live[0].id))
	case !snap.Converged:
		return fmt.Sprintf("%s has not converged", name(n.id))
	case snap.View != first.View:
		return fmt.Sprintf("%s is at view %d, %s at %d", name(n.id), snap.View, name(live[0].id), first.View)
	case snap.Leader == "" || snap.Leader != first.Leader:
		return fmt.Sprintf("%s has leader %q, %s has %q", name(n.id), snap.Leader, name(live[0].id), first.Leader)
	}
	return ""
}

// amissMembers compares the members that n lists with the nodes that live.
func (s *Sim) amissMembers(n *node, members []engine.Member, live []*node) string {
	for i := range members {
		m := &members[i]
		switch id := idOf(m.Address); {
		case id == 0 || !s.node(id).running() || s.node(id).self != m.Node || !contains(live, id):
			return fmt.Sprintf("%s lists %v (%v), which is gone", name(n.id), m.Node, m.Status)
		case m.Status != member.Up:
			return fmt.Sprintf("%s has %v as %v", name(n.id), m.Node, m.Status)
		case !m.Reachable:
			return fmt.Sprintf("%s has %v as unreachable", name(n.id), m.Node)
		}
	}
	if len(members) != len(live) {
		return fmt.Sprintf("%s lists %d members of %d", name(n.id), len(members), len(live))
	}
	return ""
}

// contains reports whether node id is in a list that is sorted by id.
func contains(list []*node, id int) bool {
	_, ok := slices.BinarySearchFunc(list, id, func(n *node, id int) int { return n.id - id })
	return ok
}
