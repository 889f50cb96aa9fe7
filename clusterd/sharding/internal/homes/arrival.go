package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// arrival is a hand-over to this node: parts until all are here, then the
// slots whose former holder may not know yet that they arrived.
type arrival struct {
	from     member.Node
	id       uint64
	kind     *tokens
	view     uint64 // of the sender
	plan     uint32
	epoch    Epoch
	slots    *slots.Set
	parts    [][]byte
	missing  int
	complete bool
	timer    timer // of the acknowledgement, once complete
}

// maxParts bounds the parts of one hand-over, maxArrivals the hand-overs that
// are under way to one node.
const (
	maxParts    = 1 << 16
	maxArrivals = 1 << 16
)

// part takes one part of a hand-over. A repeated one is acknowledged again.
func (m *Machine) part(now time.Time, p Packet, b Part) error {
	from := p.Peer
	k := m.kind(b.Kind)
	if k == nil || m.drained {
		return ErrKind
	}
	if b.Count == 0 || b.Count > maxParts || b.Index >= b.Count || b.Slots == nil || b.Slots.Empty() {
		return ErrStale
	}
	a := m.arrivalOf(from, b.ID)
	if a == nil && k.knows(b.Slots, b.Epoch) {
		m.send(from, Got{ID: b.ID, All: true}) // from before, or overtaken by a later holder
		return nil
	}
	if a != nil && a.complete {
		a.acknowledge(now, m)
		return nil
	}
	if a == nil {
		if len(m.in) >= maxArrivals {
			return ErrLimit
		}
		a = &arrival{from: from, id: b.ID, kind: k, view: p.Message.View, plan: b.Plan, epoch: b.Epoch, slots: b.Slots, parts: make([][]byte, b.Count), missing: int(b.Count)}
		m.in = append(m.in, a)
	}
	return m.store(now, a, b)
}

func (m *Machine) arrivalOf(from member.Node, id uint64) *arrival {
	for _, a := range m.in {
		if a.id == id && a.from == from {
			return a
		}
	}
	return nil
}

func (m *Machine) store(now time.Time, a *arrival, b Part) error {
	if int(b.Count) != len(a.parts) {
		return ErrStale
	}
	if a.parts[b.Index] == nil {
		// The first arrival may always go on, else two halves could wait for
		// each other's room.
		if m.arriving+len(b.Data) > m.cfg.Limit && a != m.firstIncomplete() {
			return ErrLimit
		}
		a.parts[b.Index] = append(make([]byte, 0, len(b.Data)), b.Data...)
		a.missing--
		m.arriving += len(b.Data)
	}
	if a.missing > 0 {
		m.send(a.from, Got{ID: a.id, Index: b.Index})
		return nil
	}
	m.install(now, a)
	return nil
}

func (m *Machine) firstIncomplete() *arrival {
	for _, a := range m.in {
		if !a.complete {
			return a
		}
	}
	return nil
}

// install makes this node the holder of what arrived.
func (m *Machine) install(now time.Time, a *arrival) {
	packed := slices.Concat(a.parts...)
	m.arriving -= len(packed)
	a.parts, a.complete = nil, true
	// A holder whose cargo we cannot read still hands over the right to run.
	cargo, _ := unpack(packed)
	a.slots = m.acquire(a.kind, a.slots, a.epoch)
	a.kind.unconfirmed.Union(a.slots)
	if k := a.kind; a.view == m.view.Number && (!m.planned(k.table) || a.plan > k.table.number) {
		k.ahead.Union(a.slots)
		k.aheadOf = max(k.aheadOf, a.plan)
	}
	if !a.slots.Empty() {
		m.act(Run{Kind: a.kind.name, Slots: a.slots.Clone(), Cargo: only(cargo, a.slots)})
	}
	a.acknowledge(now, m)
}

func (a *arrival) acknowledge(now time.Time, m *Machine) {
	m.send(a.from, Got{ID: a.id, All: true})
	a.timer.sent(now, m.cfg.Retry)
}

// done takes the former holder's word that it has let go. What this node does
// not own moves on now.
func (m *Machine) done(from member.Node, b Done) error {
	a := m.arrivalOf(from, b.ID)
	if a == nil || !a.complete {
		return ErrStale
	}
	m.in = slices.DeleteFunc(m.in, func(o *arrival) bool { return o == a })
	a.kind.unconfirmed.Subtract(a.slots)
	m.advance()
	return nil
}

// closeArrivals ends those of nodes that are no longer members: half of one is
// worth nothing, and who was removed has let go.
func (m *Machine) closeArrivals() {
	m.in = slices.DeleteFunc(m.in, func(a *arrival) bool {
		if m.view.find(a.from) != nil {
			return false
		}
		if a.complete {
			a.kind.unconfirmed.Subtract(a.slots)
		}
		for _, p := range a.parts {
			m.arriving -= len(p)
		}
		return true
	})
}
