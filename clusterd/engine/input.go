package engine

import "github.com/pando-go/pando/clusterd/engine/member"

// Input is one thing that an engine is told: a *[Message] from a peer, or one
// of the commands [Found], [Expect], [Admit], [Replace], [Hail], [Abandon],
// [Describe], [Leave], [Drained], [Down], [Shutdown], [Recover],
// [Granted], [Denied] and [SendFailed].
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

// Describe changes what this node tells of itself: an application version that
// is known late, another kind that it hosts. Before the join it replaces
// [Config.Info].
type Describe struct{ Info member.Info }

// Leave tells that this node wants to leave.
type Leave struct{}

// Drained tells that this node, which is leaving, has handed over everything.
type Drained struct{}

// Down tells that an operator wants the member at an address down.
type Down struct{ Address string }

// Shutdown tells that an operator wants the whole cluster to stop. A view says
// so to all; from then on nobody is let in and nothing is taken over. Each node
// stops what it hosts without handing over, then leaves: see [ClusterShutdown].
type Shutdown struct{}

// Recover tells that an operator takes it upon himself that those whom this
// node cannot reach are gone for good, though they were a majority. This node
// and the voters that it hears go on under a new branch of the cluster's
// identity; whoever comes back of the others is of another cluster then.
type Recover struct{}

// Granted answers a [Claim] that was carried out.
type Granted struct {
	Stamp  int64  // of the claim
	Number uint64 // grows with each change of the holder; at most 31 bits
	Note   string // what the last holder stored; of an acquisition only
}

// Denied answers a [Claim] that was not carried out, or of which nobody knows.
type Denied struct {
	Stamp int64 // of the claim
	Lost  bool  // of a renewal: somebody else holds the lease now
}

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
func (Describe) input()   {}
func (Leave) input()      {}
func (Drained) input()    {}
func (Down) input()       {}
func (Shutdown) input()   {}
func (Recover) input()    {}
func (Granted) input()    {}
func (Denied) input()     {}
func (SendFailed) input() {}
