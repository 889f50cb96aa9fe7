package sim

import (
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Invariants lists every check by name, with what it holds. The names I2 to I6
// are those of the protocol page.
func Invariants() []member.Pair {
	return []member.Pair{
		{Key: "I1", Value: "at most one process can begin a message of a hosted name"},
		{Key: "I3", Value: "when a removal is active the removed holds no lease, ever"},
		{Key: "I2", Value: "one decided content per (branch, number), and active views form a chain"},
		{Key: "I4", Value: "only a decided view adds or removes voters"},
		{Key: "I5", Value: "one record per address, and UIDs only grow"},
		{Key: "I6", Value: "an upNumber never changes"},
		{Key: "active", Value: "a view is active only when all its voters have acknowledged it"},
		{Key: "shown", Value: "users are shown the members of the active view, with the statuses that they have there"},
		{Key: "I8", Value: "a quorum that is connected gets all its live nodes up and converged in time"},
		{Key: "one", Value: "nobody founds a second cluster beside one that lives and can answer"},
		{Key: "status", Value: "the status of a UID only moves forward"},
		{Key: "removed", Value: "a removed UID never returns"},
		{Key: "sorted", Value: "members are listed by address, and removed ones are not listed"},
		{Key: "healthy", Value: "nobody is removed who was neither crashed, cut, frozen, downed nor leaving"},
		{Key: "island", Value: "two clusters that live side by side by rights tell of each other"},
		{Key: "calm", Value: "in the end every live node is up and converged, in one cluster with one leader"},
		{Key: "step", Value: "a refused packet leaves nothing to do"},
		{Key: "sealed", Value: "nobody writes to a packet after it was sent"},
		{Key: "wake", Value: "time passes: nobody asks for a Tick at the same moment for ever"},
		{Key: "start", Value: "a good configuration is accepted"},
	}
}

// history is what one incarnation has shown so far.
type history struct {
	count uint64 // of its machine's changes when it was last looked at
	last  engine.Snapshot
	known map[string]sighting // by address
	holds engine.Inspection

	expelled member.Identity // the cluster that is known to have removed it; zero = none
}

// sighting is the newest that an incarnation knew of an address.
type sighting struct {
	uid    uint64
	status member.Status
}

// check holds every invariant against node n, whom the last event changed.
func (s *Sim) check(n *node) {
	count := n.machine.Changes()
	if count == n.seen.count && count != 0 {
		s.checkLeases(n, false)
		return
	}
	n.seen.count = count
	changed := false
	if now := n.machine.InspectViews(); moved(&now, &n.seen.holds) {
		s.checkViews(n, &now)
		n.seen.holds = now
		changed = true
	}
	s.checkLeases(n, changed)
	if !s.watches(n) {
		return
	}
	if snap := n.machine.Snapshot(); !same(&snap, &n.seen.last) {
		s.checkSnapshot(n, &snap)
		s.see(Sight{Node: n.id, Snapshot: snap})
	}
}

// watches reports whether what n shows its user is looked at member by member.
func (s *Sim) watches(n *node) bool { return s.cfg.Watch == 0 || n.id%s.cfg.Watch == 0 }

// moved reports whether a machine holds other views than before.
func moved(now, before *engine.Inspection) bool {
	return now.Acked != before.Acked || now.Decided != before.Decided || now.Active != before.Active
}

// same reports whether nothing can have changed between two snapshots of one
// machine: they are immutable, so one slice means one content.
func same(a, b *engine.Snapshot) bool {
	if a.Identity != b.Identity || a.Leader != b.Leader || a.Converged != b.Converged || a.View != b.View ||
		len(a.Members) != len(b.Members) {
		return false
	}
	return len(a.Members) == 0 || &a.Members[0] == &b.Members[0]
}

// checkSnapshot looks at what the node shows its user.
func (s *Sim) checkSnapshot(n *node, snap *engine.Snapshot) {
	h := &n.seen
	if h.known == nil {
		h.known = map[string]sighting{}
	}
	for i := range snap.Members {
		m := &snap.Members[i]
		if i > 0 {
			s.checkOrder(n, snap.Members[i-1].Node, m.Node)
		}
		s.checkMember(n, snap, m)
	}
	h.markGone(h.last.Members, snap.Members)
	h.last = *snap
	s.checkVoters(n, snap)
}

// markGone notes as removed who was listed before and is not any more. Both
// lists are sorted by address.
func (h *history) markGone(before, now []engine.Member) {
	for i := range before {
		old := &before[i]
		for len(now) > 0 && member.CompareAddress(now[0].Address, old.Address) < 0 {
			now = now[1:]
		}
		if len(now) == 0 || now[0].Address != old.Address {
			h.known[old.Address] = sighting{uid: old.UID, status: member.Removed}
		}
	}
}

func (s *Sim) checkOrder(n *node, a, b member.Node) {
	switch c := member.CompareAddress(a.Address, b.Address); {
	case c == 0:
		s.fail("I5", "%s lists %v beside %v", name(n.id), a, b)
	case c > 0:
		s.fail("sorted", "%s lists %v before %v", name(n.id), a, b)
	}
}

// checkMember compares one row with what the same node has shown of that
// address before, and with what anybody has shown of that UID.
func (s *Sim) checkMember(n *node, snap *engine.Snapshot, m *engine.Member) {
	old, ok := n.seen.known[m.Address]
	switch {
	case m.Status == member.Removed:
		s.fail("sorted", "%s lists %v, which is removed", name(n.id), m.Node)
	case ok && m.UID < old.uid:
		s.fail("I5", "%s goes back from UID %x of %s to %x", name(n.id), old.uid, m.Address, m.UID)
	case ok && m.UID == old.uid && old.status == member.Removed:
		s.fail("removed", "%s lists %v again", name(n.id), m.Node)
	case ok && m.UID == old.uid && m.Status < old.status:
		s.fail("status", "%s moves %v back from %v to %v", name(n.id), m.Node, old.status, m.Status)
	}
	n.seen.known[m.Address] = sighting{uid: m.UID, status: m.Status}
	s.checkUpNumber(n, snap.Identity, m.Node, m.UpNumber)
}

// checkUpNumber holds I6 over all nodes of one cluster.
func (s *Sim) checkUpNumber(n *node, id member.Identity, who member.Node, number uint64) {
	if number == 0 {
		return
	}
	key := incarnation{id, who}
	if old, ok := s.law.upNumbers[key]; ok && old != number {
		s.fail("I6", "%s gives %v upNumber %d, which was %d", name(n.id), who, number, old)
	}
	s.law.upNumbers[key] = number
}
