package engine

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// shown is what the caller has been shown, and what is to be shown next. The list
// of members is made when somebody asks for it: events are made of the addresses
// at which something changed.
type shown struct {
	dirty    bool // last and standing are out of date
	last     Snapshot
	changes  uint64 // how often last was brought up to date
	listed   bool   // last has its members
	standing Standing
	told     account
	counted  uint64         // the changes that events have told of
	active   []*member.View // that became active since the last events
	leased   bool           // events have told of a lease
	end      *SelfRemoved   // to be told; nil = not, or told already
}

// account is the state that events have told of, beside the records that have not
// changed since.
type account struct {
	last        Snapshot     // without members
	base        *member.View // of the members; nil = nobody was told of
	unreachable []member.Node
}

// Snapshot returns everything that this node knows of its cluster. It is
// immutable, and cheap while nothing changes.
func (e *Engine) Snapshot() Snapshot {
	e.show()
	if !e.shown.listed && !e.id.IsZero() {
		e.shown.last.Members, e.shown.listed = e.members(), true
	}
	s := e.shown.last
	s.Lease = e.Lease()
	return s
}

// Outline returns a [Snapshot] without its members, which takes no time and
// memory for each of them.
func (e *Engine) Outline() Snapshot {
	e.show()
	s := e.shown.last
	s.Members, s.Lease = nil, e.Lease()
	return s
}

// Changes counts how often what [Engine.Snapshot], [Engine.Outline] or
// [Engine.InspectViews] return may have changed, but for the lease and what is
// promised.
func (e *Engine) Changes() uint64 {
	e.show()
	return e.shown.changes
}

func (e *Engine) show() {
	if !e.shown.dirty || e.removed || e.id.IsZero() {
		if e.removed {
			e.shown.standing = nowhere()
		}
		return
	}
	e.shown.dirty = false
	e.shown.changes++
	members := e.shown.last.Members
	e.shown.last = e.outline()
	if e.shown.listed {
		e.shown.last.Members = members
	}
	e.shown.standing = e.stand()
}

func (e *Engine) outline() Snapshot {
	return Snapshot{
		Identity:  e.id,
		Self:      e.self,
		Leader:    e.verdict.leader.Address,
		Converged: e.views.converged(),
		View:      e.views.activeNumber(),
		Open:      e.views.active != nil && e.views.active.Open,
		Shutdown:  e.views.active != nil && e.views.active.Shutdown,

		RoleLeaders: e.roleLeaders(),
	}
}

// base is the view whose members users are shown.
func (e *Engine) base() *member.View {
	if e.views.active == nil || e.without(rules.V5Active) {
		return e.views.decided
	}
	return e.views.active
}

// members lists the members of the newest active view, whose statuses they
// have, and beside it those that are on their way into one.
func (e *Engine) members() []Member {
	base := e.base()
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
			joining = append(joining, arriving(r, e.verdict.unreachable))
		}
	}
	return interleave(list, joining)
}

// memberAt is one row of members: that of an address, by a base, a record or nil
// and who is unreachable, sorted.
func memberAt(address string, base *member.View, r *member.Record, unreachable []member.Node) (Member, bool) {
	if base == nil {
		return Member{}, false
	}
	if m := base.At(address); m != nil {
		row := seatedAs(m, unreachable)
		if r != nil && r.Node == m.Node && r.Live() {
			row.Info = r.Own.Info
		}
		return row, true
	}
	if r != nil && r.Live() && !base.Buries(r.Node) {
		return arriving(r, unreachable), true
	}
	return Member{}, false
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

func arriving(r *member.Record, unreachable []member.Node) Member {
	m := Member{Node: r.Node, Status: member.Joining, Reachable: !among(unreachable, r.Node), Info: r.Own.Info}
	if r.Weakly {
		m.Status = member.WeaklyUp
	}
	return m
}

func seatedAs(m *member.Entry, unreachable []member.Node) Member {
	return Member{
		Node:      m.Node,
		Status:    m.Status,
		Reachable: !among(unreachable, m.Node),
		UpNumber:  m.UpNumber,
		Info:      m.Info,
	}
}

// among reports whether n is in a sorted list.
func among(list []member.Node, n member.Node) bool {
	_, found := slices.BinarySearchFunc(list, n, member.Node.Compare)
	return found
}

// seated returns the members of a view.
func (e *Engine) seated(v *member.View) []Member {
	list := make([]Member, len(v.Members))
	for i := range v.Members {
		list[i] = seatedAs(&v.Members[i], e.verdict.unreachable)
	}
	return list
}

// publish turns what has changed since the last call into events: members in
// the order of their addresses, then what they tell of themselves,
// reachability, the leader, role leaders, the shutdown, the lease, active views,
// and the end. So whoever follows the events of a snapshot holds the next snapshot.
func (e *Engine) publish() {
	if e.id.IsZero() {
		return
	}
	e.show()
	if !e.removed && e.shown.counted != e.shown.changes {
		e.shown.counted = e.shown.changes
		e.publishChanges()
	}
	e.publishLease()
	for _, v := range e.shown.active {
		e.events = append(e.events, ViewActive{Number: v.Number, Leader: v.Term.Leader.Address, Shutdown: v.Shutdown, Members: e.seated(v)})
	}
	e.shown.active = nil
	if e.shown.end != nil {
		e.events = append(e.events, *e.shown.end)
		e.shown.end = nil
	}
}

// publishChanges tells what differs between the state that was told and the one
// that is.
func (e *Engine) publishChanges() {
	was := &e.shown.told
	is := account{last: e.shown.last, base: e.base(), unreachable: e.verdict.unreachable}
	is.last.Members = nil
	if was.base != is.base || len(e.touched) > 0 || !slices.Equal(was.unreachable, is.unreachable) {
		e.publishMembers(was, &is)
	}
	if was.last.Leader != is.last.Leader {
		e.events = append(e.events, LeaderChanged{Leader: is.last.Leader})
	}
	e.diffRoles(was.last.RoleLeaders, is.last.RoleLeaders)
	if is.last.Shutdown && !was.last.Shutdown {
		e.events = append(e.events, ClusterShutdown{})
	}
	*was = is
}

// publishMembers goes through all addresses at which something may have changed,
// in their order.
func (e *Engine) publishMembers(was, is *account) {
	if e.roster.read < len(e.touched) {
		e.roster.of = nil // it has not seen all of them and must look at everything
	}
	former := e.formerly()
	if e.roster.read, e.touched = 0, e.touched[:0]; cap(e.touched) > most {
		e.touched = nil // a joiner was told of everybody at once: that is over
	}
	var later []Event
	for _, address := range e.suspects(was, is, former) {
		r := e.table.Record(address)
		old := r
		if i, found := slices.BinarySearchFunc(former, address, byAddress); found {
			old = former[i].old
		}
		m, listed := memberAt(address, is.base, r, is.unreachable)
		o, known := memberAt(address, was.base, old, was.unreachable)
		if e.diffMember(o, known, m, listed) {
			later = append(later, ReachabilityChanged{Member: m})
		}
	}
	e.events = append(e.events, later...)
}

// formerly returns the oldest touch of each address, sorted.
func (e *Engine) formerly() []touch {
	former := slices.Clone(e.touched)
	slices.SortStableFunc(former, func(a, b touch) int { return member.CompareAddress(a.now.Address, b.now.Address) })
	return slices.CompactFunc(former, func(a, b touch) bool { return a.now.Address == b.now.Address })
}

func byAddress(t touch, address string) int { return member.CompareAddress(t.now.Address, address) }

// suspects returns the addresses where a member may have changed: whose record
// was touched, whose entries differ, and who became unreachable or reachable.
func (e *Engine) suspects(was, is *account, former []touch) []string {
	list := make([]string, 0, len(former))
	for _, t := range former {
		list = append(list, t.now.Address)
	}
	if was.base != is.base {
		list = e.differing(list, was.base, is.base)
	}
	for _, n := range was.unreachable {
		if !among(is.unreachable, n) {
			list = append(list, n.Address)
		}
	}
	for _, n := range is.unreachable {
		if !among(was.unreachable, n) {
			list = append(list, n.Address)
		}
	}
	slices.SortFunc(list, member.CompareAddress)
	return slices.Compact(list)
}

// differing appends the addresses whose entries differ between two views; where
// there was no view, all addresses.
func (e *Engine) differing(list []string, was, is *member.View) []string {
	var before []member.Entry
	if was == nil {
		for r := range e.table.Records() {
			list = append(list, r.Address)
		}
	} else {
		before = was.Members
	}
	for i := range is.Members {
		m := &is.Members[i]
		for len(before) > 0 && member.CompareAddress(before[0].Address, m.Address) < 0 {
			list, before = append(list, before[0].Address), before[1:]
		}
		if len(before) == 0 || before[0].Address != m.Address {
			list = append(list, m.Address)
			continue
		}
		if o := &before[0]; o.Node != m.Node || o.Status != m.Status || !sameInfo(&o.Info, &m.Info) {
			list = append(list, m.Address)
		}
		before = before[1:]
	}
	for i := range before {
		list = append(list, before[i].Address)
	}
	return list
}

// diffMember tells what has changed at one address, and reports whether the
// member's reachability has.
func (e *Engine) diffMember(was Member, known bool, is Member, listed bool) (reachability bool) {
	if known && (!listed || was.Node != is.Node) {
		e.lostMember(was)
		known = false
	}
	switch {
	case !listed:
		return false
	case !known:
		e.events = append(e.events, MemberChanged{Member: is})
		return false
	}
	if was.Status != is.Status {
		e.events = append(e.events, MemberChanged{Member: is, Previous: was.Status})
	}
	if !sameInfo(&was.Info, &is.Info) {
		e.events = append(e.events, InfoChanged{Member: is})
	}
	return was.Reachable != is.Reachable
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

		Facts:       e.table.Digest(),
		Unreachable: len(e.verdict.unreachable),
	}
}
