package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// Strategy is a quorum system over the voters of a view.
type Strategy interface {
	// Quorum reports whether the voters of v for which have returns true form
	// a quorum. Any two quorums of one view have a voter in common; a superset
	// of a quorum is one. It calls have for voters only.
	Quorum(v *member.View, have func(member.Node) bool) bool
	// String returns the name of the strategy, as configuration spells it.
	String() string
}

// KeepMajority is the default strategy: more than half of the voters, or
// exactly half of them with the oldest. Of two members the older one lives.
type KeepMajority struct{}

// Quorum implements [Strategy].
func (KeepMajority) Quorum(v *member.View, have func(member.Node) bool) bool {
	voters, got := 0, 0
	oldest, withOldest := ^uint64(0), false
	for i := range v.Members {
		m := &v.Members[i]
		if !m.Status.Votes() {
			continue
		}
		voters++
		has := have(m.Node)
		if has {
			got++
		}
		if m.UpNumber < oldest {
			oldest, withOldest = m.UpNumber, has
		}
	}
	return 2*got > voters || 2*got == voters && voters > 0 && withOldest
}

// String returns "keep-majority".
func (KeepMajority) String() string { return "keep-majority" }
