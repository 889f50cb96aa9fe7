package seedjoin

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// An island is another cluster of the same name: a cut and restarts have made
// two of one. Each side's stewards invite the seeds that its members do not
// hold, so as soon as the cut is healed the sides hear of one another.
//
// Healing means that one side ends and its members join the other, which costs
// what they had in memory. So it must be clear which side that is, and that
// nearly all of it can get across (finding 25). ClusterIDs are ordered by time
// and never change: the larger, later one yields. Its stewards count who was
// answered by the island; a member that was tells them by Reached, and they ask
// those that were not, a few at a time, to Look. When a majority of the voters
// has reached the island, and none of those holds durable data, and the island has said for 2·T_found
// that it may act, a steward tells everybody, and all leave for the other side. Whoever does not hear of it is
// left without a quorum and learns the rest by S5.
//
// A member without a lease is of a side that does nothing any more. It yields
// alone, whatever the IDs, once it has been without for T_found: not at once,
// since a blip that costs everybody the lease passes.
//
// Two branches of one cluster exist because an operator's recovery made the
// second; which of them is right, only an operator knows, unless one of them
// has no lease.

// island is the other cluster that this machine knows of; of several the one
// with the lowest identity, to which all others would yield.
type island struct {
	other member.Identity // zero = none is known
	at    member.Node     // a member of it that may act
	size  uint32          // how many members it has
	seen  time.Time       // the last sign of it
	acts  time.Time       // its members say since then that they may act; zero = they do not
	acted time.Time       // when one last said so

	told     time.Time            // when the last Island went out
	reported time.Time            // when the stewards were last told
	reached  map[member.Node]bool // stewards: voters that it has answered; true = they hold durable data
	next     time.Time            // stewards: the next round of questions
	place    int                  // where in the list of voters that begins
	leave    time.Time            // this node has told everybody that it yields, and follows then
	gone     bool                 // it has yielded
}

// lookers is how many voters a steward asks in one round: what healing costs a
// steward does not depend on the size of the cluster.
const lookers = 16

// stewards is how many members count who has reached an island.
const stewards = 3

func (m *Machine) size() uint32 { return uint32(m.standing.Members.Len()) }

// sight takes a sign of a member of some cluster.
func (m *Machine) sight(from member.Node, other member.Identity, lease bool, size uint32) {
	if !m.joined() || other.IsZero() || other == m.standing.Identity || m.island.gone {
		return
	}
	if !m.discover(other) {
		return
	}
	m.island.seen = m.now
	m.island.size = size
	m.island.acting(lease, m.now, m.cfg.Found)
	if lease {
		m.island.at = from
		m.report()
	}
	m.tellIsland(from)
}

// acting notes whether a member of the island says that it may act. One that
// does not makes the island unfit for a while: others of it may not have noticed
// yet that their quorum is gone.
func (i *island) acting(lease bool, now time.Time, fresh time.Duration) {
	switch {
	case !lease:
		i.acts = time.Time{}
		return
	case i.acts.IsZero() || now.Sub(i.acted) > fresh:
		i.acts = now
	}
	i.acted = now
}

// lasts reports whether the island is known to act for so long that its lease
// is no leftover: two times T_found, which is more than any lease runs.
func (m *Machine) lasts() bool {
	i := &m.island
	return !i.acts.IsZero() && m.now.Sub(i.acted) <= m.cfg.Found && i.acted.Sub(i.acts) >= 2*m.cfg.Found
}

// discover turns to an island, unless one is known that goes before.
func (m *Machine) discover(other member.Identity) bool {
	i := &m.island
	if i.other == other {
		if m.now.Sub(i.seen) > m.cfg.GiveUp {
			i.reached = map[member.Node]bool{} // who reached it so long ago may not any more
		}
		return true
	}
	if !i.other.IsZero() && m.now.Sub(i.seen) <= m.cfg.GiveUp && before(i.other, other) {
		return false
	}
	*i = island{other: other, seen: m.now, next: m.now, reached: map[member.Node]bool{}}
	return true
}

// before orders identities: by the time of founding, then by branch.
func before(a, b member.Identity) bool {
	if o := bytes.Compare(a.Cluster[:], b.Cluster[:]); o != 0 {
		return o < 0
	}
	return a.Branch < b.Branch
}

// tellIsland tells the operator, not at every sign.
func (m *Machine) tellIsland(by member.Node) {
	i := &m.island
	if !i.told.IsZero() && m.now.Sub(i.told) < tellEvery {
		return
	}
	i.told = m.now
	m.emit(Island{By: by, Other: i.other, Size: int(i.size), Own: m.standing.Members.Len(), Plan: m.plan()})
}

// plan says what will come of the island.
func (m *Machine) plan() string {
	switch {
	case m.cfg.ReportOnly:
		return "healing is left to you: tell one side to yield"
	case m.yieldsAlone():
		return "this side has no quorum and yields"
	case m.standing.Identity.Cluster == m.island.other.Cluster:
		return "both are branches of one cluster: tell one of them to yield"
	case !m.later():
		return "the other side is the later one and is to yield"
	case m.cfg.Durable || m.anyDurable():
		return "this side is the later one, and holds durable data: tell one of the two to yield"
	}
	return fmt.Sprintf("this side is the later one, and yields when a majority of it has reached the other: %d of %d by now",
		len(m.island.reached), m.standing.Voters.Len())
}

// later reports whether this cluster was founded after the other.
func (m *Machine) later() bool {
	return bytes.Compare(m.standing.Identity.Cluster[:], m.island.other.Cluster[:]) > 0
}

// yieldsAlone reports whether this member has been without a lease for so long
// that it may leave its cluster for one that acts.
func (m *Machine) yieldsAlone() bool {
	return !m.standing.Lease && !m.memory.since.IsZero() && m.now.Sub(m.memory.since) >= m.cfg.Found &&
		m.island.at.UID != 0 && !m.cfg.Durable && m.lasts()
}

func (m *Machine) anyDurable() bool {
	for _, durable := range m.island.reached { // order: one true is enough, whichever
		if durable {
			return true
		}
	}
	return false
}

// report tells the stewards that the island has answered this member.
func (m *Machine) report() {
	i := &m.island
	if m.cfg.ReportOnly || !m.later() {
		return
	}
	if _, voter := m.voter(m.cfg.Self.Address); voter {
		i.reached[m.cfg.Self] = m.cfg.Durable
	}
	if m.now.Sub(i.reported) < m.cfg.Found/3 {
		return
	}
	i.reported = m.now
	told := 0
	for v := range m.standing.Voters.All() {
		if told >= stewards {
			return
		}
		told++
		if v != m.cfg.Self {
			m.send(v, Reached{Own: m.standing.Identity, Other: i.other, At: i.at, Size: i.size, Durable: m.cfg.Durable})
		}
	}
}

// kin reports whether a word about islands comes from this cluster.
func (m *Machine) kin(from member.Node, own, other member.Identity) bool {
	return m.joined() && !m.island.gone && own == m.standing.Identity && !other.IsZero() && other != own &&
		m.lists(from)
}

// onLook sees whether the island answers this member, too. What comes of it,
// sight tells.
func (m *Machine) onLook(from member.Node, l Look) {
	if m.kin(from, l.Own, l.Other) && l.At.Address != "" && m.discover(l.Other) {
		m.probe(l.At.Address)
	}
}

// onReached counts a voter that the island has answered.
func (m *Machine) onReached(from member.Node, r Reached) {
	if !m.kin(from, r.Own, r.Other) || r.At.UID == 0 || !m.discover(r.Other) {
		return
	}
	i := &m.island
	if v, ok := m.voter(from.Address); ok && v == from {
		i.reached[from] = r.Durable
	}
	i.seen = m.now
	if i.at.UID == 0 {
		i.at, i.size = r.At, r.Size // heal asks it, too
	}
	m.tellIsland(r.At)
}

// onYielding follows the own cluster.
func (m *Machine) onYielding(from member.Node, y Yielding) {
	if !m.kin(from, y.Own, y.Other) || y.At.Address == "" {
		return
	}
	if y.Asked || !m.cfg.ReportOnly && !m.cfg.Durable {
		m.yield(y.Other, y.At)
	}
}

// yieldOnWord does what an operator asks for.
func (m *Machine) yieldOnWord() {
	if m.joined() && m.island.at.UID != 0 {
		m.tellAllToYield(true)
	}
}

// heal does what is due about an island.
func (m *Machine) heal() {
	i := &m.island
	switch {
	case i.other.IsZero() || i.gone || !m.joined():
	case !i.leave.IsZero():
		if !m.now.Before(i.leave) {
			m.yield(i.other, i.at)
		}
	case m.cfg.ReportOnly || m.now.Before(i.next):
	case m.yieldsAlone():
		m.yield(i.other, i.at)
	default:
		i.next = m.now.Add(m.jitter(m.cfg.Found / 3))
		if i.at.UID != 0 && m.now.Sub(i.seen) <= m.cfg.GiveUp && (m.later() || !m.standing.Lease) {
			m.probe(i.at.Address) // does it still act?
		}
		m.lookRound()
	}
}

// healAt is when heal is due; zero = not before the next sign.
func (m *Machine) healAt() time.Time {
	i := &m.island
	switch {
	case i.other.IsZero() || i.gone || !m.joined():
		return time.Time{}
	case !i.leave.IsZero():
		return i.leave
	case m.cfg.ReportOnly || m.now.Sub(i.seen) > m.cfg.GiveUp:
		return time.Time{}
	}
	return i.next
}

// lookRound is a steward's: it asks some of those that have not reached the
// island, or finds that enough have.
func (m *Machine) lookRound() {
	i := &m.island
	if !m.standing.Steward || !m.mayAdmit() || !m.later() || i.at.UID == 0 || m.now.Sub(i.seen) > m.cfg.GiveUp {
		return
	}
	m.forgetReached()
	switch {
	case m.cfg.Durable || m.anyDurable():
		return
	case 2*len(i.reached) > m.standing.Voters.Len() && m.lasts():
		m.tellAllToYield(false)
		return
	}
	asked := 0
	voters := slices.Collect(m.standing.Voters.All())
	for range voters {
		i.place %= len(voters)
		v := voters[i.place]
		i.place++
		if _, reached := i.reached[v]; reached {
			continue
		}
		if v != m.cfg.Self { // this one asks anyway
			m.send(v, Look{Own: m.standing.Identity, Other: i.other, At: i.at})
		}
		if asked++; asked >= lookers {
			return
		}
	}
}

// forgetReached drops those that are no longer voters.
func (m *Machine) forgetReached() {
	kept := map[member.Node]bool{}
	for v := range m.standing.Voters.All() {
		if durable, ok := m.island.reached[v]; ok {
			kept[v] = durable
		}
	}
	m.island.reached = kept
}

// tellAllToYield has the whole cluster end. This node follows a moment later, so
// that its words can leave it.
func (m *Machine) tellAllToYield(asked bool) {
	for n := range m.standing.Members.All() {
		if n != m.cfg.Self {
			m.send(n, Yielding{Own: m.standing.Identity, Other: m.island.other, At: m.island.at, Asked: asked})
		}
	}
	m.island.leave = m.now.Add(m.cfg.Found / 3)
}

// yield ends this incarnation in favour of another cluster.
func (m *Machine) yield(to member.Identity, by member.Node) {
	m.island.gone = true
	m.emit(Yielded{From: m.standing.Identity, To: to, By: by})
}

// leaveIsland forgets the island when this process has come into a cluster, or
// out of one.
func (m *Machine) leaveIsland(moved bool) {
	if moved {
		m.island = island{}
	}
}
