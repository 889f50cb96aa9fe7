package downing

import "github.com/pando-go/pando/clusterd/engine/member"

// KeepReferee keeps the side that can reach one chosen node, for example one
// in a third place that both halves of a data centre reach. It is the cure for
// clusters of two. While the referee is not a voter, a majority decides, as in
// [KeepMajority]; if it dies without leaving, the others wait until an
// operator recovers the cluster.
type KeepReferee struct {
	// Address is the referee's advertised host:port.
	Address string
}

// Quorum implements [Strategy]: any side with the referee.
func (s KeepReferee) Quorum(v *member.View, have func(member.Node) bool) bool {
	for i := range v.Members {
		if m := &v.Members[i]; m.Address == s.Address && m.Status.Votes() {
			return have(m.Node)
		}
	}
	return count(v, have).majority()
}

// String returns "keep-referee:" and the address.
func (s KeepReferee) String() string { return "keep-referee:" + s.Address }
