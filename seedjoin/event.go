package seedjoin

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Input is one of *Message, Stand, SendFailed, Denied, Seeds and Yield.
type Input interface{ input() }

// Standing is what the engine knows, as far as this machine needs it. The zero
// Standing: not a member.
type Standing struct {
	Identity     member.Identity
	View         uint64
	Lease        bool        // may act: for now "is a voter that reaches a quorum"
	Leaving      bool        // on its way out: lets nobody in
	Steward      bool        // one of the three lowest reachable Up addresses: it invites configured seeds (S3)
	OtherSteward member.Node // the lowest of these that is not this process: who asks here to no avail is sent there; zero = none
	Change       uint64      // differs from before when Members or Voters do
	Members      member.Roll // every address in use: joining to down; nil = none
	Voters       member.Roll // those of the view; nil = none
}

// Stand tells what the engine knows now. Give it whenever that has changed.
type Stand struct{ Standing }

// SendFailed tells that a message to To certainly or probably did not arrive.
type SendFailed struct {
	To      member.Node
	Nobody  bool   // connection refused: no process listens there. Counts as "no cluster" (S1)
	Refused string // the reason that the other side's handshake gave; "" = another failure, which is silence
	Exceed  uint64 // with Refused: the number that the UID here must exceed; 0 = that is not the reason
}

// Denied tells that the engine would not take an [Admit].
type Denied struct {
	Node   member.Node
	Exceed uint64 // the UID known at the address, when that is the reason; 0 = another reason
	Full   bool   // the cluster may have no more members
	Text   string // the other reason
}

// Seeds replaces the list of seeds, which somebody has looked up anew. It needs
// Symmetric: a list that changes has no head. Those beyond MaxSeeds are ignored.
// What was heard of the seeds that stay is kept; an empty list changes nothing,
// since whoever looks it up is rather mistaken than alone.
type Seeds struct {
	Addresses []string
	Unsettled bool // the list still changes: it is asked, and nothing is founded on it
}

// Yield is an operator's word: this node's cluster is to end, and its members
// are to join the island that was told of last. It is ignored where no island
// is known. The data of the side that yields is lost.
type Yield struct{}

func (*Message) input()   {}
func (Stand) input()      {}
func (SendFailed) input() {}
func (Denied) input()     {}
func (Seeds) input()      {}
func (Yield) input()      {}

// Ready hands over what there is to do, and forgets it.
type Ready struct {
	Messages []*Message
	Events   []Event   // in order
	Wake     time.Time // when Tick is due; zero = not before the next Step
}

// Event is what the caller must act on: one of Founded, Asked, Admit, Replaced,
// Hail, Lost, Waiting, Refused, Differs, Island and Yielded.
type Event interface{ event() }

type (
	// Founded: the engine is to found the cluster. Comes at most once in the
	// life of a machine.
	Founded struct{ ID member.ClusterID }
	// Asked: To has been asked for admission; the engine is to take a welcome
	// from nobody else.
	Asked struct{ To member.Node }
	// Admit: the engine is to make Node Joining and to welcome it; again, if it
	// is already known, since the first welcome may be lost.
	Admit struct {
		Node member.Node
		Info member.Info
	}
	// Replaced: By runs at Old's address and Old does not answer there; the
	// engine is to want Old down. Repeats while By keeps asking.
	Replaced struct{ Old, By member.Node }
	// Hail: Node is a member of this cluster that the engine does not know, or
	// that knows a newer view; the engine is to compare notes with it. Repeats
	// while this process has no lease.
	Hail struct{ Node member.Node }
	// Lost: the cluster cannot come back (S5); the engine is to end this
	// incarnation. Comes once after a lease was lost.
	Lost struct{ Why string }
	// Waiting: for the log. Repeats every few seconds while it is so.
	Waiting struct {
		For []string // addresses
		Why string
	}
	// Refused: why this process is not let in. Repeats at each refusal.
	Refused struct {
		By     string // address
		Code   Code   // 0 when the transport's handshake refused
		Text   string
		Exceed uint64 // with StaleUID
	}
	// Differs: for the log. Node is let in although its settings differ.
	Differs struct {
		Node member.Node
		Text string
	}
	// Island: another cluster of the same name lives. Repeats every few seconds
	// while there are signs of it.
	Island struct {
		By    member.Node     // who told
		Other member.Identity // the other cluster
		Size  int             // how many members the other cluster has
		Own   int             // how many members this one has
		Plan  string          // for the operator: what will come of it
	}
	// Yielded: this cluster gives way to another; the engine is to end this
	// incarnation. The next one should get Contacts and Shun from it. Comes once.
	Yielded struct {
		From, To member.Identity
		By       member.Node // a member of the other cluster, to ask for admission
	}
)

func (Founded) event()  {}
func (Asked) event()    {}
func (Admit) event()    {}
func (Replaced) event() {}
func (Hail) event()     {}
func (Lost) event()     {}
func (Waiting) event()  {}
func (Refused) event()  {}
func (Differs) event()  {}
func (Island) event()   {}
func (Yielded) event()  {}
