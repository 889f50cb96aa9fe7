// Package downing holds the strategies that say which side of a cut cluster
// lives, each as a quorum system over the voters of a view.
package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// Strategy is a quorum system: any two sets of voters of one view that it
// calls a quorum have a voter in common.
type Strategy interface {
	// Quorum reports whether the voters of v for which have returns true form
	// a quorum. It calls have for voters only.
	Quorum(v *member.View, have func(member.Node) bool) bool
	// String returns the name of the strategy, as configuration spells it.
	String() string
}
