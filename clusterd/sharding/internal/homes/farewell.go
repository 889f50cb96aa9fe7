package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// farewell is how a node that leaves makes sure that nobody sends it messages
// for entities any more. A [Leave] waits, like every message, until its receiver
// is in the view that it came from, and in that view the sender owns nothing.
type farewell struct {
	hosts  []member.Node // that have not answered
	others []member.Node // the same of those that may not know this protocol
	until  time.Time     // how long to wait for the others
	timer  timer
}

// bidFarewell begins with the first view in which this node may own nothing.
func (m *Machine) bidFarewell(now time.Time) {
	self := m.view.find(m.cfg.Self)
	if self.Status == member.Up {
		return
	}
	if f := m.farewell; f != nil {
		gone := func(n member.Node) bool { return m.view.find(n) == nil }
		f.hosts = slices.DeleteFunc(f.hosts, gone)
		f.others = slices.DeleteFunc(f.others, gone)
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

func (f *farewell) busy() bool { return len(f.hosts)+len(f.others) > 0 }

func (f *farewell) send(now time.Time, m *Machine) {
	if !now.Before(f.until) {
		f.others = nil
	}
	for _, to := range slices.Concat(f.hosts, f.others) {
		m.send(to, Leave{})
	}
	f.timer.sent(now, m.cfg.Retry)
}

func (m *Machine) left(from member.Node) error {
	if m.farewell == nil {
		return ErrStale
	}
	is := func(n member.Node) bool { return n == from }
	m.farewell.hosts = slices.DeleteFunc(m.farewell.hosts, is)
	m.farewell.others = slices.DeleteFunc(m.farewell.others, is)
	return nil
}
