package engine

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Event is one change, in the order in which it happened here: a [Snapshot]
// (the first that a subscriber gets; engines themselves never emit one),
// [MemberChanged], [ReachabilityChanged], [LeaderChanged], [ViewActive] or
// [SelfRemoved].
type Event interface {
	String() string
	event()
}

// MemberChanged tells a member's new status, Joining to Removed.
type MemberChanged struct {
	Member   Member
	Previous member.Status // 0 = was unknown
}

// ReachabilityChanged tells that a member became unreachable or reachable.
type ReachabilityChanged struct{ Member Member }

// LeaderChanged tells the leader that this node derives.
type LeaderChanged struct{ Leader string } // address; "" = none

// ViewActive tells that a new view is active: placement follows it. Each
// active view known here is told once, in order; intermediate ones may be
// skipped. Until [Config.MinMembers] has been met none is told.
type ViewActive struct {
	Number  uint64
	Leader  string   // who led it
	Members []Member // the view's members, sorted by address: Up, Leaving, Exiting, Down
}

// SelfRemoved tells that this incarnation is no longer a member. It is the
// last event of an engine.
type SelfRemoved struct{ Cause string } // left, unreachable, down, replaced, cluster lost

// String returns the event as one line.
func (s Snapshot) String() string {
	return fmt.Sprintf("snapshot view=%d members=%d leader=%s converged=%t", s.View, len(s.Members), s.Leader, s.Converged)
}

// String returns the event as one line.
func (e MemberChanged) String() string {
	if e.Previous == 0 {
		return fmt.Sprintf("member %s is %s", e.Member.Node, e.Member.Status)
	}
	return fmt.Sprintf("member %s is %s, was %s", e.Member.Node, e.Member.Status, e.Previous)
}

// String returns the event as one line.
func (e ReachabilityChanged) String() string {
	if e.Member.Reachable {
		return fmt.Sprintf("member %s is reachable", e.Member.Node)
	}
	return fmt.Sprintf("member %s is unreachable", e.Member.Node)
}

// String returns the event as one line.
func (e LeaderChanged) String() string {
	if e.Leader == "" {
		return "no leader"
	}
	return "leader is " + e.Leader
}

// String returns the event as one line.
func (e ViewActive) String() string {
	return fmt.Sprintf("view %d of %s is active with %d members", e.Number, e.Leader, len(e.Members))
}

// String returns the event as one line.
func (e SelfRemoved) String() string { return "removed: " + e.Cause }

func (Snapshot) event()            {}
func (MemberChanged) event()       {}
func (ReachabilityChanged) event() {}
func (LeaderChanged) event()       {}
func (ViewActive) event()          {}
func (SelfRemoved) event()         {}
