package homes

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Epoch orders the holders of one slot: the number of the view in which its
// token was issued, then the hand-overs since. It only grows.
type Epoch uint64

const movesBits = 20

// issued returns the epoch of a token that is issued in a view. It is above
// each epoch of earlier views: a token moves at most twice in one view, so its
// moves run over into the view's bits only after half a million views, and then
// still stay below the current one.
func issued(view uint64) Epoch { return Epoch(view << movesBits) }

// String returns view.moves.
func (e Epoch) String() string {
	return fmt.Sprintf("%d.%d", uint64(e)>>movesBits, uint64(e)&(1<<movesBits-1))
}

// Message goes between two machines.
type Message struct {
	View uint64 // the sender's newest active view
	Body Body
}

// Body is one of [Census], [Claims], [Issue], [Issued], [Part], [Got], [Done],
// [Leave], [Left].
type Body interface{ body() }

// The bodies.
type (
	// Census asks what the receiver has in custody, for the view of the message.
	Census struct{}

	// Claims answers [Census] for the view of the message.
	Claims struct{ Kinds []Claim }

	// Issue gives the receiver the tokens of slots that nobody claimed.
	Issue struct {
		Kind  string
		Slots *slots.Set
	}

	// Issued acknowledges [Issue].
	Issued struct{ Kind string }

	// Part is one part of a hand-over. The tokens go with the last that
	// arrives. Kind, Epoch and Slots are the same in all parts.
	Part struct {
		ID    uint64 // of the hand-over; grows with each of this sender
		Kind  string
		Epoch Epoch // under which the receiver will hold the slots
		Slots *slots.Set
		Index uint32 // of this part, from 0
		Count uint32 // of parts, at least 1
		Data  []byte // this part of the packed cargo
	}

	// Got acknowledges a part, or with All the whole hand-over.
	Got struct {
		ID    uint64
		Index uint32
		All   bool
	}

	// Done tells the receiver of a hand-over that its sender has let go.
	Done struct{ ID uint64 }

	// Leave asks whether the receiver knows that the sender owns nothing any
	// more, so that it sends it no more messages for entities.
	Leave struct{}

	// Left says so.
	Left struct{}
)

// Claim is what a member has in custody of one kind: what it holds, stops or
// has in transit, and had at any time since it entered the view.
type Claim struct {
	Kind  string
	Slots *slots.Set
}

func (Census) body() {}
func (Claims) body() {}
func (Issue) body()  {}
func (Issued) body() {}
func (Part) body()   {}
func (Got) body()    {}
func (Done) body()   {}
func (Leave) body()  {}
func (Left) body()   {}

// Packet is a message with its other end: the sender of what comes in, the
// receiver of what goes out.
type Packet struct {
	Peer    member.Node
	Message Message
}
