package seedjoin

import (
	"fmt"
	"iter"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// memory is what a member without a lease finds out about the addresses of its
// last view (S5). Silence and a refused connection tell nothing: after a cut,
// or behind a firewall that rejects, everybody is where it was.
type memory struct {
	since time.Time // without a lease since then; zero = it has one
	stamp Stamp     // later than every question put before since
	next  time.Time // the next round of questions
	place int       // where in the list of addresses it begins
	alive time.Time // when somebody of this cluster last said that it has a lease
	words map[member.Node]word
	lost  bool // that has been told
}

// word is what is known of one voter of the last view.
type word struct {
	restarted bool      // a later incarnation answered, which is not of this cluster
	since     time.Time // it says since then that it has no lease; zero = it does not
	heard     time.Time // when it last said so
}

// askAtOnce bounds the questions of one round, so that what a member without a
// lease costs the others does not grow with the cluster.
const askAtOnce = 16

// recollect begins the questions when the lease is gone, and ends them when it
// is back.
func (m *Machine) recollect() {
	switch {
	case !m.joined() || m.standing.Lease:
		m.memory = memory{}
	case m.memory.since.IsZero():
		m.memory = memory{since: m.now, stamp: m.stamp(), next: m.now.Add(m.cfg.Found), words: map[member.Node]word{}}
		m.nextTell = m.now.Add(2 * m.cfg.Found) // some have answered by then
	default:
		m.forgetWords()
	}
}

// forgetWords drops the words of those that a newer view does not list.
func (m *Machine) forgetWords() {
	if len(m.memory.words) == 0 {
		return
	}
	kept := map[member.Node]word{}
	for v := range m.standing.Voters.All() {
		if w, ok := m.memory.words[v]; ok {
			kept[v] = w
		}
	}
	m.memory.words = kept
}

// recall asks some of the addresses of the last view, and the seeds, who is
// there and what it knows.
func (m *Machine) recall() {
	if m.memory.next.IsZero() || m.now.Before(m.memory.next) {
		return
	}
	m.considerLost()
	m.tellPaused()
	m.memory.next = m.now.Add(m.jitter(m.cfg.Found / 3))
	for _, address := range m.turn() {
		m.probe(address)
	}
}

// turn returns whose turn it is to be asked. All are gone through twice rather
// than listed: they may be ten thousand.
func (m *Machine) turn() []string {
	total := 0
	for range m.recollected() {
		total++
	}
	ask := make([]string, min(total, askAtOnce))
	if total == 0 {
		return ask
	}
	first, i := m.memory.place%total, 0
	for address := range m.recollected() {
		if k := (i - first + total) % total; k < len(ask) {
			ask[k] = address
		}
		i++
	}
	m.memory.place = first + len(ask)
	return ask
}

// recollected yields every address where somebody may know of this cluster.
func (m *Machine) recollected() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range m.standing.Members.All() {
			if n.Address != m.cfg.Self.Address && !yield(n.Address) {
				return
			}
		}
		for _, c := range m.contacts[:m.seeds] {
			if _, held := m.holder(c.spelt); !held && !c.self && !yield(c.spelt) {
				return
			}
		}
	}
}

// recalled takes an answer to a question of recall.
func (m *Machine) recalled(from member.Node, a Answer) {
	if m.memory.since.IsZero() || a.Stamp <= m.memory.stamp || a.Stamp > m.elapsed() {
		return
	}
	kin := a.State == Member && a.Identity == m.standing.Identity
	if kin {
		m.hail(from, a.View)
	}
	switch v, ok := m.voter(from.Address); {
	case kin && a.Lease:
		m.memory.alive = m.now
	case !ok || from.UID < v.UID:
	case kin:
		m.memory.words[v] = m.memory.words[v].without(m.now)
	case from.UID > v.UID:
		m.memory.words[v] = word{restarted: true}
	}
}

// without notes that there is no lease now.
func (w word) without(now time.Time) word {
	if w.since.IsZero() {
		w.since = now
	}
	w.heard, w.restarted = now, false
	return w
}

// hail has the engine talk to a member of this cluster that it does not know, or
// that is ahead: that one can tell it, with proof, that it was removed.
func (m *Machine) hail(n member.Node, view uint64) {
	if !m.memory.since.IsZero() && (view > m.standing.View || !m.lists(n)) {
		m.emit(Hail{Node: n})
	}
}

// voter is the voter of the last view at an address.
func (m *Machine) voter(address string) (member.Node, bool) { return m.standing.Voters.Find(address) }

// considerLost ends this incarnation when its cluster cannot come back: most
// voters of its last view have lost their memory of it in a restart, or are
// known to have waited for T_giveup in vain, as this process has.
func (m *Machine) considerLost() {
	if m.memory.lost || m.actsWithoutMe() || m.without(rules.S5Void) {
		return
	}
	gone, all := 0, m.standing.Voters.Len()
	for v := range m.standing.Voters.All() {
		if w := m.memory.words[v]; w.restarted || m.waitsInVain(v, w) {
			gone++
		}
	}
	if 2*gone > all {
		m.memory.lost = true
		m.emit(Lost{Why: fmt.Sprintf(
			"the cluster is lost: %d of the %d voters of view %d have restarted, or have had no quorum for %s", gone, all, m.standing.View, m.cfg.GiveUp)})
	}
}

// actsWithoutMe reports whether somebody of this cluster had a lease lately.
func (m *Machine) actsWithoutMe() bool {
	return !m.memory.alive.IsZero() && m.now.Sub(m.memory.alive) < m.cfg.GiveUp
}

// maxNamed bounds the addresses in one line for the operator.
const maxNamed = 8

// tellPaused says for whom a voter without a lease waits.
func (m *Machine) tellPaused() {
	if self, _ := m.voter(m.cfg.Self.Address); self != m.cfg.Self || m.memory.lost || m.actsWithoutMe() || m.now.Before(m.nextTell) {
		return
	}
	m.nextTell = m.now.Add(tellEvery)
	var silent []string
	for v := range m.standing.Voters.All() {
		if _, heard := m.memory.words[v]; !heard && v != m.cfg.Self && len(silent) < maxNamed {
			silent = append(silent, v.Address)
		}
	}
	m.emit(Waiting{For: silent, Why: "this node reaches no quorum of its cluster, and decides nothing until it does"})
}

// waitsInVain reports whether a voter is known to have had no lease for T_giveup.
func (m *Machine) waitsInVain(v member.Node, w word) bool {
	since, heard := w.since, w.heard
	if v == m.cfg.Self {
		since, heard = m.memory.since, m.now
	}
	if since.IsZero() || m.now.Sub(heard) > m.fresh() {
		return false
	}
	if m.memory.alive.After(since) {
		since = m.memory.alive
	}
	return heard.Sub(since) >= m.cfg.GiveUp
}

// fresh is for how long the word of one voter holds: until it has been asked
// again twice.
func (m *Machine) fresh() time.Duration {
	rounds := m.standing.Members.Len()/askAtOnce + 1
	return max(m.cfg.GiveUp, 2*time.Duration(rounds)*m.cfg.Found/3)
}
