package homes

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// View is an active view as far as placement needs it. It is immutable.
type View struct {
	Number   uint64
	Leader   string   // address of who led it
	Shutdown bool     // the whole cluster stops: nothing moves any more
	Members  []Member // sorted by address
}

// Member is one member of a [View].
type Member struct {
	member.Node
	Status member.Status
	Kinds  []string // that it hosts, sorted
	Weight int      // its share of the slots is proportional to it; less than 1 = 1
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

// Issuer returns the member that issues tokens and plans in this view: its
// leader, or, if that one hosts nothing or is not in it, the lowest address
// that does, Up before all others. It is a function of the view, so there is
// one.
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

// kinds returns the kinds that any member hosts, sorted.
func (v *View) kinds() []string {
	var list []string
	for _, m := range v.Members {
		list = append(list, m.Kinds...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Hosted tells whether any member may own slots of kind.
func (v *View) Hosted(kind string) bool {
	return slices.ContainsFunc(v.Members, func(m Member) bool { return m.Status == member.Up && m.Hosts(kind) })
}

// hosts returns those that may own slots of kind, as a planner wants them.
func (v *View) hosts(kind string) []slots.Member {
	var list []slots.Member
	for _, m := range v.Members {
		if m.Status == member.Up && m.Hosts(kind) {
			list = append(list, slots.Member{Node: slots.Node(m.Address), Weight: m.Weight})
		}
	}
	return list
}

// at returns the incarnation at an address; false if it is no member.
func (v *View) at(address string) (member.Node, bool) {
	for _, m := range v.Members {
		if m.Address == address {
			return m.Node, true
		}
	}
	return member.Node{}, false
}
