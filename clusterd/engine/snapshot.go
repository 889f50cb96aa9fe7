package engine

import (
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Snapshot is everything a node knows of its cluster at one moment.
// It is immutable.
type Snapshot struct {
	Identity  member.Identity // zero until joined
	Self      member.Node
	Leader    string   // address; "" while unknown
	Converged bool     // the newest view known here is active
	View      uint64   // number of the newest active view; 0 = none
	Open      bool     // the configured least numbers of members were met once: placement may start
	Lease     Lease    // of what is hosted at this node, when the snapshot was taken
	Shutdown  bool     // the whole cluster is shutting down: nothing is taken over any more
	Members   []Member // sorted by address; removed members are not listed

	// RoleLeaders lists, sorted by role, the leader of each role that a
	// reachable Up or Leaving member has.
	RoleLeaders []RoleLeader
}

// RoleLeader is the lowest address among the reachable Up or Leaving members
// with one role, chosen as the leader is among all.
type RoleLeader struct {
	Role   string
	Leader string // address
}

// Member is one row of a [Snapshot].
type Member struct {
	member.Node
	Status    member.Status // as in the newest active view; Joining or WeaklyUp before
	Reachable bool          // in this node's view
	UpNumber  uint64        // 0 until Up; lower is older
	Info      member.Info   // the newest known here
}

// Standing is what the join machine needs to know of the engine. Its fields
// are those of seedjoin.Standing.
type Standing struct {
	Identity     member.Identity // zero = not a member
	View         uint64          // number of the newest decided view
	Lease        bool            // this node may act
	Leaving      bool            // it is leaving, and accepts no joiners
	Steward      bool            // it is one of the three lowest reachable Up addresses
	OtherSteward member.Node     // the lowest of these that is not this node; zero = none
	Change       uint64          // grows when Members or Voters change
	Members      member.Roll     // every address in use, Joining to Down: those of the moment when it is asked
	Voters       member.Roll     // those of the newest decided view, likewise
}

// Inspection shows what the invariants of a simulator look at. Everything in
// it is immutable.
type Inspection struct {
	Identity member.Identity
	Promised member.Term      // no lower term is acknowledged
	Ballot   member.Term      // under which Acked was acknowledged
	Acked    *member.View     // the newest view acknowledged; nil = none
	Decided  *member.View     // the newest view known decided; nil = none
	Active   *member.View     // the newest view known active; nil = none
	Records  []*member.Record // sorted by address, tombstones too
	Rows     []*reach.Row     // sorted by observer's address
	Removed  bool             // this incarnation knows that it was removed

	Facts       uint64 // digest of Records and Rows
	Unreachable int    // how many members are, as this node sees it
}
