package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// KeepMajority is the default strategy: more than half of the voters, or
// exactly half of them with the oldest. Of two members the older one lives, so
// the loss of the older stops both: where that is not wanted, see
// [KeepReferee].
type KeepMajority struct{}

// Quorum implements [Strategy].
func (KeepMajority) Quorum(v *member.View, have func(member.Node) bool) bool {
	return count(v, have).majority()
}

// String returns "keep-majority".
func (KeepMajority) String() string { return "keep-majority" }
