package homes

import "github.com/pando-go/pando/clusterd/slots"

// tokens are those of one kind that this node hosts.
type tokens struct {
	name  string
	table *table
	// A slot in custody is in exactly one of held, stopping and the slots of
	// the transfers of this kind.
	held     slots.Set // runs here
	stopping slots.Set // the shell was asked to stop it
	// unconfirmed is a part of held: the former holder may not know yet that
	// it arrived, so it must not move on.
	unconfirmed slots.Set
	// ahead is a part of held: what came by plan aheadOf of this view, while
	// this node follows an older one and would send it back.
	ahead   slots.Set
	aheadOf uint32
	claimed slots.Set // in custody at any time since this view began
	pace    int       // slots that may be on their way at a time
	transit int       // slots of its transfers
	left    int       // slots to come or to go, as the shell was told last
	// epoch is the highest under which this node had or gave a slot. It is not
	// the table's: that may have heard of a token that is still under way.
	epoch *[slots.Count]Epoch
}

func newTokens(t *table, pace int) *tokens {
	return &tokens{name: t.name, table: t, pace: pace, epoch: new([slots.Count]Epoch)}
}

// custody returns all that this node answers for.
func (k *tokens) custody(out []*transfer) *slots.Set {
	s := k.held.Clone()
	s.Union(&k.stopping)
	for _, t := range out {
		if t.kind == k {
			s.Union(t.slots)
		}
	}
	return s
}

// moving returns how many slots are on their way from here.
func (k *tokens) moving() int { return k.stopping.Len() + k.transit }

// knows tells whether epoch e, or a higher one, was seen for each of the slots.
func (k *tokens) knows(s *slots.Set, e Epoch) bool {
	for slot := range s.Slots() {
		if k.epoch[slot] < e {
			return false
		}
	}
	return true
}

// acquire makes this node the holder of slots under epoch e, but for those of
// which it has seen that epoch or a higher one. It returns what it acquired.
func (m *Machine) acquire(k *tokens, s *slots.Set, e Epoch) *slots.Set {
	got := new(slots.Set)
	for slot := range s.Slots() {
		if k.epoch[slot] < e {
			k.epoch[slot] = e
			got.Add(slot)
		}
	}
	k.held.Union(got)
	k.claimed.Union(got)
	m.place(k, got)
	return got
}

// place writes into the table that slots are here.
func (m *Machine) place(k *tokens, s *slots.Set) {
	var runs []Span
	for slot := range s.Slots() {
		runs = extend(runs, Span{slot, slot, m.cfg.Self, k.epoch[slot]})
	}
	m.learn(k.table, runs)
}

// restartClaims begins the claims of a new view with what is in custody.
func (m *Machine) restartClaims() {
	for _, k := range m.kinds {
		k.claimed = *k.custody(m.out)
	}
}

// only returns the cargo of the slots in s.
func only(cargo []Cargo, s *slots.Set) []Cargo {
	var list []Cargo
	for _, c := range cargo {
		if s.Has(c.Slot) {
			list = append(list, c)
		}
	}
	return list
}
