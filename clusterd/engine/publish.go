package engine

import (
	"iter"
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// shown is what the caller has been shown, and what is to be shown next.
type shown struct {
	dirty    bool // last is out of date
	last     Snapshot
	told     Snapshot // the state that events have told of
	standing Standing
	voters   []member.Node // of the view votersOf
	votersOf *member.View
	active   []*member.View // that became active since the last events
	leased   bool           // events have told of a lease
	end      *SelfRemoved   // to be told; nil = not, or told already
}

// Snapshot returns everything that this node knows of its cluster. It is
// immutable, and cheap while nothing changes.
func (e *Engine) Snapshot() Snapshot {
	e.show()
	s := e.shown.last
	s.Lease = e.Lease()
	return s
}

// Standing returns what the join machine needs to know. It is immutable.
func (e *Engine) Standing() Standing {
	e.show()
	return e.shown.standing
}

func (e *Engine) show() {
	if !e.shown.dirty || e.removed || e.id.IsZero() {
		if e.removed {
			e.shown.standing = Standing{}
		}
		return
	}
	e.shown.dirty = false
	e.shown.last = e.snapshot()
	e.shown.standing = e.stand()
}

func (e *Engine) snapshot() Snapshot {
	return Snapshot{
		Identity:  e.id,
		Self:      e.self,
		Leader:    e.verdict.leader.Address,
		Converged: e.views.converged(),
		View:      e.views.activeNumber(),
		Open:      e.views.active != nil && e.views.active.Open,
		Shutdown:  e.views.active != nil && e.views.active.Shutdown,
		Members:   e.members(),

		RoleLeaders: e.roleLeaders(),
	}
}

// members lists the members of the newest active view, whose statuses they
// have, and beside it those that are on their way into one.
func (e *Engine) members() []Member {
	base := e.views.active
	if base == nil || e.without(rules.V5Active) {
		base = e.views.decided
	}
	list := e.seated(base)
	var joining []Member
	seated := list
	for r := range e.table.Records() {
		for len(seated) > 0 && member.CompareAddress(seated[0].Address, r.Address) < 0 {
			seated = seated[1:]
		}
		switch {
		case len(seated) > 0 && seated[0].Address == r.Address:
			if seated[0].Node == r.Node && r.Live() {
				seated[0].Info = r.Own.Info
			}
		case r.Live() && !base.Buries(r.Node):
			joining = append(joining, e.arriving(r))
		}
	}
	return interleave(list, joining)
}

// interleave merges two sorted lists of members that have no address in common.
func interleave(a, b []Member) []Member {
	if len(b) == 0 {
		return a
	}
	list := make([]Member, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Node.Compare(b[0].Node) < 0 {
			list, a = append(list, a[0]), a[1:]
		} else {
			list, b = append(list, b[0]), b[1:]
		}
	}
	return append(append(list, a...), b...)
}

// beside yields, sorted, the live records of addresses that a view does not
// list. It walks the two side by side: there may be thousands of either.
func (e *Engine) beside(v *member.View) iter.Seq[*member.Record] {
	return func(yield func(*member.Record) bool) {
		members := v.Members
		for r := range e.table.Records() {
			for len(members) > 0 && member.CompareAddress(members[0].Address, r.Address) < 0 {
				members = members[1:]
			}
			listed := len(members) > 0 && members[0].Address == r.Address
			if !listed && r.Live() && !yield(r) {
				return
			}
		}
	}
}

func (e *Engine) arriving(r *member.Record) Member {
	m := Member{Node: r.Node, Status: member.Joining, Reachable: e.verdict.reachable(r.Node), Info: r.Own.Info}
	if r.Weakly {
		m.Status = member.WeaklyUp
	}
	return m
}

// seated returns the members of a view.
func (e *Engine) seated(v *member.View) []Member {
	list := make([]Member, len(v.Members))
	for i := range v.Members {
		m := &v.Members[i]
		list[i] = Member{
			Node:      m.Node,
			Status:    m.Status,
			Reachable: e.verdict.reachable(m.Node),
			UpNumber:  m.UpNumber,
			Info:      m.Info,
		}
	}
	return list
}

func (e *Engine) stand() Standing {
	s := Standing{
		Identity: e.id,
		View:     e.views.decided.Number,
		Lease:    e.mayAct(),
		Leaving:  e.own().Own.Leaving || e.views.decided.Shutdown,
		Steward:  slices.Contains(e.verdict.stewards, e.self),
		Voters:   e.voters(),
	}
	members := e.views.decided.Members
	s.Members = make([]member.Node, len(members), max(len(members), e.table.Len()))
	for i := range members {
		s.Members[i] = members[i].Node
	}
	for r := range e.beside(e.views.decided) {
		s.Members = append(s.Members, r.Node)
	}
	if len(s.Members) > len(members) {
		slices.SortFunc(s.Members, member.Node.Compare)
	}
	return s
}

// voters lists the voters of the newest decided view, made once for each.
func (e *Engine) voters() []member.Node {
	if v := e.views.decided; e.shown.votersOf != v {
		list := make([]member.Node, 0, v.Voters())
		for i := range v.Members {
			if v.Members[i].Status.Votes() {
				list = append(list, v.Members[i].Node)
			}
		}
		e.shown.voters, e.shown.votersOf = list, v
	}
	return e.shown.voters
}

// publish turns what has changed since the last call into events: members in
// the order of their addresses, then what they tell of themselves,
// reachability, the leader, role leaders, the shutdown, the lease, active views,
// and the end. So whoever follows the events of a snapshot holds the next snapshot.
func (e *Engine) publish() {
	next := e.Snapshot()
	if !e.id.IsZero() {
		e.diff(e.shown.told, next)
		e.shown.told = next
		e.publishLease()
	}
	for _, v := range e.shown.active {
		e.events = append(e.events, ViewActive{Number: v.Number, Leader: v.Term.Leader.Address, Shutdown: v.Shutdown, Members: e.seated(v)})
	}
	e.shown.active = nil
	if e.shown.end != nil {
		e.events = append(e.events, *e.shown.end)
		e.shown.end = nil
	}
}

// diff walks two sorted lists of members side by side.
func (e *Engine) diff(old, next Snapshot) {
	var later []Event
	was, is := old.Members, next.Members
	if len(was) > 0 && len(was) == len(is) && &was[0] == &is[0] {
		was, is = nil, nil // snapshots are immutable: one list, one content
	}
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(is) == 0 || len(was) > 0 && was[0].Node.Compare(is[0].Node) < 0:
			e.lostMember(was[0])
			was = was[1:]
		case len(was) == 0 || was[0].Node != is[0].Node:
			e.events = append(e.events, MemberChanged{Member: is[0]})
			is = is[1:]
		default:
			if was[0].Status != is[0].Status {
				e.events = append(e.events, MemberChanged{Member: is[0], Previous: was[0].Status})
			}
			if !sameInfo(&was[0].Info, &is[0].Info) {
				e.events = append(e.events, InfoChanged{Member: is[0]})
			}
			if was[0].Reachable != is[0].Reachable {
				later = append(later, ReachabilityChanged{Member: is[0]})
			}
			was, is = was[1:], is[1:]
		}
	}
	e.events = append(e.events, later...)
	if old.Leader != next.Leader {
		e.events = append(e.events, LeaderChanged{Leader: next.Leader})
	}
	e.diffRoles(old.RoleLeaders, next.RoleLeaders)
	if next.Shutdown && !old.Shutdown {
		e.events = append(e.events, ClusterShutdown{})
	}
}

// publishLease tells when the lease is lost and when it is back.
func (e *Engine) publishLease() {
	held := e.tenure.shown.View != 0
	if held == e.shown.leased {
		return
	}
	e.shown.leased = held
	if held {
		e.events = append(e.events, LeaseBack{Lease: e.tenure.shown})
		return
	}
	e.events = append(e.events, LeaseLost{})
}

// diffRoles walks two sorted lists of role leaders side by side.
func (e *Engine) diffRoles(was, is []RoleLeader) {
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(is) == 0 || len(was) > 0 && was[0].Role < is[0].Role:
			e.events = append(e.events, RoleLeaderChanged{Role: was[0].Role})
			was = was[1:]
		case len(was) == 0 || was[0].Role != is[0].Role:
			e.events = append(e.events, RoleLeaderChanged{Role: is[0].Role, Leader: is[0].Leader})
			is = is[1:]
		default:
			if was[0] != is[0] {
				e.events = append(e.events, RoleLeaderChanged{Role: is[0].Role, Leader: is[0].Leader})
			}
			was, is = was[1:], is[1:]
		}
	}
}

func (e *Engine) lostMember(m Member) {
	previous := m.Status
	m.Status = member.Removed
	e.events = append(e.events, MemberChanged{Member: m, Previous: previous})
}

// Inspect returns what the invariants of a simulator look at.
func (e *Engine) Inspect() Inspection {
	i := e.InspectViews()
	i.Rows = e.table.Rows()
	i.Records = make([]*member.Record, 0, e.table.Len())
	for r := range e.table.Records() {
		i.Records = append(i.Records, r)
	}
	return i
}

// InspectViews is [Engine.Inspect] without Records and Rows, cheap enough to be
// called after every input.
func (e *Engine) InspectViews() Inspection {
	return Inspection{
		Identity: e.id,
		Promised: e.views.promised,
		Ballot:   e.views.ballot,
		Acked:    e.views.acked,
		Decided:  e.views.decided,
		Active:   e.views.active,
		Removed:  e.removed,
	}
}
