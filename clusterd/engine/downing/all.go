package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// DownAll keeps nobody: only all voters together decide, so the loss of a
// single one stops the cluster. It suits programs that would rather stop and
// be started anew than guess, where something else starts them.
type DownAll struct{}

// Quorum implements [Strategy]: all voters.
func (DownAll) Quorum(v *member.View, have func(member.Node) bool) bool {
	t := count(v, have)
	return t.voters > 0 && t.have == t.voters
}

// String returns "down-all".
func (DownAll) String() string { return "down-all" }
