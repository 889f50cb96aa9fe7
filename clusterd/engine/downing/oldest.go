package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// KeepOldest keeps the side of the oldest voter, on which singletons run:
// however few are with it, what runs there need not move. When the oldest is
// cut off from all the others at once, the others go on. Of two voters the
// oldest lives.
type KeepOldest struct{}

// Quorum implements [Strategy]: the oldest and one more, or all but the
// oldest; of two, the oldest.
func (KeepOldest) Quorum(v *member.View, have func(member.Node) bool) bool {
	t := count(v, have)
	if t.voters <= 2 {
		return t.withOldest
	}
	if t.withOldest {
		return t.have >= 2
	}
	return t.have == t.voters-1
}

// String returns "keep-oldest".
func (KeepOldest) String() string { return "keep-oldest" }
