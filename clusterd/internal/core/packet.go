package core

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/seedjoin"
)

// Input is one of *Packet, SendFailed, Describe, Leave, Down, Drained, Shutdown,
// Recover, Granted and Denied.
type Input interface{ input() }

// Packet is one control message between two cores. To.UID 0 means "whoever is
// there". Exactly one of the bodies is set, and its From and To are those of
// the packet.
type Packet struct {
	From, To member.Node
	Engine   *engine.Message
	Join     *seedjoin.Message
}

// SendFailed tells that a packet to To certainly or probably did not arrive.
type SendFailed struct {
	To      member.Node
	Nobody  bool   // connection refused: nothing listens there
	Refused string // the other side's reason (wrong cluster name, …); "" = other failure
	Exceed  uint64 // with Refused: the number that this node's UID must exceed; 0 = that is not the reason
}

// Leave tells that this node wants to leave.
type Leave struct{}

// Down tells that an operator wants the member at an address down.
type Down struct{ Address string }

// Drained tells that what ran here has been handed over.
type Drained struct{}

// Describe changes what this node tells of itself.
type Describe struct{ Info member.Info }

// Shutdown tells that an operator wants the whole cluster to stop.
type Shutdown struct{}

// Recover tells that an operator lets those whom this node hears go on without
// a quorum, under a new branch: see [engine.Recover].
type Recover struct{}

// Seeds replaces the list of seeds: see [seedjoin.Seeds].
type Seeds struct {
	Addresses []string
	Unsettled bool // the list still changes
}

// Yield tells that an operator wants this cluster to end in favour of the island
// that was told of last: see [seedjoin.Yield].
type Yield struct{}

// Granted answers a claim: see [engine.Granted].
type Granted engine.Granted

// Denied answers a claim: see [engine.Denied].
type Denied engine.Denied

func (*Packet) input()    {}
func (Granted) input()    {}
func (Denied) input()     {}
func (SendFailed) input() {}
func (Leave) input()      {}
func (Down) input()       {}
func (Drained) input()    {}
func (Seeds) input()      {}
func (Yield) input()      {}
func (Describe) input()   {}
func (Shutdown) input()   {}
func (Recover) input()    {}

// check refuses what is not for the incarnation self.
func (p *Packet) check(self member.Node) error {
	switch {
	case p == nil, (p.Engine == nil) == (p.Join == nil):
		return ErrMalformed
	case p.Engine != nil && (p.Engine.From != p.From || p.Engine.To != p.To):
		return ErrMalformed
	case p.Join != nil && (p.Join.From != p.From || p.Join.To != p.To):
		return ErrMalformed
	case p.To.UID != 0 && p.To.UID != self.UID:
		return fmt.Errorf("%w: %s, this is %s", ErrMisaddressed, p.To, self)
	}
	return nil
}
