package seedjoin

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// askEvery is the pause between two rounds of questions: short enough that a
// candidate's answers are fresh when T_found is over.
func (m *Machine) askEvery() time.Duration { return min(m.cfg.Retry, m.cfg.Found/3) }

// ask puts the question to every contact when the time has come.
func (m *Machine) ask() {
	if m.now.Before(m.nextAsk) {
		return
	}
	m.nextAsk = m.now.Add(m.jitter(m.askEvery()))
	for _, c := range m.contacts {
		if !c.self {
			m.probe(c.spelt)
		}
	}
	m.askFormer()
}

func (m *Machine) probe(address string) {
	m.send(member.Node{Address: address}, Probe{
		Asked:     address,
		Name:      m.cfg.Name,
		Candidate: m.candidate(),
		Stamp:     m.stamp(),
	})
}

func (m *Machine) onProbe(from member.Node, p Probe) {
	if p.Name != m.cfg.Name {
		m.refuseName(from, p.Name)
		return
	}
	if m.seeking() {
		m.settle(from, p)
	}
	m.answer(from, p.Asked, p.Stamp)
	if !m.mayAdmit() {
		m.remember(from)
	}
}

// answer tells from what is known here.
func (m *Machine) answer(from member.Node, asked string, stamp Stamp) {
	a := Answer{Asked: asked, Stamp: stamp}
	c := m.witness()
	switch {
	case !m.seeking() && !m.standing.Lease && m.without(rules.S4Names):
		a.State = None
	case !m.seeking():
		a.State, a.Identity, a.View, a.Lease = Member, m.known, m.standing.View, m.standing.Lease
		a.Leaving, a.Size = m.standing.Leaving, m.size()
		if !m.mayAdmit() {
			a.Node = m.standing.OtherSteward
		}
	case c != nil && c.node != from:
		a.State, a.Identity, a.Node = Heard, c.identity, c.node
	case m.remembers():
		a.State, a.Identity, a.Node = Heard, m.cfg.Former.Identity, m.witnessOfFormer()
	case m.candidate():
		a.State, a.Node = Founding, m.cfg.Self
	case m.promise.binds(m.now) && m.promise.to != from:
		a.State, a.Node = Founding, m.promise.to
	default:
		a.State = None
	}
	m.send(from, a)
}

// witness is the contact that told of its own cluster lately. What others told
// of it is not passed on: two processes could keep a dead cluster's name alive
// between them.
func (m *Machine) witness() *contact {
	for _, c := range m.contacts {
		if c.said == named && c.firsthand && m.now.Sub(c.heard) <= 2*m.cfg.Found {
			return c
		}
	}
	return nil
}

func (m *Machine) onAnswer(from member.Node, a Answer) {
	m.checked(from, a)
	m.recalled(from, a)
	m.formerly(from, a)
	if a.State == Member && !a.Leaving {
		m.sight(from, a.Identity, a.Lease, a.Size)
	}
	c := m.contact(a.Asked)
	if c == nil || c.self || a.Stamp < c.stamp || a.Stamp > m.elapsed() {
		return // not asked, or overtaken by a newer word
	}
	c.hears(silent, m.now, a.Stamp)
	c.node = from
	if m.lists(from) {
		c.doubted = time.Time{}
	}
	switch {
	case !m.seeking(): // all that matters is who is there
	case a.State == None:
		c.said = none
	case a.State == Founding:
		c.said = founding
		m.hearOf(a.Node) // it is to learn of this process, if that is a candidate too
	case m.shuns(a.Identity): // as if it had said nothing
	case a.State == Heard:
		c.names(a.Identity, false, false)
		m.hearOf(a.Node)
	case a.State == Member:
		c.names(a.Identity, a.Lease && !a.Leaving, true)
		m.hearOf(a.Node) // zero if it can let this process in itself
		m.takeBack()
	}
}

// hearOf meets a node that somebody told of.
func (m *Machine) hearOf(n member.Node) {
	if n.Address != "" && n.UID != 0 {
		m.meet(n)
	}
}

// sendFailed notes who is not there, or would not talk.
func (m *Machine) sendFailed(f SendFailed) {
	if f.Nobody {
		m.checkFailed(f.To.Address)
	}
	for _, c := range m.contacts {
		if c.self || c.spelt != f.To.Address && c.node.Address != f.To.Address {
			continue
		}
		m.doubt(c, f)
		switch {
		case f.Nobody:
			c.hears(nobody, m.now, m.elapsed())
			c.node = member.Node{}
		case f.Refused != "":
			c.hears(refused, m.now, m.elapsed())
		}
	}
	if f.Refused != "" && m.seeking() {
		m.emit(Refused{By: f.To.Address, Code: m.handshakeCode(f), Text: f.Refused, Exceed: f.Exceed})
	}
}

// handshakeCode is StaleUID when a handshake was refused for the UID: a clock
// was set back, or this process was followed by another at its address.
func (m *Machine) handshakeCode(f SendFailed) Code {
	if f.Exceed >= m.cfg.Self.UID {
		return StaleUID
	}
	return 0
}
