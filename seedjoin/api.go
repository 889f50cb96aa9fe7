// Package seedjoin is the bootstrap protocol as a pure state machine.
package seedjoin

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Config of one machine.
type Config struct {
	Self       member.Node
	Info       member.Info
	Name       string        // cluster name
	Seeds      []string      // configured seed addresses, the first seed first; may spell this node in another way
	FoundAlone bool          // operator's override of S1
	Found      time.Duration // T_found
	Retry      time.Duration // between two tries of a join
	Rand       *rand.Rand
	Settings   []member.Pair // configuration keys that must be equal in a cluster, compared key by key
}

// Standing is what the engine knows, as far as this machine needs it. Zero = not a member.
type Standing struct {
	Identity member.Identity
	View     uint64
	Lease    bool          // may act: for now "is an Up or Leaving member that converged or may converge"
	Steward  bool          // one of the three lowest reachable Up addresses: it invites configured seeds (S3)
	Members  []member.Node // sorted by address; every address in use: joining to down
}

// Message goes between two machines. From and To are set by the machine; To.UID may be 0.
type Message struct {
	From, To member.Node
	Body     Body
}

// Body is one of Probe, Answer, Join, Refusal, Invite. (Welcome is the engine's.)
type Body interface{ body() }

// Event is what the shell must act on.
//
//	Founded{ID}        → engine founds the cluster
//	Admit{Node, Info}  → engine makes it Joining and welcomes it
//	Replaced{Old}      → engine wants the old incarnation down
//	Waiting{For}       → log: for whom the machine waits, and why
//	Refused{By, Text}  → log and surface to Ready: why this node is refused
type Event interface{ event() }
