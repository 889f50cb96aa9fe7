package seedjoin

import (
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// maxChecks bounds the addresses that are being looked at; the one looked at
// longest makes room.
const maxChecks = 256

// check is a look at an address that a joiner and a known member both claim:
// who answers there now?
type check struct {
	by    member.Node // the joiner
	old   member.Node // the member
	stamp Stamp       // of the question
}

// mayAdmit reports whether this member can let somebody in.
func (m *Machine) mayAdmit() bool { return m.joined() && m.standing.Lease && !m.standing.Leaving }

func (m *Machine) onJoin(from member.Node, j Join) {
	if r, ok := m.objection(from, j); ok {
		m.send(from, r)
		return
	}
	old, ok := m.holder(from.Address)
	if !ok || old.UID == from.UID {
		if _, notes := compare(j.Settings, m.cfg.Settings); notes != "" && !ok {
			m.emit(Differs{Node: from, Text: notes})
		}
		m.emit(Admit{Node: from, Info: j.Info})
		return
	}
	m.lookAt(from, old)
	m.remember(from)
	m.send(from, Refusal{Code: Wait, Text: fmt.Sprintf(
		"%s is still a member at this address; %s waits until it is removed", old, from)})
}

// objection finds what keeps from out for good, or from this member.
func (m *Machine) objection(from member.Node, j Join) (Refusal, bool) {
	if j.Name != m.cfg.Name {
		return m.wrongName(j.Name), true
	}
	if !m.mayAdmit() {
		return Refusal{Code: AskAnother, Text: m.whyNot()}, true
	}
	if !j.Versions.Meets(m.cfg.Versions) {
		return Refusal{Code: WrongVersion, Text: fmt.Sprintf(
			"protocol versions: this node speaks %s, the cluster %s", j.Versions, m.cfg.Versions)}, true
	}
	if faults, _ := compare(j.Settings, m.cfg.Settings); faults != "" {
		return Refusal{Code: WrongSettings, Text: "settings differ from the cluster's: " + faults}, true
	}
	if from.Address == m.cfg.Self.Address {
		return inUse(m.cfg.Self), true
	}
	if old, ok := m.holder(from.Address); ok && from.UID < old.UID {
		return staleUID(from, old.UID), true
	}
	return Refusal{}, false
}

func (m *Machine) whyNot() string {
	if !m.joined() {
		return "this node is in no cluster at the moment"
	}
	return "this node is leaving, or its cluster cannot decide at the moment"
}

// holder is the member that is known at an address.
func (m *Machine) holder(address string) (member.Node, bool) {
	return m.standing.Members.Find(address)
}

// lists reports whether n is a member, as far as is known here.
func (m *Machine) lists(n member.Node) bool {
	held, ok := m.holder(n.Address)
	return ok && held == n
}

// lookAt asks who is at the joiner's address now.
func (m *Machine) lookAt(joiner, old member.Node) {
	m.probe(joiner.Address)
	if slices.ContainsFunc(m.checks, func(c check) bool { return c.by == joiner && c.old == old }) {
		return // the answer to any of the questions will do
	}
	m.checks = slices.DeleteFunc(m.checks, func(c check) bool { return c.by.Address == joiner.Address })
	if len(m.checks) >= maxChecks {
		m.checks = slices.Delete(m.checks, 0, 1)
	}
	m.checks = append(m.checks, check{by: joiner, old: old, stamp: m.stamped})
}

// checked takes the answer from an address that was looked at.
func (m *Machine) checked(from member.Node, a Answer) {
	i := slices.IndexFunc(m.checks, func(c check) bool {
		return c.by.Address == a.Asked && a.Stamp >= c.stamp && a.Stamp <= m.elapsed()
	})
	if i < 0 {
		return
	}
	c := m.checks[i]
	m.checks = slices.Delete(m.checks, i, i+1)
	switch {
	case from == c.by:
		m.emit(Replaced{Old: c.old, By: c.by})
	case from.UID > c.by.UID:
		m.send(c.by, staleUID(c.by, from.UID))
	default:
		m.send(c.by, inUse(from))
	}
}

// doubt notes that something sent to a seed failed. Though a member may hold the
// address, its process may have been followed by another, which must hear of
// the cluster before it founds one.
func (m *Machine) doubt(c *contact, f SendFailed) {
	if m.joined() && c.seed && f.Refused == "" {
		c.doubted = m.now
	}
}

// checkFailed takes that nobody listens at an address that was looked at.
func (m *Machine) checkFailed(address string) {
	i := slices.IndexFunc(m.checks, func(c check) bool { return c.by.Address == address })
	if i < 0 {
		return
	}
	c := m.checks[i]
	m.checks = slices.Delete(m.checks, i, i+1)
	m.emit(Replaced{Old: c.old, By: c.by})
}

// denied passes on that the engine would not take a joiner.
func (m *Machine) denied(d Denied) {
	if d.Exceed != 0 {
		m.send(d.Node, staleUID(d.Node, d.Exceed))
		return
	}
	code := AskAnother
	if d.Full {
		code = Full
	}
	m.send(d.Node, Refusal{Code: code, Text: d.Text})
}

func (m *Machine) refuseName(to member.Node, name string) { m.send(to, m.wrongName(name)) }

func (m *Machine) wrongName(name string) Refusal {
	return Refusal{Code: WrongName, Text: fmt.Sprintf(
		"wrong cluster name: %s belongs to %q, this node to %q", m.cfg.Self.Address, m.cfg.Name, name)}
}

func inUse(by member.Node) Refusal {
	return Refusal{Code: AddressInUse, Text: fmt.Sprintf(
		"address in use by a live member: %s answers there; advertise another address or stop it", by)}
}

func staleUID(n member.Node, known uint64) Refusal {
	if known == n.UID {
		return Refusal{Code: StaleUID, Exceed: known, Text: fmt.Sprintf(
			"%s was removed: start again, the UID must exceed %x", n, known)}
	}
	return Refusal{Code: StaleUID, Exceed: known, Text: fmt.Sprintf(
		"a later incarnation than %s is known at this address: the UID must exceed %x", n, known)}
}

// waiter is somebody to call when there is something to say.
type waiter struct {
	node member.Node
	at   time.Time
}

// maxWaiters bounds them; they ask again anyway.
const maxWaiters = 128

// remember notes that n asked in vain.
func (m *Machine) remember(n member.Node) {
	m.waiters = slices.DeleteFunc(m.waiters, func(w waiter) bool { return w.node.Address == n.Address })
	if len(m.waiters) >= maxWaiters {
		m.waiters = slices.Delete(m.waiters, 0, 1)
	}
	m.waiters = append(m.waiters, waiter{node: n, at: m.now})
}

// callWaiters invites who asked in vain, now that it can be let in, so that
// nobody sleeps through the founding. Those whose address is still held wait on.
func (m *Machine) callWaiters() {
	if !m.mayAdmit() {
		return
	}
	m.waiters = slices.DeleteFunc(m.waiters, func(w waiter) bool {
		if m.now.Sub(w.at) > m.cfg.Found {
			return true // gone, or it has asked another
		}
		if _, held := m.holder(w.node.Address); held {
			return false
		}
		m.invite(w.node, w.node.Address)
		return true
	})
}
