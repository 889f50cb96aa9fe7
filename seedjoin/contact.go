package seedjoin

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// maxMet bounds the contacts that are not configured.
const maxMet = 16

// said is what a contact told last.
type said uint8

const (
	silent   said = iota // nothing yet
	none                 // it knows of no cluster
	nobody               // no process listens there
	founding             // it knows of one that is founding
	named                // it named a cluster
	refused              // it would not talk: another cluster name, or the handshake failed
)

// contact is an address to ask: a configured seed, or somebody met on the way.
type contact struct {
	spelt string // as configured, or as advertised
	seed  bool   // configured
	self  bool   // it is this process

	node  member.Node // who was there last; zero = nobody yet
	said  said
	stamp Stamp     // of the question that said answers
	heard time.Time // when it was said

	identity  member.Identity // with named
	lease     bool            // with named: it may be asked to let me in
	firsthand bool            // with named: by a member itself
	failures  int             // joins that came to nothing there

	invited time.Time
	doubted time.Time // when something sent to the member there last failed
}

// contact returns the contact of that spelling, or nil.
func (m *Machine) contact(spelt string) *contact {
	for _, c := range m.contacts {
		if c.spelt == spelt {
			return c
		}
	}
	return nil
}

// meet returns the contact of a node, a new one if need be.
func (m *Machine) meet(n member.Node) *contact {
	for _, c := range m.contacts {
		if c.node == n || c.spelt == n.Address {
			return c
		}
	}
	if len(m.contacts)-m.seeds >= maxMet {
		m.contacts = slices.Delete(m.contacts, m.seeds, m.seeds+1) // the oldest
	}
	c := &contact{spelt: n.Address, self: n == m.cfg.Self, heard: m.now}
	m.contacts = append(m.contacts, c)
	if m.seeking() {
		m.nextAsk = m.now
	}
	return c
}

// hears notes what a contact said in answer to the question of that stamp.
func (c *contact) hears(what said, now time.Time, stamp Stamp) {
	c.said, c.heard, c.stamp = what, now, stamp
	c.identity, c.lease, c.firsthand = member.Identity{}, false, false
}

// names notes that a contact named a cluster.
func (c *contact) names(id member.Identity, lease, firsthand bool) {
	c.said, c.identity, c.lease, c.firsthand = named, id, lease, firsthand
}

// forget drops what is too old: the name of a cluster binds for GiveUp.
func (m *Machine) forget() {
	old := m.now.Add(-m.cfg.GiveUp)
	m.contacts = slices.DeleteFunc(m.contacts, func(c *contact) bool {
		return !c.seed && c.heard.Before(old)
	})
	for _, c := range m.contacts {
		if c.said == named && c.heard.Before(old) {
			c.hears(silent, m.now, c.stamp)
		}
	}
}

// named reports whether somebody named a cluster, so that founding is out of
// the question.
func (m *Machine) named() bool {
	return slices.ContainsFunc(m.contacts, func(c *contact) bool { return !c.self && c.said == named })
}

// first reports whether this process is the first seed: the head of the list,
// or alone without any list.
func (m *Machine) first() bool { return len(m.cfg.Seeds) == 0 || m.contacts[0].self }
