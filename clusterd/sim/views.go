package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// law is what the world knows to be decided, whoever learned of it first.
type law struct {
	chains    map[member.Identity]*chain
	upNumbers map[incarnation]uint64
	expelled  map[incarnation]int // whose removal is active, and the node that first knew
	activeAt  map[member.Identity]uint64
	claims    map[member.Identity]*[names][]claim
	placed    *member.View // the view that owners is about; nil = none
	owners    [names]member.Node
	removed   map[incarnation]uint64 // number of the first known view without it
	acks      map[proposal]map[member.Node]bool
	beyond    map[incarnation]uint64 // number of the newest view that it acknowledged

	told    map[[2]member.Identity]time.Duration // when the first of two clusters last told of the second
	closing map[member.Identity]bool             // which an operator shuts down: it sends joiners away

	born map[member.Identity]uint64 // number of the view with which an operator began a branch: nobody decided it
}

// incarnation is a node in one cluster.
type incarnation struct {
	id  member.Identity
	who member.Node
}

// proposal names the content of a view: a leader writes each number once.
type proposal struct {
	id     member.Identity
	number uint64
	term   member.Term
}

// chain holds the decided views of one identity, sorted by number.
type chain struct {
	views []*member.View
	by    []int // who was the first to know each
}

func newLaw() law {
	return law{
		chains:    map[member.Identity]*chain{},
		upNumbers: map[incarnation]uint64{},
		removed:   map[incarnation]uint64{},
		expelled:  map[incarnation]int{},
		activeAt:  map[member.Identity]uint64{},
		claims:    map[member.Identity]*[names][]claim{},
		acks:      map[proposal]map[member.Node]bool{},
		beyond:    map[incarnation]uint64{},
		closing:   map[member.Identity]bool{},
		told:      map[[2]member.Identity]time.Duration{},
		born:      map[member.Identity]uint64{},
	}
}

// checkViews holds I2 and I4 when what node n holds has changed.
func (s *Sim) checkViews(n *node, now *engine.Inspection) {
	before := &n.seen.holds
	s.checkAdvance(n, "acknowledged", before, now, before.Acked, now.Acked)
	s.checkAdvance(n, "decided", before, now, before.Decided, now.Decided)
	s.checkAdvance(n, "active", before, now, before.Active, now.Active)
	if now.Active != nil && (now.Decided == nil || now.Active.Number > now.Decided.Number) {
		s.fail("I2", "%s holds view %d active beyond what it knows decided", name(n.id), now.Active.Number)
	}
	if now.Acked != nil {
		s.acked(n, now)
	}
	if id := now.Identity; id.Branch != 0 && s.law.born[id] == 0 && now.Decided != nil {
		s.law.born[id] = now.Decided.Number
	}
	if now.Active != before.Active {
		s.checkActive(n, now)
	}
	if now.Active != nil && now.Active.Number >= s.law.born[now.Identity] { // else it is of the branch before
		s.enter(n, now.Identity, now.Active)
	}
	s.enter(n, now.Identity, now.Decided)
}

// checkAdvance holds that one node never goes back, nor to another cluster.
func (s *Sim) checkAdvance(n *node, what string, was, is *engine.Inspection, before, now *member.View) {
	switch {
	case before == nil:
	case now == nil:
		s.fail("I2", "%s forgets %s view %d", name(n.id), what, before.Number)
	case is.Identity.Cluster != was.Identity.Cluster || is.Identity.Branch < was.Identity.Branch:
		s.fail("I2", "%s moves from cluster %v to %v", name(n.id), was.Identity.Cluster, is.Identity.Cluster)
	case now.Number < before.Number:
		s.fail("I2", "%s goes back from %s view %d to %d", name(n.id), what, before.Number, now.Number)
	}
}

// checkActive holds V4: whoever takes a view for active, all its voters have
// acknowledged it, or a later one.
func (s *Sim) checkActive(n *node, now *engine.Inspection) {
	v := now.Active
	acks := s.law.acks[proposal{now.Identity, v.Number, v.Term}]
	for i := range v.Members {
		m := &v.Members[i]
		if m.Status.Votes() && !acks[m.Node] && s.law.beyond[incarnation{now.Identity, m.Node}] <= v.Number {
			s.fail("active", "%s takes view %d for active, which %v has not acknowledged", name(n.id), v.Number, m.Node)
		}
	}
}

// acked notes that n acknowledged a view.
func (s *Sim) acked(n *node, now *engine.Inspection) {
	if n.seen.holds.Acked == now.Acked {
		return
	}
	key := proposal{now.Identity, now.Acked.Number, now.Acked.Term}
	if s.law.acks[key] == nil {
		s.law.acks[key] = map[member.Node]bool{}
	}
	s.law.acks[key][n.self] = true
	s.law.beyond[incarnation{now.Identity, n.self}] = now.Acked.Number
}

// enter puts a decided view into the chain of its cluster, or compares it with
// the one that is there.
func (s *Sim) enter(n *node, id member.Identity, v *member.View) {
	if v == nil {
		return
	}
	c := s.law.chains[id]
	if c == nil {
		if id.Branch == 0 { // else an operator made it
			s.checkFounding(n)
		}
		c = &chain{}
		s.law.chains[id] = c
	}
	i, found := slices.BinarySearchFunc(c.views, v.Number, func(w *member.View, k uint64) int {
		return cmp.Compare(w.Number, k)
	})
	if found {
		if c.views[i] != v && !equal(c.views[i], v) {
			s.fail("I2", "view %d is %s at %s and %s at %s",
				v.Number, viewText(c.views[i]), name(c.by[i]), viewText(v), name(n.id))
		}
		return
	}
	c.views = slices.Insert(c.views, i, v)
	c.by = slices.Insert(c.by, i, n.id)
	s.checkSeats(n, id, v)
	if i > 0 {
		s.checkStep(n, id, c.views[i-1], v)
	}
	if i+1 < len(c.views) {
		s.checkStep(n, id, v, c.views[i+1])
	}
	s.trouble()
}

// checkFounding holds that nobody founds a cluster beside one that could have
// answered. A cut is an excuse, and so are ten seconds after it, but not for
// taking silence for an answer: a majority of the seeds must have been there to
// say no. One without a quorum may be followed by another, but for a voter who
// only sleeps, and so may one that shuts down: it lets nobody in any more, so that
// who starts again meanwhile has nothing to join. Joiners of a cluster whose voters
// are gone keep nobody from founding, and stay beside it where islands are reported.
func (s *Sim) checkFounding(n *node) {
	for id := range s.law.chains { // order: any one decides
		switch {
		case s.silent(n):
			s.fail("one", "%s founds a second cluster, though most seeds cannot have said no", name(n.id))
		case len(s.cuts) > 0 || s.now < s.excused || s.frozen():
			s.islands = true
		case s.alive(id) && !s.law.closing[id]:
			s.fail("one", "%s founds a second cluster beside one that lives", name(n.id))
		case s.cfg.ReportIslands && !s.votersLeft(id):
			s.islands = true
		}
	}
}

// votersLeft reports whether anybody who runs is a voter of cluster id, as far as
// that node itself knows.
func (s *Sim) votersLeft(id member.Identity) bool {
	for _, n := range s.live(nil) {
		if h := &n.seen.holds; h.Identity == id && h.Decided != nil && h.Decided.Votes(n.self) {
			return true
		}
	}
	return false
}

// silent reports whether node n cannot have had the word of a majority of its
// seeds: since it started, or for as long as an answer holds, nothing in the
// world has changed, and too few of them could answer and are in no cluster.
func (s *Sim) silent(n *node) bool {
	if s.alone[n.id] || s.cfg.Link.bad() || s.changed > n.started && s.now-s.changed < cmp.Or(s.cfg.Timing, engine.Lan()).Found {
		return false
	}
	votes := 0
	for _, address := range n.seeds {
		o := s.node(idOf(address))
		switch {
		case o == n, !o.running() && !s.cutOff(o, n):
			votes++
		case o.running() && !o.frozen && !s.cutOff(o, n) && o.seen.holds.Identity.IsZero():
			votes++
		}
	}
	return 2*votes <= len(n.seeds)
}

// equal reports whether two views of one number have the same content.
func equal(a, b *member.View) bool {
	return string(appendValue(nil, a)) == string(appendValue(nil, b))
}

// viewText shows a view in a failure.
func viewText(v *member.View) string { return string(appendValue(nil, v)) }

// checkSeats looks at a new decided view by itself.
func (s *Sim) checkSeats(n *node, id member.Identity, v *member.View) {
	for i := range v.Members {
		m := &v.Members[i]
		if i > 0 {
			s.checkOrder(n, v.Members[i-1].Node, m.Node)
		}
		s.checkUpNumber(n, id, m.Node, m.UpNumber)
		if k, ok := s.law.removed[incarnation{id, m.Node}]; ok && k < v.Number {
			s.fail("removed", "view %d lists %v, which view %d had removed", v.Number, m.Node, k)
		}
	}
}

// checkStep compares two decided views, a the earlier. Others may lie between
// that nobody has shown yet.
func (s *Sim) checkStep(n *node, id member.Identity, a, b *member.View) {
	if b.Number == a.Number+1 && b.Number != s.law.born[id] {
		s.checkDecided(id, a, b)
	}
	for i := range a.Members {
		old := &a.Members[i]
		now := seat(b, old.Address)
		switch {
		case now == nil || now.UID > old.UID:
			s.removedBy(n, id, b, old.Node)
		case now.UID < old.UID:
			s.fail("I5", "view %d has %v after %v", b.Number, now.Node, old.Node)
		case now.Status < old.Status:
			s.fail("status", "view %d moves %v back from %v to %v", b.Number, old.Node, old.Status, now.Status)
		}
	}
}

// checkDecided holds V3 for b, which follows a without a gap: a quorum of a's
// voters has acknowledged b, and b adds no more than a has. A leader that is a quorum by itself may go through several
// views at once, so whoever acknowledged a later view counts too.
func (s *Sim) checkDecided(id member.Identity, a, b *member.View) {
	acks := s.law.acks[proposal{id, b.Number, b.Term}]
	if s.leased() {
		s.checkNoted(id, b)
	} else if !s.quorum(a, func(who member.Node) bool { return acks[who] || s.law.beyond[incarnation{id, who}] > b.Number }) {
		s.fail("I4", "view %d is taken as decided without a quorum of view %d: %d acknowledged it", b.Number, a.Number, len(acks))
	}
	if newcomers(a, b) > max(1, voters(a)) {
		s.fail("I4", "view %d adds more members than view %d has voters", b.Number, a.Number)
	}
}

// quorum reports whether those voters of v decide.
func (s *Sim) quorum(v *member.View, have func(member.Node) bool) bool {
	if s.cfg.Downing != nil {
		return s.cfg.Downing.Quorum(v, have)
	}
	return majority(v, have)
}

// majority is the plainest reading of keep-majority, to compare with.
func majority(v *member.View, have func(member.Node) bool) bool {
	var all, some int
	var oldest *member.Entry
	for i := range v.Members {
		m := &v.Members[i]
		if !m.Status.Votes() {
			continue
		}
		all++
		if have(m.Node) {
			some++
		}
		if oldest == nil || m.UpNumber < oldest.UpNumber {
			oldest = m
		}
	}
	return 2*some > all || 2*some == all && oldest != nil && have(oldest.Node)
}

// removedBy notes that view v removes who, and asks whether it deserved that.
func (s *Sim) removedBy(n *node, id member.Identity, v *member.View, who member.Node) {
	key := incarnation{id, who}
	if k, ok := s.law.removed[key]; !ok || v.Number < k {
		s.law.removed[key] = v.Number
	}
	if !s.law.closing[id] {
		s.checkHealthy(n, who)
	}
}

// checkHealthy holds that who is not a healthy node that wanted to stay.
func (s *Sim) checkHealthy(n *node, who member.Node) {
	id := idOf(who.Address)
	if id == 0 || s.node(id).self != who {
		return
	}
	if r := s.node(id); r.running() && !s.removable(r) {
		s.fail("healthy", "%s learns that %v was removed, which was well", name(n.id), who)
	}
}

// seat returns the entry of an address, nil if the view has none.
func seat(v *member.View, address string) *member.Entry {
	i, ok := slices.BinarySearchFunc(v.Members, address, func(e member.Entry, a string) int {
		return member.CompareAddress(e.Address, a)
	})
	if !ok {
		return nil
	}
	return &v.Members[i]
}

// holds reports whether this very incarnation is in the view.
func holds(v *member.View, who member.Node) bool {
	if v == nil {
		return false
	}
	e := seat(v, who.Address)
	return e != nil && e.UID == who.UID
}

// newcomers counts who is in b and not in a.
func newcomers(a, b *member.View) (n int) {
	for i := range b.Members {
		if !holds(a, b.Members[i].Node) {
			n++
		}
	}
	return n
}

func voters(v *member.View) (n int) {
	for i := range v.Members {
		if v.Members[i].Status.Votes() {
			n++
		}
	}
	return n
}

// checkVoters holds I4 for what a node shows: its voters are those of views.
func (s *Sim) checkVoters(n *node, snap *engine.Snapshot) {
	decided, active := n.seen.holds.Decided, n.seen.holds.Active
	for i := range snap.Members {
		m := &snap.Members[i]
		if m.UpNumber != 0 && !holds(decided, m.Node) && !holds(active, m.Node) {
			s.fail("I4", "%s shows %v as a voter, which no view that it knows decided lists", name(n.id), m.Node)
		}
	}
	if active != nil {
		s.checkShown(n, snap, active)
	}
}

// checkShown holds V5: what a node shows of those with an upNumber is what its
// active view says of them. Both lists are sorted.
func (s *Sim) checkShown(n *node, snap *engine.Snapshot, active *member.View) {
	shown := snap.Members
	for i := range active.Members {
		want := &active.Members[i]
		for len(shown) > 0 && shown[0].UpNumber == 0 {
			shown = shown[1:]
		}
		if len(shown) == 0 || shown[0].Node != want.Node || shown[0].Status != want.Status || shown[0].UpNumber != want.UpNumber {
			s.fail("shown", "%s does not show %v as %v, which its active view %d lists", name(n.id), want.Node, want.Status, active.Number)
			return
		}
		shown = shown[1:]
	}
	for i := range shown {
		if shown[i].UpNumber != 0 {
			s.fail("shown", "%s shows %v, which its active view %d does not list", name(n.id), shown[i].Node, active.Number)
			return
		}
	}
}
