package homes

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Epoch orders the holders of one slot: the number of the view in which its
// token was issued or last handed over, then the hand-overs in that view. It
// only grows.
type Epoch uint64

const movesBits = 20

// issued returns the epoch of a token that is issued in a view. It is above
// each epoch of earlier views: a token would have to move a million times in
// one view for its moves to run over into the view's bits.
func issued(view uint64) Epoch { return Epoch(view << movesBits) }

// next returns the epoch after e of a token that is handed over in a view. The
// first hand-overs of a view have the same one, so that tables stay short.
func (e Epoch) next(view uint64) Epoch { return max(e, issued(view)) + 1 }

// String returns view.moves.
func (e Epoch) String() string {
	return fmt.Sprintf("%d.%d", uint64(e)>>movesBits, uint64(e)&(1<<movesBits-1))
}

// Message goes between two machines.
type Message struct {
	View uint64 // the sender's newest active view
	Body Body
}

// Body is one of [Census], [Claims], [Issue], [Issued], [Plan], [Planned],
// [Fetch], [Report], [Part], [Got], [Done], [Learn], [Leave], [Left].
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

	// Plan says where the tokens of a kind are and where they are to go.
	Plan struct {
		Kind   string
		Number uint32 // grows with each plan of the kind in one view, from 1
		Now    []Span // where they are, or are heading
		Target []Span // where they ought to be; epochs are 0
	}

	// Planned acknowledges [Plan] and tells how far its receiver is.
	Planned struct {
		Kind   string
		Number uint32
		Left   uint32 // slots that are yet to come here or to go
		Now    []Span // with Left 0: what is here
	}

	// Fetch asks the issuer for the plans of its view: from a member that hosts
	// nothing and routes all the same.
	Fetch struct{}

	// Report tells the issuer how busy the slots of a kind are at the sender.
	Report struct {
		Kind  string
		Total uint64 // messages in the last period, of all slots
		Hot   []Load // the hottest of them, in rising order of slots
	}

	// Part is one part of a hand-over. The tokens go with the last that
	// arrives. Kind, Plan, Epoch and Slots are the same in all parts.
	Part struct {
		ID    uint64 // of the hand-over; grows with each of this sender
		Kind  string
		Plan  uint32 // the number of the plan that moves the slots
		Epoch Epoch  // under which the receiver will hold the slots
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

	// Learn corrects a table whose idea of some slots was seen to be old.
	Learn struct {
		Kind string
		Now  []Span
	}

	// Leave tells where the slots are that the sender ever had, and asks whether
	// the receiver knows, so that it sends it no more messages for entities.
	Leave struct{ Kinds []Learn }

	// Left says so.
	Left struct{}
)

// Claim is what a member has in custody of one kind: what it holds, stops or
// has in transit, and had at any time since it entered the view.
type Claim struct {
	Kind  string
	Slots *slots.Set
	Now   []Span // where those that it still answers for are, or are heading
}

// Load is how much one slot was used.
type Load struct {
	Slot     uint16
	Messages uint32 // in the last period
}

func (Census) body()  {}
func (Claims) body()  {}
func (Issue) body()   {}
func (Issued) body()  {}
func (Plan) body()    {}
func (Planned) body() {}
func (Fetch) body()   {}
func (Report) body()  {}
func (Part) body()    {}
func (Got) body()     {}
func (Done) body()    {}
func (Learn) body()   {}
func (Leave) body()   {}
func (Left) body()    {}

// size is about how many bytes of memory a message takes.
func (m Message) size() int {
	const fixed, span = 64, 48
	switch b := m.Body.(type) {
	case Part:
		return fixed + slots.Count/8 + len(b.Data)
	case Issue:
		return fixed + slots.Count/8
	case Plan:
		return fixed + span*(len(b.Now)+len(b.Target))
	case Planned:
		return fixed + span*len(b.Now)
	case Learn:
		return fixed + span*len(b.Now)
	case Claims:
		n := fixed
		for _, k := range b.Kinds {
			n += slots.Count/8 + span*len(k.Now)
		}
		return n
	case Leave:
		n := fixed
		for _, k := range b.Kinds {
			n += fixed + span*len(k.Now)
		}
		return n
	}
	return fixed
}

// Packet is a message with its other end: the sender of what comes in, the
// receiver of what goes out.
type Packet struct {
	Peer    member.Node
	Message Message
}
