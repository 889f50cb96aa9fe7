package engine

import "github.com/pando-go/pando/clusterd/engine/member"

// Input is one thing that an engine is told: a *[Message] from a peer, or one
// of the commands [Found], [Expect], [Admit], [Replace], [Hail], [Abandon],
// [Leave], [Drained], [Down] and [SendFailed].
type Input interface{ input() }

// Found founds a cluster: this node is its only member, Up, and view 1 is
// decided and active.
type Found struct{ ID member.ClusterID }

// Expect tells from whom a Welcome is expected. Any other Welcome is refused.
// UID 0 accepts whoever is at the address; a later Expect replaces an earlier.
type Expect struct{ From member.Node }

// Admit accepts a node as Joining and welcomes it. The same node again is
// welcomed again.
type Admit struct {
	Node member.Node
	Info member.Info
}

// Replace wants an old incarnation down, because a newer one asks for its
// address.
type Replace struct{ Old member.Node }

// Hail tells of a member of this cluster that this node may not know, or that
// knows more: the two compare what they know. A node that was removed while it
// was cut off learns it so, though all whom it knew are gone.
type Hail struct{ Node member.Node }

// Abandon tells that the cluster is lost: too many of its members are gone for
// anything to be decided ever again. This incarnation ends.
type Abandon struct{}

// Leave tells that this node wants to leave.
type Leave struct{}

// Drained tells that this node, which is leaving, has handed over everything.
type Drained struct{}

// Down tells that an operator wants the member at an address down.
type Down struct{ Address string }

// SendFailed tells that a message to a node certainly or probably did not
// arrive. It is a hint: nobody is accused for it.
type SendFailed struct{ To member.Node }

func (*Message) input()   {}
func (Found) input()      {}
func (Expect) input()     {}
func (Admit) input()      {}
func (Replace) input()    {}
func (Hail) input()       {}
func (Abandon) input()    {}
func (Leave) input()      {}
func (Drained) input()    {}
func (Down) input()       {}
func (SendFailed) input() {}
