package homes

import (
	"slices"
	"strings"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// View is an active view as far as placement needs it. It is immutable.
type View struct {
	Number  uint64
	Leader  string   // address of who led it
	Members []Member // sorted by address
}

// Member is one member of a [View].
type Member struct {
	member.Node
	Status member.Status
	Kinds  []string // that it hosts, sorted
}

// Hosts tells whether the member hosts entities of kind.
func (m Member) Hosts(kind string) bool {
	_, found := slices.BinarySearch(m.Kinds, kind)
	return found
}

// find returns the member with this very incarnation, or nil.
func (v *View) find(n member.Node) *Member {
	for i := range v.Members {
		if v.Members[i].Node == n {
			return &v.Members[i]
		}
	}
	return nil
}

// Issuer returns the member that issues tokens in this view: its leader, or, if
// that one hosts nothing or is not in it, the lowest address that does, Up
// before all others. It is a function of the view, so there is one.
func (v *View) Issuer() (member.Node, bool) {
	best, rank := member.Node{}, 0
	for _, m := range v.Members {
		if r := issuerRank(m, v.Leader); r > rank {
			best, rank = m.Node, r
		}
	}
	return best, rank > 0
}

func issuerRank(m Member, leader string) int {
	switch {
	case len(m.Kinds) == 0:
		return 0
	case m.Address == leader:
		return 3
	case m.Status == member.Up:
		return 2
	}
	return 1
}

// Owners tells the owner of each (kind, slot) in one view. It is immutable and
// safe for concurrent use.
type Owners struct {
	view  View
	kinds []string // that any member hosts, sorted
	by    map[string]*slots.Assignment
	uid   map[string]uint64 // by address
}

// NewOwners computes the owners of a view. assign is [slots.Assign], or a
// memory of it. Kinds with the same hosts share an assignment, so that keys
// with the same tag live together.
func NewOwners(v View, assign func([]string) *slots.Assignment) *Owners {
	o := &Owners{view: v, by: map[string]*slots.Assignment{}, uid: map[string]uint64{}}
	for _, m := range v.Members {
		o.uid[m.Address] = m.UID
		o.kinds = append(o.kinds, m.Kinds...)
	}
	slices.Sort(o.kinds)
	o.kinds = slices.Compact(o.kinds)
	shared := map[string]*slots.Assignment{}
	for _, kind := range o.kinds {
		hosts := v.hosts(kind)
		key := strings.Join(hosts, " ")
		if shared[key] == nil {
			shared[key] = assign(hosts)
		}
		o.by[kind] = shared[key]
	}
	return o
}

// hosts returns the addresses of those that may own slots of kind.
func (v *View) hosts(kind string) []string {
	var list []string
	for _, m := range v.Members {
		if m.Status == member.Up && m.Hosts(kind) {
			list = append(list, m.Address)
		}
	}
	return list
}

// Owner returns the owner of the slot; false if no member may own it.
func (o *Owners) Owner(kind string, slot uint16) (member.Node, bool) {
	a := o.by[kind]
	if a == nil {
		return member.Node{}, false
	}
	address, ok := a.Winner(slot)
	return member.Node{Address: address, UID: o.uid[address]}, ok
}

// Share returns the slots of kind that the node at address owns.
func (o *Owners) Share(kind, address string) *slots.Set {
	if a := o.by[kind]; a != nil {
		return a.Share(address)
	}
	return new(slots.Set)
}

// Hosted tells whether any member may own slots of kind.
func (o *Owners) Hosted(kind string) bool {
	a := o.by[kind]
	return a != nil && len(a.Nodes()) > 0
}

// View returns the view whose owners these are.
func (o *Owners) View() View { return o.view }
