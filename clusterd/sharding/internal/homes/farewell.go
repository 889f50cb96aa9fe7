package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// farewell is how a node that leaves makes sure that nobody sends it messages
// for entities any more. [Leave] tells each member where all slots went that
// were ever here: each word of others that they are here is older.
type farewell struct {
	hosts  []member.Node // that have not answered
	others []member.Node // the same of those that may not know this protocol
	until  time.Time     // how long to wait for the others
	timer  timer
}

// bidFarewell begins when this node leaves and nothing is here or on its way
// here.
func (m *Machine) bidFarewell(now time.Time) {
	self := m.view.find(m.cfg.Self)
	if self == nil || self.Status == member.Up || m.farewell != nil || !m.empty() || m.expects() {
		return
	}
	f := &farewell{until: now.Add(4 * m.cfg.Retry)}
	for _, o := range m.view.Members {
		switch {
		case o.Node == m.cfg.Self:
		case len(o.Kinds) > 0:
			f.hosts = append(f.hosts, o.Node)
		default:
			f.others = append(f.others, o.Node)
		}
	}
	m.farewell = f
	f.send(now, m)
}

// expects tells whether something may be coming here: a plan is not known yet,
// or a table says that a slot is here.
func (m *Machine) expects() bool {
	for _, k := range m.kinds {
		if !m.planned(k.table) || k.table.names(m.cfg.Self) {
			return true
		}
	}
	return false
}

// keepFarewell forgets who is no longer a member, in a new view.
func (m *Machine) keepFarewell() {
	if f := m.farewell; f != nil {
		gone := func(n member.Node) bool { return m.view.find(n) == nil }
		f.hosts = slices.DeleteFunc(f.hosts, gone)
		f.others = slices.DeleteFunc(f.others, gone)
	}
}

func (f *farewell) busy() bool { return len(f.hosts)+len(f.others) > 0 }

func (f *farewell) send(now time.Time, m *Machine) {
	if !now.Before(f.until) {
		f.others = nil
	}
	var leave Leave
	for _, k := range m.kinds {
		leave.Kinds = append(leave.Kinds, Learn{k.name, k.table.runs(slots.All())})
	}
	for _, to := range slices.Concat(f.hosts, f.others) {
		m.send(to, leave)
	}
	f.timer.sent(now, m.cfg.Retry)
}

// leave learns where the slots of a node that leaves have gone.
func (m *Machine) leave(from member.Node, b Leave) {
	for _, k := range b.Kinds {
		// A kind that nobody else hosts any more has no table: nobody asks.
		_ = m.correct(k)
	}
	m.send(from, Left{})
}

func (m *Machine) leftBy(from member.Node) error {
	if m.farewell == nil {
		return ErrStale
	}
	is := func(n member.Node) bool { return n == from }
	m.farewell.hosts = slices.DeleteFunc(m.farewell.hosts, is)
	m.farewell.others = slices.DeleteFunc(m.farewell.others, is)
	return nil
}
