// Package core joins the membership engine and the join machine of one node
// into one pure state machine. The simulator and the clusterd shell both drive it.
package core

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Config of one core; zero values are good defaults.
type Config struct {
	Self       member.Node
	Info       member.Info
	Name       string
	Seeds      []string
	FoundAlone bool
	Timing     engine.Timing // zero = engine.Lan
	Rand       *rand.Rand    // required
	// Downing strategy, MinMembers, Settings ... as engine and seedjoin have them
}

// Core is one node's membership: a function of state, input and now.
type Core struct{}

func New(cfg Config) (*Core, error) { panic("todo") }

// Input is one of *Packet, SendFailed, Leave, Down, Drained.
type Input interface{ input() }

// Packet is one control message between two cores. To.UID 0 = whoever is there.
// Exactly one of the two bodies is set: Engine or Join (types of those packages).
type Packet struct {
	From, To member.Node
	// Engine engine.Message; Join seedjoin.Message
}

// SendFailed tells that a packet to To certainly or probably did not arrive.
type SendFailed struct {
	To      member.Node
	Nobody  bool   // connection refused: nothing listens there
	Refused string // the other side's reason (wrong cluster name, …); "" = other failure
}

// Leave: this node wants to leave. Down: an operator wants address down.
// Drained: what ran here has been handed over.
type (
	Leave   struct{}
	Down    struct{ Address string }
	Drained struct{}
)

func (*Packet) input()    {}
func (SendFailed) input() {}
func (Leave) input()      {}
func (Down) input()       {}
func (Drained) input()    {}

func (c *Core) Step(now time.Time, in Input) error { panic("todo") } // error = refused and unchanged
func (c *Core) Tick(now time.Time)                 { panic("todo") }
func (c *Core) Ready() Ready                       { panic("todo") }
func (c *Core) Snapshot() engine.Snapshot          { panic("todo") } // immutable, cheap when nothing changed

// Ready hands over what there is to do, and forgets it.
type Ready struct {
	Packets []*Packet
	Events  []engine.Event // in order
	Notes   []Note         // for the log: waiting for whom, refused by whom and why
	Wake    time.Time      // when Tick is due; zero = never
}

// Note is a line for the operator, and why Ready has not returned.
type Note struct {
	Refused bool   // the cluster refused this node: surfaces as clusterd.RefusedError
	By      string // address
	Text    string
}
