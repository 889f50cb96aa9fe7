package downing

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// StaticQuorum keeps the side that has at least Size voters. It suits a
// cluster of a fixed size: a side too small to do the work stops, even when it
// is the larger one.
type StaticQuorum struct {
	// Size is how many voters go on, at least 1. It should be more than half
	// of the planned size of the cluster.
	Size int
}

// Quorum implements [Strategy]: Size voters. A view with fewer is one of a
// cluster that still grows, or that shrank in order: all its voters together
// decide, since otherwise a founder could never admit anybody. In a view too
// large for Size a majority is needed as well, so that never two sides go on.
func (s StaticQuorum) Quorum(v *member.View, have func(member.Node) bool) bool {
	t := count(v, have)
	return t.majority() && t.have >= min(s.Size, t.voters)
}

// Limit implements [Limiter]: 2·Size−1 voters. One more and both halves of a
// cut could have Size.
func (s StaticQuorum) Limit() int { return 2*s.Size - 1 }

// String returns "static-quorum:" and the size.
func (s StaticQuorum) String() string { return fmt.Sprintf("static-quorum:%d", s.Size) }
