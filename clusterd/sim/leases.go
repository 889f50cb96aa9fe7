package sim

import (
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// The two invariants on leases are checked as a process would break them: it
// looks at its lease and its own clock, and begins a message of what it hosts.
//
// I3 is about the protocol alone. Once anybody knows a view to be active, whom
// it or a view before it removed must find no valid lease in its hands, be it
// frozen, late or cut off, and whatever it has not heard yet.
//
// I1 adds hosted names in the simplest way that the placement rules allow: a
// name belongs to the highest-scoring voter of the active view. Its holder hands
// it on when its own active view gives it to another; if the holder is removed
// in a view that the next owner knows to be active, the next owner takes it, as
// the leader would issue its token again. A name may have several claimants but
// never two with a valid lease.

// names is how many hosted names each cluster has.
const names = 3

// claim is a process that holds a name, or held it and does not know yet that it
// was taken away.
type claim struct {
	who   member.Node
	taken bool // another one holds the name now
}

// checkLeases holds I1 and I3 after an event at n.
func (s *Sim) checkLeases(n *node, moved bool) {
	id := n.seen.holds.Identity
	if id.IsZero() {
		return
	}
	if moved {
		s.expel(n, id)
		s.place(n, id)
	}
	if n.seen.expelled == id {
		s.checkExpelled(n)
	}
	claims := s.law.claims[id]
	if claims == nil {
		return
	}
	for i, list := range claims {
		if len(list) > 1 {
			s.checkClaims(id, i, list)
		}
	}
}

// lease returns whether n could begin a message now.
func (s *Sim) lease(n *node) bool {
	if s.cfg.Without.Has(rules.L5Clock) {
		return n.running() && n.machine.Lease().View != 0
	}
	return n.running() && n.machine.Lease().Valid(s.clock(n))
}

// expel notes whom the views up to the one that n knows to be active removed.
func (s *Sim) expel(n *node, id member.Identity) {
	active := n.seen.holds.Active
	if active == nil || active.Number <= s.law.activeAt[id] {
		return
	}
	s.law.activeAt[id] = active.Number
	for who, number := range s.law.removed { // order: each is looked at by itself, and a failure ends the run
		if _, known := s.law.expelled[who]; known || who.id != id || number > active.Number {
			continue
		}
		s.law.expelled[who] = n.id
		at := s.node(idOf(who.who.Address))
		if at.self != who.who {
			continue
		}
		if here := at.seen.holds.Identity == id; here || at.seen.expelled.IsZero() {
			at.seen.expelled = id
			if here { // whom a recovery left behind may live on in the former branch
				s.checkExpelled(at)
			}
		}
	}
}

func (s *Sim) checkExpelled(n *node) {
	if s.lease(n) {
		by := s.law.expelled[incarnation{n.seen.holds.Identity, n.self}]
		s.fail("I3", "%s knows the removal of %s to be active, whose lease lasts %v yet",
			name(by), name(n.id), n.machine.Lease().Until.Sub(s.clock(n)).Round(time.Millisecond))
	}
}

// place lets n hand on, and take, what its active view says.
func (s *Sim) place(n *node, id member.Identity) {
	active := n.seen.holds.Active
	if active == nil || !n.running() {
		return
	}
	if s.law.claims[id] == nil {
		s.law.claims[id] = &[names][]claim{}
	}
	owners := s.owners(active)
	for i := range names {
		list := &s.law.claims[id][i]
		*list = slices.DeleteFunc(*list, func(c claim) bool { return s.node(idOf(c.who.Address)).self != c.who })
		owner := owners[i]
		at := slices.IndexFunc(*list, func(c claim) bool { return !c.taken })
		switch {
		case at < 0 && owner == n.self:
			*list = append(*list, claim{who: n.self})
		case at < 0:
		case (*list)[at].who == n.self && owner != n.self:
			(*list)[at].who = owner // handed over
		case owner == n.self && active.Find((*list)[at].who) == nil && active.Number > s.seatedAt(id, (*list)[at].who):
			(*list)[at].taken = true
			*list = append(*list, claim{who: n.self})
		}
	}
}

// seatedAt returns the number of the first decided view that lists who.
func (s *Sim) seatedAt(id member.Identity, who member.Node) uint64 {
	if c := s.law.chains[id]; c != nil {
		for _, v := range c.views {
			if holds(v, who) {
				return v.Number
			}
		}
	}
	return 0
}

func (s *Sim) checkClaims(id member.Identity, i int, list []claim) {
	var holders []string
	for _, c := range list {
		if n := s.node(idOf(c.who.Address)); n.self == c.who && n.seen.holds.Identity == id && s.lease(n) {
			holders = append(holders, name(n.id))
		}
	}
	if len(holders) > 1 {
		s.fail("I1", "%v may all begin a message of name %d", holders, i)
	}
}

// owners returns who hosts each name by a view. All nodes come to one view at about
// the same time, so the last answer is kept.
func (s *Sim) owners(v *member.View) *[names]member.Node {
	if s.law.placed != v {
		s.law.placed = v
		for i := range names {
			s.law.owners[i] = ownerOf(v, i)
		}
	}
	return &s.law.owners
}

// ownerOf returns who hosts a name by a view: the voter with the highest score.
func ownerOf(v *member.View, i int) (owner member.Node) {
	best := uint64(0)
	for j := range v.Members {
		m := &v.Members[j]
		if !m.Status.Votes() {
			continue
		}
		if score := xxhash.Sum64String(m.Node.String() + string(rune('a'+i))); owner.IsZero() || score > best {
			owner, best = m.Node, score
		}
	}
	return owner
}

// Lease returns the lease that node id shows now, by its own clock, and whether
// it is valid.
func (s *Sim) Lease(id int) (engine.Lease, bool) {
	n := s.node(id)
	if !n.running() {
		return engine.Lease{}, false
	}
	return n.machine.Lease(), s.lease(n)
}
