package seedjoin

import (
	"bytes"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// maxTries is how often a member is asked for admission before another is.
const maxTries = 3

// attempt is the admission being asked for.
type attempt struct {
	to    member.Node // zero = none
	tries int         // without an answer
	next  time.Time
	wait  string // why the member lets me wait; "" = it does not
	told  bool   // it refused: that was told, there is no more to say
}

// tryJoin asks a holder of a lease for admission, again and again (S4).
func (m *Machine) tryJoin() {
	if m.join.tries >= maxTries && !m.now.Before(m.join.next) {
		m.giveUpOn(m.join.to)
	}
	c := m.target()
	if c == nil || m.now.Before(m.join.next) {
		return
	}
	if c.node != m.join.to {
		m.join = attempt{to: c.node}
	}
	m.join.tries++
	m.join.next = m.now.Add(m.jitter(m.cfg.Retry))
	m.emit(Asked{To: c.node})
	m.send(c.node, Join{
		Name:     m.cfg.Name,
		Info:     m.cfg.Info,
		Versions: m.cfg.Versions,
		Settings: m.cfg.Settings,
	})
}

// target is the member to ask: the one that is being asked, else the first in
// the list. Of two clusters the older one is chosen, since the younger is to
// yield when islands meet.
func (m *Machine) target() *contact {
	var best *contact
	for _, c := range m.contacts {
		if c.self || c.said != named || !c.lease || c.node.UID == 0 {
			continue
		}
		if c.node == m.join.to {
			return c
		}
		if best == nil || c.before(best) {
			best = c
		}
	}
	return best
}

// before reports whether c is the better one to ask.
func (c *contact) before(d *contact) bool {
	if o := bytes.Compare(c.identity.Cluster[:], d.identity.Cluster[:]); o != 0 {
		return o < 0
	}
	return c.failures < d.failures
}

// giveUpOn makes the next try go to another member, and to this one only after
// it has named a lease again.
func (m *Machine) giveUpOn(n member.Node) {
	for _, c := range m.contacts {
		if c.node == n {
			c.lease = false
			c.failures++
		}
	}
	m.join = attempt{}
}

func (m *Machine) onRefusal(from member.Node, r Refusal) {
	if !m.seeking() {
		return
	}
	if r.Code == WrongName {
		m.refusedByName(from, r)
		return
	}
	if from != m.join.to {
		return // late: it was given up on
	}
	m.join.tries, m.join.wait, m.join.told = 0, "", false
	switch r.Code {
	case AskAnother:
		m.giveUpOn(from)
	case Wait:
		m.join.wait = r.Text
		m.join.next = m.now.Add(m.jitter(m.cfg.Retry))
	default:
		m.join.told = true
		m.join.next = m.now.Add(m.jitter(4 * m.cfg.Retry))
		m.emit(Refused{By: from.Address, Code: r.Code, Text: r.Text, Exceed: r.Exceed})
	}
}

// refusedByName notes that a contact is of another cluster: it will not vote.
func (m *Machine) refusedByName(from member.Node, r Refusal) {
	for _, c := range m.contacts {
		if c.spelt == from.Address || c.node == from {
			c.hears(refused, m.now, m.elapsed())
		}
	}
	m.emit(Refused{By: from.Address, Code: r.Code, Text: r.Text})
}
