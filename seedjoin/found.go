package seedjoin

import (
	"encoding/binary"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// promise binds a vote to one candidate for a while (S2).
type promise struct {
	to    member.Node
	until time.Time
	stamp Stamp  // of the candidate's question
	asked string // how the candidate spells this process
	void  bool   // the candidate was told of a cluster since
}

func (p promise) binds(now time.Time) bool { return now.Before(p.until) }

// candidate reports whether this process would found.
func (m *Machine) candidate() bool { return !m.since.IsZero() }

// considerCandidacy begins or ends it. Only answers to questions put since it
// began count, so a new one asks at once; an ended one asks at once, too, which
// tells the others that their votes are free again.
func (m *Machine) considerCandidacy() {
	m.considerAbstaining()
	may := m.first() && !m.named() && !m.remembers() && !m.yielded() && !m.promise.binds(m.now) && !m.now.Before(m.abstain)
	switch {
	case may && !m.candidate():
		m.since, m.stalled, m.asSince, m.nextAsk = m.now, 0, m.stamp(), m.now
	case !may && m.candidate():
		m.stepBack()
	}
}

// considerAbstaining ends a candidacy that leads nowhere, for a while. Where
// every seed is a candidate the lowest address is given way to, though its
// answers may be lost on a link that is open in one direction only; the
// promises that it holds are free again while it abstains, and the next one has
// time to found.
func (m *Machine) considerAbstaining() {
	if !m.cfg.Symmetric || !m.candidate() || m.now.Sub(m.since) < 3*m.cfg.Found {
		return
	}
	if votes, of := m.votes(); 2*votes <= of {
		m.abstain = m.now.Add(m.jitter(2 * m.cfg.Found))
		m.stepBack()
	}
}

func (m *Machine) stepBack() { m.since, m.nextAsk = time.Time{}, m.now }

// settle decides who gets this process's vote when from asks. A candidate has
// its own, and gives it up to a lower address alone.
func (m *Machine) settle(from member.Node, p Probe) {
	if !p.Candidate {
		if m.promise.to == from && p.Stamp > m.promise.stamp {
			m.promise = promise{} // from has stepped back
		}
		return
	}
	switch {
	case m.candidate() && member.CompareAddress(from.Address, m.cfg.Self.Address) >= 0:
		return
	case m.without(rules.S2Promise):
		return
	case m.promise.binds(m.now) && !m.promise.serves(from, p.Stamp):
		return
	}
	m.promise = promise{to: from, until: m.now.Add(2 * m.cfg.Found), stamp: p.Stamp, asked: p.Asked}
	if m.candidate() {
		m.stepBack()
	}
}

// takeBack corrects a "no cluster" that has been overtaken: the candidate that got
// it may wait for T_found/6 only, and no steward need know of it by then. Its
// question is answered once more.
func (m *Machine) takeBack() {
	if m.promise.void || !m.promise.binds(m.now) {
		return
	}
	if c := m.witness(); c == nil || c.node == m.promise.to {
		return
	}
	m.promise.void = true
	m.answer(m.promise.to, m.promise.asked, m.promise.stamp)
}

// serves reports whether the promise may be given to from: it has it already,
// or is a later incarnation of who has it.
func (p promise) serves(from member.Node, stamp Stamp) bool {
	if from == p.to {
		return stamp >= p.stamp
	}
	return from.Address == p.to.Address && from.UID > p.to.UID
}

// votes counts the seeds, this process included, that are known to be in no
// cluster, among how many: as many as a complete list has, though fewer may be
// known by now. Two spellings of one process are one seed.
func (m *Machine) votes() (votes, of int) {
	for i, c := range m.contacts[:m.seeds] {
		if m.counted(c, m.contacts[:i]) {
			continue
		}
		of++
		if c.self || m.votesFor(c) {
			votes++
		}
	}
	return votes, max(of, m.cfg.Expect)
}

// counted reports whether c is a process that is among before already.
func (m *Machine) counted(c *contact, before []*contact) bool {
	for _, b := range before {
		if c.self && b.self || c.node.UID != 0 && c.node == b.node {
			return true
		}
	}
	return false
}

// votesFor reports whether c's word is a vote that still holds: a promise is
// kept for 2·T_found from when the question arrived, so one asked at most
// T_found ago holds though the clocks differ.
func (m *Machine) votesFor(c *contact) bool {
	switch c.said {
	case none:
		return c.stamp > m.asSince && m.elapsed()-c.stamp <= m.cfg.Found
	case nobody:
		return m.now.Sub(c.heard) <= m.cfg.Found
	}
	return false
}

// minPause is the least time for which a first seed listens for an invitation:
// three times what a transport may take to dial a seed again that refused.
const minPause = 300 * time.Millisecond

// punctual is how late a machine may be called without being stalled.
const punctual = 20 * time.Millisecond

// noteLate notes for how long this process was stalled while it was a candidate:
// in that time it heard nobody, so it does not count as listening.
func (m *Machine) noteLate() {
	if late := m.now.Sub(m.due); !m.due.IsZero() && late > punctual {
		m.stalled += late
	}
	m.due = time.Time{}
}

// foundAt is when this process founds if nothing more is heard; zero = not with
// what it knows.
//
// When a majority is known but somebody is silent, that one may be in a cluster
// whose stewards invite every T_found/3 (S3): T_found gives them three tries.
// When everybody has answered or refused the connection, the one case left is a
// cluster in which no seed is, or whose seeds have just been restarted; its
// stewards try a seed that refuses, or that did not get their last heartbeat,
// ten times as often, so a sixth of T_found will do: twice a heartbeat.
func (m *Machine) foundAt() time.Time {
	if !m.candidate() || m.unsettled {
		return time.Time{}
	}
	votes, of := m.votes()
	switch {
	case of == 0: // FoundAlone without any seed: there is nobody to wait for
		return m.since
	case votes == of:
		return m.since.Add(max(m.cfg.Found/6, minPause) + m.stalled)
	case 2*votes > of, m.cfg.FoundAlone, m.without(rules.S1Silence):
		return m.since.Add(m.cfg.Found + m.stalled)
	}
	return time.Time{}
}

func (m *Machine) considerFounding() {
	at := m.foundAt()
	if at.IsZero() || m.now.Before(at) {
		return
	}
	id := m.newClusterID()
	m.known = member.Identity{Cluster: id}
	m.since = time.Time{}
	m.emit(Founded{ID: id})
}

// newClusterID draws an ID that is ordered by time.
func (m *Machine) newClusterID() member.ClusterID {
	var id member.ClusterID
	binary.BigEndian.PutUint64(id[:8], uint64(m.now.UnixMilli())<<16)
	binary.BigEndian.PutUint16(id[6:8], uint16(m.cfg.Rand.Uint32()))
	binary.BigEndian.PutUint64(id[8:], m.cfg.Rand.Uint64())
	return id
}
