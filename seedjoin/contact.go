package seedjoin

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// MaxContacts is how many [Config.Contacts] there may be.
const MaxContacts = maxMet

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
	spelt   string // as configured, or as advertised
	seed    bool   // configured
	self    bool   // it is this process
	lasting bool   // given at the start, though no seed: it is never forgotten

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
	if len(m.contacts)-m.seeds >= maxMet+len(m.cfg.Contacts) {
		m.contacts = slices.Delete(m.contacts, m.seeds+len(m.cfg.Contacts), m.seeds+len(m.cfg.Contacts)+1) // the oldest
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
		return !c.seed && !c.lasting && c.heard.Before(old)
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

// first reports whether this process may found: it is the first seed, the head
// of the list; or any seed if that is symmetric; or alone without any list.
func (m *Machine) first() bool {
	switch {
	case m.seeds == 0:
		return m.cfg.Expect == 0
	case m.cfg.Symmetric:
		return slices.ContainsFunc(m.contacts[:m.seeds], func(c *contact) bool { return c.self })
	}
	return m.contacts[0].self
}

// replaceSeeds takes a list that was looked up anew. Seeds that are no longer in
// it are still asked for a while, as if they had been met.
func (m *Machine) replaceSeeds(in Seeds) {
	if len(in.Addresses) == 0 {
		return
	}
	m.unsettled = in.Unsettled
	var seeds []*contact
	for _, s := range in.Addresses[:min(len(in.Addresses), MaxSeeds)] {
		if s == "" || slices.ContainsFunc(seeds, func(c *contact) bool { return c.spelt == s }) {
			continue
		}
		c := m.contact(s)
		if c == nil {
			c = &contact{spelt: s, self: s == m.cfg.Self.Address, heard: m.now}
			m.nextAsk = m.now
		}
		seeds = append(seeds, c)
	}
	rest := slices.DeleteFunc(m.contacts, func(c *contact) bool { return slices.Contains(seeds, c) })
	for _, c := range rest {
		c.seed = false
	}
	for _, c := range seeds {
		c.seed = true
	}
	m.seeds = len(seeds)
	m.contacts = append(seeds, rest[:min(len(rest), maxMet)]...)
}

// yielded reports whether this process has just left a cluster for another one. It
// knows that one to live, and founds nothing: its seeds may be on no side but its
// own, and whom it was told to ask may have died since.
func (m *Machine) yielded() bool {
	return !m.cfg.Shun.IsZero() && m.now.Sub(m.begun) < m.cfg.GiveUp
}

// shuns reports whether a cluster is the one that this process has just left
// for another, because of an island: some of it may not have heard yet that it
// ends, and would let this process in again.
func (m *Machine) shuns(id member.Identity) bool {
	return id == m.cfg.Shun && m.yielded()
}
