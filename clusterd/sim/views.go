package sim

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// law is what the world knows to be decided, whoever learned of it first.
type law struct {
	chains    map[member.Identity]*chain
	upNumbers map[incarnation]uint64
	removed   map[incarnation]uint64 // number of the first known view without it
}

// incarnation is a node in one cluster.
type incarnation struct {
	id  member.Identity
	who member.Node
}

// chain holds the decided views of one identity, sorted by number.
type chain struct {
	views []*View
	by    []int // who was the first to know each
}

func newLaw() law {
	return law{
		chains:    map[member.Identity]*chain{},
		upNumbers: map[incarnation]uint64{},
		removed:   map[incarnation]uint64{},
	}
}

// checkViews holds I2 and I4 when node n learned of a new view.
func (s *Sim) checkViews(n *node, decided, active *View) {
	s.checkAdvance(n, "decided", n.seen.decided, decided)
	s.checkAdvance(n, "active", n.seen.active, active)
	n.seen.decided, n.seen.active = decided, active
	if active != nil && (decided == nil || active.Number > decided.Number) {
		s.fail("I2", "%s holds view %d active beyond what it knows decided", name(n.id), active.Number)
	}
	s.enter(n, active)
	s.enter(n, decided)
}

// checkAdvance holds that one node never goes back, nor to another cluster.
func (s *Sim) checkAdvance(n *node, what string, before, now *View) {
	switch {
	case before == nil:
	case now == nil:
		s.fail("I2", "%s forgets %s view %d", name(n.id), what, before.Number)
	case now.Identity != before.Identity:
		s.fail("I2", "%s moves its %s view from %v to another cluster, %v",
			name(n.id), what, before.Identity.Cluster, now.Identity.Cluster)
	case now.Number < before.Number:
		s.fail("I2", "%s goes back from %s view %d to %d", name(n.id), what, before.Number, now.Number)
	}
}

// enter puts a decided view into the chain of its cluster, or compares it with
// the one that is there.
func (s *Sim) enter(n *node, v *View) {
	if v == nil {
		return
	}
	c := s.law.chains[v.Identity]
	if c == nil {
		c = &chain{}
		s.law.chains[v.Identity] = c
	}
	i, found := slices.BinarySearchFunc(c.views, v.Number, func(w *View, k uint64) int {
		return int(int64(w.Number) - int64(k))
	})
	if found {
		if c.views[i] != v && !slices.Equal(c.views[i].Seats, v.Seats) {
			s.fail("I2", "view %d is %v at %s and %v at %s",
				v.Number, c.views[i].Seats, name(c.by[i]), v.Seats, name(n.id))
		}
		return
	}
	c.views = slices.Insert(c.views, i, v)
	c.by = slices.Insert(c.by, i, n.id)
	s.checkSeats(n, v)
	if i > 0 {
		s.checkStep(n, c.views[i-1], v)
	}
	if i+1 < len(c.views) {
		s.checkStep(n, v, c.views[i+1])
	}
}

// checkSeats looks at a new decided view by itself.
func (s *Sim) checkSeats(n *node, v *View) {
	for i := range v.Seats {
		seat := &v.Seats[i]
		if i > 0 {
			s.checkOrder(n, v.Seats[i-1].Node, seat.Node)
		}
		s.checkUpNumber(n, v.Identity, seat.Node, seat.UpNumber)
		if k, ok := s.law.removed[incarnation{v.Identity, seat.Node}]; ok && k < v.Number {
			s.fail("removed", "view %d lists %v, which view %d had removed", v.Number, seat.Node, k)
		}
	}
}

// checkStep compares two decided views, a the earlier. Others may lie between
// that nobody has shown yet.
func (s *Sim) checkStep(n *node, a, b *View) {
	if b.Number == a.Number+1 && len(b.Seats)-overlap(a, b) > max(1, voters(a)) {
		s.fail("I4", "view %d adds more members than view %d has voters", b.Number, a.Number)
	}
	for i := range a.Seats {
		old := &a.Seats[i]
		now := b.seat(old.Address)
		switch {
		case now == nil || now.UID > old.UID:
			s.removedBy(n, b, old.Node)
		case now.UID < old.UID:
			s.fail("I5", "view %d has %v after %v", b.Number, now.Node, old.Node)
		case now.Status < old.Status:
			s.fail("status", "view %d moves %v back from %v to %v", b.Number, old.Node, old.Status, now.Status)
		}
	}
}

// removedBy notes that view v removes who, and asks whether it deserved that.
func (s *Sim) removedBy(n *node, v *View, who member.Node) {
	key := incarnation{v.Identity, who}
	if k, ok := s.law.removed[key]; !ok || v.Number < k {
		s.law.removed[key] = v.Number
	}
	s.checkHealthy(n, who)
}

// checkHealthy holds that who was not a healthy node that wanted to stay.
func (s *Sim) checkHealthy(n *node, who member.Node) {
	id := idOf(who.Address)
	if id == 0 || s.node(id).self != who {
		return
	}
	if r := s.node(id); r.running() && !r.leaving && !r.disturbed {
		s.fail("healthy", "%s learns that %v was removed, which was well", name(n.id), who)
	}
}

// seat returns the seat of an address, nil if it has none.
func (v *View) seat(address string) *Seat {
	i, ok := slices.BinarySearchFunc(v.Seats, address, func(s Seat, a string) int {
		return member.CompareAddress(s.Address, a)
	})
	if !ok {
		return nil
	}
	return &v.Seats[i]
}

// holds reports whether this very incarnation has a seat.
func (v *View) holds(who member.Node) bool {
	if v == nil {
		return false
	}
	seat := v.seat(who.Address)
	return seat != nil && seat.UID == who.UID
}

// overlap counts the incarnations that sit in both.
func overlap(a, b *View) (n int) {
	for i := range b.Seats {
		if a.holds(b.Seats[i].Node) {
			n++
		}
	}
	return n
}

// votes reports whether a member of this status is a voter.
func votes(st member.Status) bool { return st == member.Up || st == member.Leaving }

func voters(v *View) (n int) {
	for i := range v.Seats {
		if votes(v.Seats[i].Status) {
			n++
		}
	}
	return n
}

// checkVoters holds I4 for what a node shows: its voters are those of views.
func (s *Sim) checkVoters(n *node, snap *engine.Snapshot) {
	decided, active := n.seen.decided, n.seen.active
	for i := range snap.Members {
		m := &snap.Members[i]
		if m.UpNumber != 0 && !decided.holds(m.Node) && !active.holds(m.Node) {
			s.fail("I4", "%s shows %v as a voter, which no view that it knows decided lists", name(n.id), m.Node)
		}
	}
	if decided == nil || active == nil {
		return
	}
	for i := range active.Seats {
		seat := &active.Seats[i]
		if votes(seat.Status) && decided.holds(seat.Node) && !lists(snap, seat.Node) {
			s.fail("I4", "%s does not show %v, a voter of its view %d", name(n.id), seat.Node, active.Number)
		}
	}
}

func lists(snap *engine.Snapshot, who member.Node) bool {
	_, ok := slices.BinarySearchFunc(snap.Members, who.Address, func(m engine.Member, a string) int {
		return member.CompareAddress(m.Address, a)
	})
	return ok
}
