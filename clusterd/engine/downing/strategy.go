package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// Strategy is a quorum system over the voters of a view. All nodes of a
// cluster must have the same one. Implementations are values that any
// goroutine may use.
type Strategy interface {
	// Quorum reports whether the voters of v for which have returns true form
	// a quorum. Any two quorums of one view have a voter in common; a superset
	// of a quorum is one. It calls have for voters only.
	Quorum(v *member.View, have func(member.Node) bool) bool
	// String returns the strategy as configuration spells it: [Parse] reads it.
	String() string
}

// Limiter is a [Strategy] that holds for views of a limited size only.
type Limiter interface {
	Strategy
	// Limit returns how many voters a view may have at most. A leader proposes
	// no view with more.
	Limit() int
}

// tally is what the strategies count in a view.
type tally struct {
	voters     int
	have       int         // voters on this side
	oldest     member.Node // voter with the lowest upNumber; zero = there is no voter
	withOldest bool        // the oldest is on this side
}

func count(v *member.View, have func(member.Node) bool) tally {
	var t tally
	lowest := ^uint64(0)
	for i := range v.Members {
		m := &v.Members[i]
		if !m.Status.Votes() {
			continue
		}
		t.voters++
		has := have(m.Node)
		if has {
			t.have++
		}
		if m.UpNumber < lowest {
			lowest, t.oldest, t.withOldest = m.UpNumber, m.Node, has
		}
	}
	return t
}

// majority reports whether this side has more than half of the voters, or
// exactly half of them with the oldest.
func (t tally) majority() bool {
	return 2*t.have > t.voters || 2*t.have == t.voters && t.withOldest
}
