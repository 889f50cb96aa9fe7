package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// transfer is a hand-over that has not been acknowledged: its tokens are in
// transit. Nothing runs here, and nobody else may be given them.
type transfer struct {
	id     uint64
	to     member.Node
	kind   *tokens
	plan   uint32
	epoch  Epoch
	slots  *slots.Set
	cargo  []Cargo
	packed []byte
	acked  []bool // by part
	next   int    // the first part that was not sent yet
	timer  timer
}

// handOver sends slots, which do not run, to their owners: one hand-over for
// each owner and epoch.
func (m *Machine) handOver(now time.Time, k *tokens, s *slots.Set, cargo []Cargo) {
	type lot struct {
		to    member.Node
		epoch Epoch
	}
	var order []lot
	lots := map[lot]*slots.Set{}
	for slot := range s.Slots() {
		to, ok := k.table.owner(slot)
		if !ok {
			panic("homes: hand-over of a slot without an owner")
		}
		k.epoch[slot] = k.epoch[slot].next(m.view.Number)
		l := lot{to, k.epoch[slot]}
		if lots[l] == nil {
			lots[l] = new(slots.Set)
			order = append(order, l)
		}
		lots[l].Add(slot)
	}
	for _, l := range order {
		m.nextID++
		t := &transfer{id: m.nextID, to: l.to, kind: k, plan: k.table.number, epoch: l.epoch, slots: lots[l], cargo: only(cargo, lots[l])}
		t.packed = pack(t.cargo)
		t.acked = make([]bool, max(1, (len(t.packed)+partSize-1)/partSize))
		m.out = append(m.out, t)
		k.transit += t.slots.Len()
		for first, last := range t.slots.Ranges() {
			k.table.merge(Span{first, last, t.to, t.epoch}, &m.view) // on its way; the router hears of it with Pass
		}
		t.advance(now, m)
	}
}

// advance sends parts for the first time, as many as the window allows.
func (t *transfer) advance(now time.Time, m *Machine) {
	open := 0
	for _, acked := range t.acked[:t.next] {
		if !acked {
			open++
		}
	}
	for ; t.next < len(t.acked) && open < window; open++ {
		t.sendPart(m, t.next)
		t.next++
	}
	t.timer.sent(now, m.cfg.Retry)
}

// resend sends again what was sent and not acknowledged.
func (t *transfer) resend(now time.Time, m *Machine) {
	for i, acked := range t.acked[:t.next] {
		if !acked {
			t.sendPart(m, i)
		}
	}
	t.timer.sent(now, m.cfg.Retry)
}

func (t *transfer) sendPart(m *Machine, i int) {
	from, to := i*partSize, min((i+1)*partSize, len(t.packed))
	m.send(t.to, Part{
		ID: t.id, Kind: t.kind.name, Plan: t.plan, Epoch: t.epoch, Slots: t.slots,
		Index: uint32(i), Count: uint32(len(t.acked)), Data: t.packed[from:to],
	})
}

// got takes the receiver's acknowledgement. One of a hand-over that is not
// known any more was sent because our Done was lost.
func (m *Machine) got(now time.Time, from member.Node, b Got) error {
	i := slices.IndexFunc(m.out, func(t *transfer) bool { return t.id == b.ID })
	if i < 0 {
		if b.All {
			m.send(from, Done{ID: b.ID})
		}
		return nil
	}
	t := m.out[i]
	if t.to != from || int64(b.Index) >= int64(len(t.acked)) {
		return ErrStale
	}
	if !b.All {
		if !t.acked[b.Index] {
			t.acked[b.Index] = true
			t.timer.reset()
			t.advance(now, m)
		}
		return nil
	}
	m.out = slices.Delete(m.out, i, i+1)
	t.kind.transit -= t.slots.Len()
	m.act(Route{Kind: t.kind.name, Slots: t.slots, To: t.to, Epoch: t.epoch})
	m.act(Pass{Kind: t.kind.name, Slots: t.slots, To: t.to})
	m.send(from, Done{ID: b.ID})
	m.advance()
	return nil
}

// lost is what a removed receiver never acknowledged.
type lost struct {
	kind  *tokens
	slots *slots.Set
	cargo []Cargo
}

// takeBack ends the hand-overs to nodes that are no longer members. What such
// a node got before, it ran, if at all, until its removal was active; it never
// handed it on, since it never had our Done.
func (m *Machine) takeBack() []lost {
	var back []lost
	m.out = slices.DeleteFunc(m.out, func(t *transfer) bool {
		if m.view.find(t.to) != nil {
			return false
		}
		t.kind.transit -= t.slots.Len()
		back = append(back, lost{t.kind, t.slots, t.cargo})
		// Until enter settles them they count as stopping: claims are taken first.
		t.kind.stopping.Union(t.slots)
		return true
	})
	return back
}
