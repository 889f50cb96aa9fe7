// Package engine is the pure membership core of one node.
package engine

import (
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Timing is a preset of every duration of the protocol. See Fast, Lan, Wan.
type Timing struct {
	Gossip      time.Duration // between two gossip rounds
	Heartbeat   time.Duration // between two heartbeats to one peer
	Accuse      time.Duration // T_acc: silence after which a monitor accuses
	StableAfter time.Duration // base of the stable time before downing
	LeaseFor    time.Duration // T_f (leases come with the failure detector)
	Found       time.Duration // T_found: how long a first seed collects answers
	GiveUp      time.Duration // T_giveup: how long a memory of a lost cluster binds
	Retry       time.Duration // between two tries of a join, a wave or a hand-over
}

// Config describes one engine. Zero values are good defaults.
type Config struct {
	Self   member.Node
	Info   member.Info
	Timing Timing // zero = Lan
	Rand   *rand.Rand
}

// Snapshot is everything a node knows of its cluster at one moment.
// It is immutable.
type Snapshot struct {
	Identity  member.Identity // zero until joined
	Self      member.Node
	Leader    string   // address; "" while unknown
	Converged bool     // the newest view known here is active
	View      uint64   // number of the newest active view; 0 = none
	Members   []Member // sorted by address; removed members are not listed
}

// Member is one row of a Snapshot.
type Member struct {
	member.Node
	Status    member.Status
	Reachable bool   // in this node's view
	UpNumber  uint64 // 0 until Up; lower is older
	Info      member.Info
}

// Event is one change, in the order in which it happened here.
type Event interface {
	String() string
	event()
}

// Events. A Snapshot is an Event too: it is the first that a subscriber gets.
type (
	// MemberChanged tells a member's new status, Joining to Removed.
	MemberChanged struct {
		Member   Member
		Previous member.Status // 0 = was unknown
	}
	// ReachabilityChanged tells that a member became unreachable or reachable.
	ReachabilityChanged struct{ Member Member }
	// LeaderChanged tells the leader that this node derives; "" = none.
	LeaderChanged struct{ Leader string }
	// ViewActive tells that a new view is active: placement follows it.
	ViewActive struct {
		Number  uint64
		Leader  string   // who led it
		Members []Member // the view's members, sorted by address: Up, Leaving, Exiting, Down
	}
	// SelfRemoved tells that this incarnation is no longer a member.
	SelfRemoved struct{ Cause string }
)
