package seedjoin

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// inviteSeeds contacts each configured seed that no member holds (S3).
func (m *Machine) inviteSeeds() {
	if !m.invites() {
		return
	}
	for _, c := range m.contacts {
		if !m.missing(c) || m.now.Before(m.inviteAt(c)) {
			continue
		}
		c.invited = m.now
		m.invite(member.Node{Address: c.spelt}, c.spelt)
	}
}

// invites reports whether this member may invite. The stewards do most of it,
// and two cases are not theirs. The seeds may be the stewards: when all of them
// are killed and started again before anybody missed them, there is no steward
// left who could call. And lists may differ: a member may be the only one that
// was given a seed which has founded a cluster of its own.
//
// A voter that has lost its lease calls as well, though it lets nobody in: it
// names its cluster (S5). Where all seeds restart at once the others have just
// lost as many voters, and a lease that fails for a moment must not let a seed
// found beside them.
func (m *Machine) invites() bool {
	self, _ := m.voter(m.cfg.Self.Address)
	pausedVoter := m.joined() && !m.standing.Lease && self == m.cfg.Self && !m.without(rules.S4Names)
	return (m.mayAdmit() || pausedVoter) && !m.without(rules.S3Invite)
}

// missing reports whether c is a seed that no member is known to hold, or that
// may have a new process although a member is known there.
func (m *Machine) missing(c *contact) bool {
	if !c.seed || c.self {
		return false
	}
	if m.doubts(c) {
		return true
	}
	if _, held := m.holder(c.spelt); held {
		return false
	}
	return c.node.UID == 0 || !m.lists(c.node)
}

// doubts reports whether the process of the member at a seed may be gone: it is
// news of the last T_found that something did not arrive there.
func (m *Machine) doubts(c *contact) bool {
	return !c.doubted.IsZero() && m.now.Sub(c.doubted) <= m.cfg.Found
}

// inviteAt is when c is due. A refused connection costs next to nothing, and a
// first seed that starts there waits T_found/6 only: see [Machine.foundAt]. So
// does one whose cluster gives way to this one, and whose process starts again.
// Members that are no stewards call the more rarely the more there are: all of
// them together about as often as the stewards.
func (m *Machine) inviteAt(c *contact) time.Time {
	every := m.cfg.Found / 3
	if c.said == nobody || m.doubts(c) || m.outlives() {
		every = m.cfg.Found / 30
	}
	if !m.standing.Steward {
		every *= time.Duration(1 + m.standing.Members.Len()/stewards)
	}
	return c.invited.Add(every)
}

// outlives reports whether another cluster was lately seen to which this one does
// not give way: one founded later, or another branch, of which an operator decides.
func (m *Machine) outlives() bool {
	i := &m.island
	return !i.other.IsZero() && !m.later() && m.now.Sub(i.seen) <= m.cfg.Found
}

// nextInvite is when the next invitation is due; zero = never.
func (m *Machine) nextInvite() time.Time {
	var next time.Time
	if !m.invites() {
		return next
	}
	for _, c := range m.contacts {
		if at := m.inviteAt(c); m.missing(c) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (m *Machine) invite(to member.Node, asked string) {
	m.send(to, Invite{
		Asked:    asked,
		Name:     m.cfg.Name,
		Stamp:    m.stamp(),
		Identity: m.standing.Identity,
		View:     m.standing.View,
		Size:     m.size(),
		Paused:   !m.standing.Lease,
	})
}

func (m *Machine) onInvite(from member.Node, i Invite) {
	if i.Name != m.cfg.Name {
		m.refuseName(from, i.Name)
		return
	}
	if i.Identity.IsZero() || m.seeking() && m.shuns(i.Identity) {
		return
	}
	switch {
	case m.seeking():
		c := m.meet(from)
		c.hears(named, m.now, m.elapsed())
		c.node = from
		c.names(i.Identity, !i.Paused, true)
		m.takeBack()
		m.join.next = m.now
	case m.joined() && i.Identity != m.standing.Identity:
		m.sight(from, i.Identity, !i.Paused, i.Size)
	case m.joined():
		m.hail(from, i.View)
	}
	m.answer(from, i.Asked, i.Stamp)
}
