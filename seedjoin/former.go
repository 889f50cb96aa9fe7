package seedjoin

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Former is the cluster that the incarnation before this one, of the same
// process, was removed from. It decided that with a quorum, so it lives: while
// this process remembers it, it founds nothing and names it to who asks, for a
// majority of the seeds may be on this side of a cut and know of nothing (S5).
// The memory is void as that of a member without a lease is: when most of those
// who voted have restarted and remember nothing. Silence does not make it void;
// an operator does, by restarting the process.
type Former struct {
	Identity member.Identity // zero = there was none
	Voters   []member.Node   // of the last view that was known, sorted by address
}

// former is what has become of it.
type former struct {
	void      bool
	restarted map[member.Node]bool // voters whose addresses have another incarnation, which remembers nothing
	place     int                  // where in the list of voters the next round of questions begins
}

// remembers reports whether this process would join its former cluster rather
// than found another.
func (m *Machine) remembers() bool {
	return !m.cfg.Former.Identity.IsZero() && !m.former.void && m.known.IsZero()
}

// askFormer asks some of the voters who are not asked as contacts.
func (m *Machine) askFormer() {
	if !m.remembers() {
		return
	}
	voters := m.cfg.Former.Voters
	for range min(len(voters), askAtOnce) {
		m.former.place %= len(voters)
		v := voters[m.former.place]
		m.former.place++
		if m.contact(v.Address) == nil && v.Address != m.cfg.Self.Address {
			m.probe(v.Address)
		}
	}
}

// formerly takes an answer as news of the former cluster.
func (m *Machine) formerly(from member.Node, a Answer) {
	v, ok := member.Nodes(m.cfg.Former.Voters).Find(from.Address)
	if !ok || !m.remembers() {
		return
	}
	if a.State == Member && a.Identity == m.cfg.Former.Identity && m.contact(a.Asked) == nil {
		m.meet(from) // it can let this process in
	}
	if from.UID <= v.UID {
		return
	}
	if a.Identity == m.cfg.Former.Identity {
		delete(m.former.restarted, v) // it is in that cluster again, or waits for it as this process does
		return
	}
	if m.former.restarted == nil {
		m.former.restarted = map[member.Node]bool{}
		if own, ok := member.Nodes(m.cfg.Former.Voters).Find(m.cfg.Self.Address); ok {
			m.former.restarted[own] = true
		}
	}
	m.former.restarted[v] = true
	if 2*len(m.former.restarted) > len(m.cfg.Former.Voters) {
		m.former.void = true
	}
}

// silentFormer returns some voters of the former cluster, for the operator.
func (m *Machine) silentFormer() []string {
	var list []string
	for _, v := range m.cfg.Former.Voters {
		if v.Address != m.cfg.Self.Address && !m.former.restarted[v] && len(list) < maxNamed {
			list = append(list, v.Address)
		}
	}
	return list
}

// witnessOfFormer is the voter to whom others are sent who ask for a cluster.
func (m *Machine) witnessOfFormer() member.Node {
	i := slices.IndexFunc(m.cfg.Former.Voters, func(v member.Node) bool {
		return v.Address != m.cfg.Self.Address && !m.former.restarted[v]
	})
	if i < 0 {
		return m.cfg.Self
	}
	return m.cfg.Former.Voters[i]
}
