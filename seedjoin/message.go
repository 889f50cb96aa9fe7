package seedjoin

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Message goes between two machines. From and To are set by the machine.
// To.UID 0 means "whoever is there".
type Message struct {
	From, To member.Node
	Body     Body
}

// Body is one of Probe, Answer, Join, Refusal, Invite, Look, Reached and
// Yielding. (The welcome is the
// engine's: it carries the membership.)
type Body interface{ body() }

// Stamp is a moment on the clock of the machine that asks: the time since it
// began. It comes back in the answer and tells how old that is. Nobody else
// reads more than the order of one machine's stamps out of it.
type Stamp = time.Duration

// Probe asks whether there is a cluster.
type Probe struct {
	Asked     string // the address as the asker spells it; echoed, so that it finds out who is behind it
	Name      string // the cluster that the asker is of
	Candidate bool   // the asker is a first seed that would found: a "none" promises it the vote (S2)
	Stamp     Stamp
}

// State is what an [Answer] says.
type State uint8

// The states.
const (
	None     State = 1 + iota // I know of no cluster
	Founding                  // I know of no cluster, and Node is founding one
	Heard                     // I am not a member, but Node told me that it is
	Member                    // I am, or have been, a member
)

// Answer tells what the sender knows of a cluster.
type Answer struct {
	Asked    string // as in the probe or the invitation
	Stamp    Stamp  // as in the probe or the invitation
	State    State
	Identity member.Identity // with Heard and Member
	View     uint64          // with Member: the newest that is active there
	Lease    bool            // with Member: it may act, so a join there has a chance (S4)
	Leaving  bool            // with Member: it is leaving, so a join there has none
	Size     uint32          // with Member: how many members that cluster has
	Node     member.Node     // with Founding and Heard; with Member, unless it lets anybody in itself: who may
}

// Join asks a member for admission.
type Join struct {
	Name     string
	Info     member.Info
	Versions Versions
	Settings []Setting // sorted by key
}

// Code is the reason of a [Refusal].
type Code uint8

// The codes. Those up to StaleUID and Full need an operator, the others pass.
const (
	WrongName     Code = 1 + iota // the cluster has another name
	WrongVersion                  // no version of the protocol is spoken by both
	WrongSettings                 // settings differ that must be equal
	AddressInUse                  // a live member answers at the address
	StaleUID                      // a higher UID is known at the address: see Exceed
	Wait                          // until the old incarnation at the address is removed
	AskAnother                    // this member is leaving, or cannot act now
	Full                          // the cluster has as many members as it may have
)

// Refusal answers a [Join], or anything that names another cluster.
type Refusal struct {
	Code   Code
	Text   string // for the operator: what is wrong, and what would be right
	Exceed uint64 // with StaleUID: the number that the next UID must exceed
}

// Invite tells a configured seed that a cluster lives and that the sender would
// let it in (S3), or, without a lease, only that the cluster is there (S5).
type Invite struct {
	Asked    string
	Name     string
	Stamp    Stamp
	Identity member.Identity
	View     uint64
	Size     uint32 // how many members the sender's cluster has
	Paused   bool   // the sender has no lease: it names its cluster and lets nobody in
}

// Look asks a member of the sender's own cluster to see whether it reaches At,
// a member of an island.
type Look struct {
	Own, Other member.Identity
	At         member.Node
}

// Reached tells a steward of the sender's own cluster that the sender was
// answered by At, a member of an island that may act.
type Reached struct {
	Own, Other member.Identity
	At         member.Node
	Size       uint32 // of the island
	Durable    bool   // the sender holds data that outlives it
}

// Yielding tells all members of the sender's own cluster that it ends, and that
// they are to join the island that At is of.
type Yielding struct {
	Own, Other member.Identity
	At         member.Node
	Asked      bool // an operator's word
}

func (Probe) body()    {}
func (Answer) body()   {}
func (Join) body()     {}
func (Refusal) body()  {}
func (Invite) body()   {}
func (Look) body()     {}
func (Reached) body()  {}
func (Yielding) body() {}
