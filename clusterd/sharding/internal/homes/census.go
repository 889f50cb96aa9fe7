package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// issuer is what the issuer of a view does: it asks all what they claim, issues
// what nobody claims, and plans where everything ought to be. It ends with the
// view.
type issuer struct {
	waiting []member.Node         // that have not answered
	claimed map[string]*slots.Set // by kind
	issues  []issue               // that have not been acknowledged
	plans   map[string]*planning  // by kind; none before all have answered
	number  uint32                // of the last plan
	readers []*reader             // who is sent plans
	loads   map[loadKey]usage
	checked time.Time // when the loads were compared last
	timer   timer
}

// planning is the newest plan of a kind.
type planning struct {
	plan  Plan
	moves bool // something moves by it
}

// reader is a member that is sent plans until it has settled.
type reader struct {
	member.Node
	hosts   bool              // one that fetched them need not settle
	settled map[string]uint32 // by kind: the number of the plan
}

type issue struct {
	to    member.Node
	kind  string
	slots *slots.Set
}

func (c *issuer) busy() bool {
	return len(c.waiting) > 0 || len(c.issues) > 0 || slices.ContainsFunc(c.readers, c.unsettled)
}

func (c *issuer) unsettled(r *reader) bool {
	for kind, p := range c.plans { // order: any of them
		if r.settled[kind] < p.plan.Number {
			return true
		}
	}
	return false
}

// takeCensus asks all that host anything. Who hosts nothing never held a token.
func (m *Machine) takeCensus(now time.Time) {
	c := &issuer{
		claimed: map[string]*slots.Set{}, plans: map[string]*planning{}, loads: map[loadKey]usage{}, checked: now,
	}
	m.issuer = c
	for _, o := range m.view.Members {
		if len(o.Kinds) == 0 {
			continue
		}
		c.readers = append(c.readers, &reader{o.Node, true, map[string]uint32{}})
		if o.Node != m.cfg.Self {
			c.waiting = append(c.waiting, o.Node)
		}
	}
	c.add(m, m.ownClaims())
	c.send(now, m)
	c.close(now, m)
}

// send asks, issues and plans again.
func (c *issuer) send(now time.Time, m *Machine) {
	for _, to := range c.waiting {
		m.send(to, Census{})
	}
	for _, i := range c.issues {
		m.send(i.to, Issue{Kind: i.kind, Slots: i.slots})
	}
	for _, r := range c.readers {
		c.sendPlans(m, r)
	}
	c.timer.sent(now, m.cfg.Retry)
}

// sendPlans sends a reader the plans that it has not settled by.
func (c *issuer) sendPlans(m *Machine, r *reader) {
	if r.Node == m.cfg.Self {
		return
	}
	for _, kind := range m.view.kinds() {
		if p := c.plans[kind]; p != nil && r.settled[kind] < p.plan.Number {
			m.send(r.Node, p.plan)
		}
	}
}

func (c *issuer) add(m *Machine, list Claims) {
	for _, claim := range list.Kinds {
		if c.claimed[claim.Kind] == nil {
			c.claimed[claim.Kind] = new(slots.Set)
		}
		c.claimed[claim.Kind].Union(claim.Slots)
		if t := m.table(claim.Kind); t != nil {
			m.learn(t, claim.Now)
		}
	}
}

// close issues what nobody claims, and plans, once all have answered.
func (c *issuer) close(now time.Time, m *Machine) {
	if len(c.waiting) > 0 {
		return
	}
	for _, group := range m.groups() {
		target := m.targetOf(group)
		for _, kind := range group {
			free := slots.All()
			if claimed := c.claimed[kind]; claimed != nil {
				free.Subtract(claimed)
			}
			c.issue(m, kind, free, target)
			c.plan(m, kind, target)
		}
	}
	c.timer.reset()
	c.send(now, m)
}

// issue gives the free slots of a kind to those who are to have them.
func (c *issuer) issue(m *Machine, kind string, free *slots.Set, target []Span) {
	shares := map[member.Node]*slots.Set{}
	var order []member.Node
	for _, r := range target {
		s := new(slots.Set)
		s.AddRange(r.First, r.Last)
		if s.Intersect(free); s.Empty() {
			continue
		}
		if shares[r.Node] == nil {
			shares[r.Node] = new(slots.Set)
			order = append(order, r.Node)
		}
		shares[r.Node].Union(s)
	}
	t := m.table(kind)
	for _, to := range order {
		if to == m.cfg.Self {
			m.take(kind, shares[to])
			continue
		}
		c.issues = append(c.issues, issue{to, kind, shares[to]})
		for first, last := range shares[to].Ranges() {
			m.learn(t, []Span{{first, last, to, issued(m.view.Number)}})
		}
	}
}

// plan makes the next plan of a kind and begins to follow it.
func (c *issuer) plan(m *Machine, kind string, target []Span) {
	t := m.table(kind)
	c.number++
	p := &planning{plan: Plan{Kind: kind, Number: c.number, Now: t.runs(slots.All()), Target: target}}
	for _, r := range target {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			if holder, _ := t.where(uint16(slot)); holder != r.Node {
				p.moves = true
			}
		}
	}
	p.moves = p.moves || len(target) == 0
	c.plans[kind] = p
	m.adopt(t, p.plan)
}

// take makes this node the holder of slots issued in the active view.
func (m *Machine) take(kind string, s *slots.Set) {
	k := m.kind(kind)
	if k == nil {
		return // the member record says so, the configuration does not
	}
	free := s.Clone()
	free.Subtract(k.custody(m.out))
	if got := m.acquire(k, free, issued(m.view.Number)); !got.Empty() {
		m.act(Run{Kind: kind, Slots: got})
	}
}

// answer tells the issuer what this node claims in the view that both are in.
func (m *Machine) answer(p Packet) error {
	if p.Message.View != m.view.Number {
		return ErrStale
	}
	m.send(p.Peer, m.ownClaims())
	return nil
}

func (m *Machine) ownClaims() Claims {
	var list Claims
	for _, k := range m.kinds {
		if !k.claimed.Empty() {
			list.Kinds = append(list.Kinds, Claim{k.name, k.claimed.Clone(), k.table.runs(&k.claimed)})
		}
	}
	return list
}

func (m *Machine) claims(now time.Time, p Packet, b Claims) error {
	if m.issuer == nil || p.Message.View != m.view.Number {
		return ErrStale
	}
	i := slices.Index(m.issuer.waiting, p.Peer)
	if i < 0 {
		return nil // a repetition
	}
	m.issuer.waiting = slices.Delete(m.issuer.waiting, i, i+1)
	m.issuer.add(m, b)
	m.issuer.close(now, m)
	return nil
}

// issue takes tokens from the issuer of the active view, and of no other: who
// is the issuer's choice in an older view may have handed on since.
func (m *Machine) issue(p Packet, b Issue) error {
	issuer, _ := m.view.Issuer()
	if p.Message.View != m.view.Number || p.Peer != issuer || m.drained {
		return ErrStale
	}
	if m.kind(b.Kind) == nil || b.Slots == nil {
		return ErrKind
	}
	m.take(b.Kind, b.Slots)
	m.send(p.Peer, Issued{Kind: b.Kind})
	return nil
}

func (m *Machine) issued(p Packet, b Issued) error {
	if m.issuer == nil || p.Message.View != m.view.Number {
		return ErrStale
	}
	m.issuer.issues = slices.DeleteFunc(m.issuer.issues, func(i issue) bool {
		return i.to == p.Peer && i.kind == b.Kind
	})
	return nil
}

// fetched sends the plans to a member that hosts nothing, now and whenever there
// are newer ones in this view.
func (m *Machine) fetched(p Packet) error {
	if m.issuer == nil || p.Message.View != m.view.Number {
		return ErrStale
	}
	c := m.issuer
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.Node == p.Peer })
	if i < 0 {
		i = len(c.readers)
		c.readers = append(c.readers, &reader{p.Peer, false, map[string]uint32{}})
	}
	c.sendPlans(m, c.readers[i])
	return nil
}

// settled takes a member's word on how far it is with a plan. When all hosts
// have what they ought to have, one more plan, by which nothing moves, tells
// everybody where everything is.
func (m *Machine) settled(now time.Time, from member.Node, b Planned) error {
	if m.issuer == nil {
		return ErrStale
	}
	c := m.issuer
	p := c.plans[b.Kind]
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.Node == from })
	if p == nil || i < 0 || b.Number != p.plan.Number || b.Left > 0 {
		return nil
	}
	c.readers[i].settled[b.Kind] = b.Number
	m.learn(m.table(b.Kind), b.Now)
	waits := func(r *reader) bool { return r.hosts && r.settled[b.Kind] < b.Number }
	if p.moves && !slices.ContainsFunc(c.readers, waits) {
		c.plan(m, b.Kind, p.plan.Target)
		c.plans[b.Kind].moves = false
		c.timer.reset()
		c.send(now, m)
	}
	return nil
}
