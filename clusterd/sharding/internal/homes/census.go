package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// census is what the issuer of a view knows of it. It ends with the view.
type census struct {
	waiting []member.Node         // that have not answered
	claimed map[string]*slots.Set // by kind
	issues  []issue               // that have not been acknowledged
	timer   timer
}

type issue struct {
	to    member.Node
	kind  string
	slots *slots.Set
}

func (c *census) busy() bool { return len(c.waiting) > 0 || len(c.issues) > 0 }

// takeCensus asks all that host anything. Who hosts nothing never held a token.
func (m *Machine) takeCensus(now time.Time) {
	m.census = &census{claimed: map[string]*slots.Set{}}
	for _, o := range m.view.Members {
		if len(o.Kinds) > 0 && o.Node != m.cfg.Self {
			m.census.waiting = append(m.census.waiting, o.Node)
		}
	}
	m.census.add(m.ownClaims())
	m.census.send(now, m)
	m.census.close(now, m)
}

// send asks, or issues, again.
func (c *census) send(now time.Time, m *Machine) {
	for _, to := range c.waiting {
		m.send(to, Census{})
	}
	for _, i := range c.issues {
		m.send(i.to, Issue{Kind: i.kind, Slots: i.slots})
	}
	c.timer.sent(now, m.cfg.Retry)
}

func (c *census) add(list Claims) {
	for _, claim := range list.Kinds {
		if c.claimed[claim.Kind] == nil {
			c.claimed[claim.Kind] = new(slots.Set)
		}
		c.claimed[claim.Kind].Union(claim.Slots)
	}
}

// close issues what nobody claims, once all have answered.
func (c *census) close(now time.Time, m *Machine) {
	if len(c.waiting) > 0 {
		return
	}
	for _, kind := range m.owners.kinds {
		free := slots.All()
		if claimed := c.claimed[kind]; claimed != nil {
			free.Subtract(claimed)
		}
		if !free.Empty() {
			c.issue(m, kind, free)
		}
	}
	c.timer.reset()
	c.send(now, m)
}

func (c *census) issue(m *Machine, kind string, free *slots.Set) {
	for _, address := range m.owners.by[kind].Nodes() {
		share := m.owners.Share(kind, address)
		share.Intersect(free)
		if share.Empty() {
			continue
		}
		to := member.Node{Address: address, UID: m.owners.uid[address]}
		if to == m.cfg.Self {
			m.take(kind, share)
			continue
		}
		c.issues = append(c.issues, issue{to, kind, share})
	}
}

// take makes this node the holder of slots issued in the active view.
func (m *Machine) take(kind string, s *slots.Set) {
	k := m.kind(kind)
	if k == nil {
		return // the member record says so, the configuration does not
	}
	free := s.Clone()
	free.Subtract(k.custody(m.out))
	if got := k.acquire(free, issued(m.view.Number)); !got.Empty() {
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
			list.Kinds = append(list.Kinds, Claim{Kind: k.name, Slots: k.claimed.Clone()})
		}
	}
	return list
}

func (m *Machine) claims(now time.Time, p Packet, b Claims) error {
	if m.census == nil || p.Message.View != m.view.Number {
		return ErrStale
	}
	i := slices.Index(m.census.waiting, p.Peer)
	if i < 0 {
		return nil // a repetition
	}
	m.census.waiting = slices.Delete(m.census.waiting, i, i+1)
	m.census.add(b)
	m.census.close(now, m)
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
	if m.census == nil || p.Message.View != m.view.Number {
		return ErrStale
	}
	m.census.issues = slices.DeleteFunc(m.census.issues, func(i issue) bool {
		return i.to == p.Peer && i.kind == b.Kind
	})
	return nil
}
