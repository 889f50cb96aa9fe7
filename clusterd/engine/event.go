package engine

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Event is one change, in the order in which it happened here: a [Snapshot]
// (the first that a subscriber gets; engines themselves never emit one),
// [MemberChanged], [InfoChanged], [ReachabilityChanged], [LeaderChanged],
// [RoleLeaderChanged], [ClusterShutdown], [LeaseLost], [LeaseBack],
// [ViewActive] or [SelfRemoved].
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

// InfoChanged tells that a member tells something else of itself.
type InfoChanged struct{ Member Member }

// LeaderChanged tells the leader that this node derives.
type LeaderChanged struct{ Leader string } // address; "" = none

// RoleLeaderChanged tells the leader of one role that this node derives.
type RoleLeaderChanged struct {
	Role   string
	Leader string // address; "" = no reachable member has the role
}

// ClusterShutdown tells that the whole cluster is shutting down. Whoever gets
// it stops what runs here without handing it over, and leaves: [Leave], then
// [Drained]. Nothing is taken over from those that are gone before.
type ClusterShutdown struct{}

// LeaseLost tells that this node may begin nothing that must run once, until
// LeaseBack: it hears no quorum. What it hosts pauses.
type LeaseLost struct{}

// LeaseBack tells that this node holds a lease, for the first time or again.
// It is renewed without further events: ask [Engine.Lease].
type LeaseBack struct{ Lease Lease }

// ViewActive tells that a new view is active: placement follows it. Each
// active view known here is told once, in order; intermediate ones may be
// skipped. Until [Config.MinMembers] has been met none is told.
type ViewActive struct {
	Number   uint64
	Leader   string   // who led it
	Shutdown bool     // the whole cluster is shutting down: nothing moves any more
	Members  []Member // the view's members, sorted by address: Up, Leaving, Exiting, Down
}

// SelfRemoved tells that this incarnation is no longer a member. It is the
// last event of an engine.
type SelfRemoved struct{ Cause string } // left, overdue, unreachable, down, replaced, cluster lost

// IslandDetected tells that another cluster of the same name lives, or another
// branch of this one. It repeats every few seconds while there are signs of it.
// Engines never emit it: it comes from whoever joins the engine with a join
// machine.
type IslandDetected struct {
	By    string          // address of a member of it
	Other member.Identity // the other cluster
	Size  int             // how many members it has
	Own   int             // how many members this one has
	Plan  string          // what will come of it, for the operator
}

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
func (e InfoChanged) String() string {
	return fmt.Sprintf("member %s tells version %q, zone %q, roles %q", e.Member.Node, e.Member.Info.Version, e.Member.Info.Zone, e.Member.Info.Roles)
}

// String returns the event as one line.
func (e RoleLeaderChanged) String() string {
	if e.Leader == "" {
		return fmt.Sprintf("no leader of role %s", e.Role)
	}
	return fmt.Sprintf("leader of role %s is %s", e.Role, e.Leader)
}

// String returns the event as one line.
func (e ClusterShutdown) String() string { return "the cluster is shutting down" }

// String returns the event as one line.
func (e LeaseLost) String() string { return "lease lost" }

// String returns the event as one line.
func (e LeaseBack) String() string { return fmt.Sprintf("lease in view %d", e.Lease.View) }

// String returns the event as one line.
func (e ViewActive) String() string {
	return fmt.Sprintf("view %d of %s is active with %d members", e.Number, e.Leader, len(e.Members))
}

// String returns the event as one line.
func (e IslandDetected) String() string {
	return fmt.Sprintf("island %s branch %d with %d members, seen at %s, beside this cluster with %d: %s",
		e.Other.Cluster, e.Other.Branch, e.Size, e.By, e.Own, e.Plan)
}

// String returns the event as one line.
func (e SelfRemoved) String() string { return "removed: " + e.Cause }

func (Snapshot) event()            {}
func (MemberChanged) event()       {}
func (ReachabilityChanged) event() {}
func (InfoChanged) event()         {}
func (LeaderChanged) event()       {}
func (RoleLeaderChanged) event()   {}
func (ClusterShutdown) event()     {}
func (LeaseLost) event()           {}
func (LeaseBack) event()           {}
func (ViewActive) event()          {}
func (SelfRemoved) event()         {}
func (IslandDetected) event()      {}
