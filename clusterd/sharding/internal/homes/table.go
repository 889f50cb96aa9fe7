package homes

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Span is a run of neighbouring slots with the same holder and epoch.
type Span struct {
	First, Last uint16 // both in it
	Node        member.Node
	Epoch       Epoch // 0 where only the place matters
}

// table is what this node knows of one kind: where its tokens are, or are
// heading, and where they ought to be. Of two words on the same slot the one
// with the higher epoch is newer, so it does not matter in which order, or how
// often, they come. All nodes have tables of all kinds, hosts or not.
type table struct {
	name   string
	nodes  []member.Node // all that are named below; 0 is nobody
	index  map[member.Node]uint16
	holder [slots.Count]uint16
	epoch  [slots.Count]Epoch
	target [slots.Count]uint16

	// The plan that target is of. view is 0 before the first.
	view   uint64
	number uint32
	mine   slots.Set // whose target is this node
	told   bool      // the issuer knows that this node has settled
}

func newTable(name string) *table {
	return &table{name: name, nodes: make([]member.Node, 1), index: map[member.Node]uint16{{}: 0}}
}

func (t *table) number16(n member.Node) uint16 {
	i, ok := t.index[n]
	if !ok {
		i = uint16(len(t.nodes))
		t.index[n] = i
		t.nodes = append(t.nodes, n)
	}
	return i
}

// where returns the holder of a slot, as far as is known, and the epoch.
func (t *table) where(slot uint16) (member.Node, Epoch) {
	return t.nodes[t.holder[slot%slots.Count]], t.epoch[slot%slots.Count]
}

// merge takes what is newer than what is known, and returns those slots.
func (t *table) merge(r Span, v *View) *slots.Set {
	node := r.Node
	if v.find(node) == nil {
		node = member.Node{}
	}
	news := new(slots.Set)
	i := t.number16(node)
	for slot := int(r.First); slot <= int(r.Last); slot++ {
		if e := t.epoch[slot]; e < r.Epoch || e == r.Epoch && t.holder[slot] == 0 && i != 0 {
			t.epoch[slot], t.holder[slot] = r.Epoch, i
			news.Add(uint16(slot))
		}
	}
	return news
}

// prune forgets the holders that are not members any more and returns what they
// held. The numbers of nodes begin anew, so that they stay few.
func (t *table) prune(v *View) *slots.Set {
	old := t.nodes
	t.nodes, t.index = make([]member.Node, 1), map[member.Node]uint16{{}: 0}
	renamed := make([]uint16, len(old))
	for i, n := range old {
		if v.find(n) != nil {
			renamed[i] = t.number16(n)
		}
	}
	gone := new(slots.Set)
	for slot := range t.holder {
		was := t.holder[slot]
		t.holder[slot], t.target[slot] = renamed[was], renamed[t.target[slot]]
		if was != 0 && renamed[was] == 0 {
			gone.Add(uint16(slot))
		}
	}
	return gone
}

// lose notes that slots are nowhere.
func (t *table) lose(s *slots.Set) {
	for slot := range s.Slots() {
		t.holder[slot] = 0
	}
}

// names tells whether any slot is at a node, or heading there.
func (t *table) names(n member.Node) bool {
	i, ok := t.index[n]
	return ok && slices.Contains(t.holder[:], i)
}

// runs returns the known holders of the slots in s.
func (t *table) runs(s *slots.Set) []Span {
	var list []Span
	for slot := range s.Slots() {
		if t.holder[slot] == 0 {
			continue
		}
		node, epoch := t.where(slot)
		list = extend(list, Span{slot, slot, node, epoch})
	}
	return list
}

// extend appends a run, or makes the last one longer by it.
func extend(list []Span, r Span) []Span {
	if n := len(list); n > 0 && list[n-1].Last+1 == r.First && list[n-1].Node == r.Node && list[n-1].Epoch == r.Epoch {
		list[n-1].Last = r.Last
		return list
	}
	return append(list, r)
}

// aim makes runs the target and remembers whose plan they are.
func (t *table) aim(view uint64, number uint32, runs []Span, self member.Node) {
	t.view, t.number, t.told = view, number, false
	t.target = [slots.Count]uint16{}
	t.mine.Clear()
	for _, r := range runs {
		i := t.number16(r.Node)
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			t.target[slot] = i
			if r.Node == self {
				t.mine.Add(uint16(slot))
			}
		}
	}
}

// owner returns who ought to have a slot; false if nobody can.
func (t *table) owner(slot uint16) (member.Node, bool) {
	i := t.target[slot]
	return t.nodes[i], i != 0
}
