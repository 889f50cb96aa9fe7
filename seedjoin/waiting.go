package seedjoin

import (
	"fmt"
	"strings"
	"time"
)

// tellEvery is the pause between two Waiting events.
const tellEvery = 5 * time.Second

// tellWaiting says for whom this process waits, and why.
func (m *Machine) tellWaiting() {
	if m.now.Before(m.nextTell) {
		return
	}
	m.nextTell = m.now.Add(tellEvery)
	if !m.join.told {
		m.emit(m.waiting())
	}
}

func (m *Machine) waiting() Waiting {
	if c := m.target(); c != nil {
		return m.waitingToJoin(c)
	}
	if cs := m.those(named); len(cs) > 0 {
		return Waiting{For: cs, Why: "they name a cluster that cannot let anybody in at the moment"}
	}
	if m.remembers() {
		return Waiting{For: m.silentFormer(), Why: "this process was removed from their cluster, and founds no other while they may live: should they be gone for good, restart it"}
	}
	if m.first() && m.promise.binds(m.now) {
		return Waiting{For: []string{m.promise.to.Address}, Why: "it would found, too, and has the lower address or asked first: it founds"}
	}
	if m.first() {
		votes, of := m.votes()
		return Waiting{For: m.undecided(), Why: fmt.Sprintf(
			"%s founds when a majority of the seeds is known to be in no cluster: %d of %d by now, %s", m.founder(), votes, of, m.told())}
	}
	return Waiting{For: m.others(), Why: "no seed is in a cluster yet, and only " + m.founder() + " founds one: " + m.told()}
}

// founder is who founds, in words.
func (m *Machine) founder() string {
	if m.cfg.Symmetric {
		return "a seed"
	}
	return "the first seed"
}

func (m *Machine) waitingToJoin(c *contact) Waiting {
	why := "asked to join, no answer yet"
	if m.join.wait != "" {
		why = m.join.wait
	}
	return Waiting{For: []string{c.node.Address}, Why: why}
}

// those lists the other contacts that said what.
func (m *Machine) those(what said) []string {
	var s []string
	for _, c := range m.contacts {
		if !c.self && c.said == what {
			s = append(s, c.spelt)
		}
	}
	return s
}

// undecided lists the seeds without a vote that counts.
func (m *Machine) undecided() []string {
	var s []string
	for _, c := range m.contacts {
		if c.seed && !c.self && !m.votesFor(c) {
			s = append(s, c.spelt)
		}
	}
	return s
}

func (m *Machine) others() []string {
	var s []string
	for _, c := range m.contacts {
		if c.seed && !c.self {
			s = append(s, c.spelt)
		}
	}
	return s
}

// told sums up what the other seeds said.
func (m *Machine) told() string {
	var s []string
	for _, c := range m.contacts {
		if c.seed && !c.self {
			s = append(s, c.spelt+" "+c.said.String())
		}
	}
	return strings.Join(s, ", ")
}

// String is what a contact did, for the log.
func (s said) String() string {
	switch s {
	case silent:
		return "has not answered"
	case none:
		return "knows no cluster"
	case nobody:
		return "refuses the connection"
	case founding:
		return "is in no cluster and promised its vote"
	case named:
		return "names a cluster"
	case refused:
		return "is of another cluster or refuses the handshake"
	}
	return fmt.Sprintf("said(%d)", uint8(s))
}
