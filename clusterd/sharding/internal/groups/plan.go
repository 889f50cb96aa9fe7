package groups

import (
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// plan is the newest wish for every shard. Packets carry the version of the
// newest plan that a node has heard of: one that has an older plan takes no step,
// or two primaries with different plans would hand a shard to and fro.
type plan struct {
	mine, newest version
	rows         []*PlanRow // by shard
}

// version orders plans.
type version struct{ view, number uint64 }

func (v version) less(o version) bool {
	return v.view < o.view || v.view == o.view && v.number < o.number
}

func (v version) max(o version) version {
	if v.less(o) {
		return o
	}
	return v
}

// change is a change of the configuration that was proposed and is not applied.
type change struct {
	proposed bool
	voters   []uint64 // as they will be
}

// planned takes a plan over and has the groups that are led here walk to it.
func (m *Machine) planned(in Plan) error {
	v := version{in.View, in.Number}
	if v.less(m.plan.mine) {
		return nil
	}
	for _, row := range in.Rows {
		if int(row.Shard) >= m.cfg.Shards {
			return ErrShard
		}
		if !validMembers(sorted(row.Members)) || row.Primary != 0 && !slices.Contains(row.Members, row.Primary) {
			return ErrMember
		}
	}
	m.plan.mine, m.plan.newest = v, m.plan.newest.max(v)
	for _, row := range in.Rows {
		m.plan.rows[row.Shard] = &PlanRow{Shard: row.Shard, Members: sorted(row.Members), Primary: row.Primary}
		if g := m.groups[row.Shard]; g != nil && g.rn != nil && g.leads() {
			m.touch(g)
		}
	}
	return nil
}

// wish is the plan's row for the group, or nil.
func (g *group) wish() *PlanRow {
	p := &g.m.plan
	if p.mine.less(p.newest) {
		return nil
	}
	return p.rows[g.shard]
}

// fulfilled tells whether the configuration is as planned.
func (g *group) fulfilled() bool {
	w := g.wish()
	return w == nil || len(g.conf.learners) == 0 && slices.Equal(g.conf.voters, w.Members) &&
		(w.Primary == 0 || w.Primary == g.m.cfg.Self)
}

// busy tells whether the group has to be looked at again with each answer.
func (g *group) busy() bool {
	return g.handover.to != 0 || len(g.farewell) > 0 || len(g.outs) > 0 || !g.fulfilled()
}

// reform takes the next step towards the plan, one replica at a time: add a
// learner, promote it once it has caught up, then take one away that is not
// wanted. So the group never has fewer data holders than it had.
func (g *group) reform() {
	g.sayFarewell()
	if !g.serving || g.released || g.change.proposed || g.handover.to != 0 || g.fulfilled() {
		return
	}
	if !g.m.now.Before(g.leaseEnd()) {
		return
	}
	if typ, id := g.nextChange(); id != 0 {
		g.propose(typ, id)
	}
}

func (g *group) nextChange() (raftpb.ConfChangeType, uint64) {
	w := g.wish()
	for _, id := range g.conf.learners {
		if !slices.Contains(w.Members, id) {
			return raftpb.ConfChangeRemoveNode, id
		}
		if g.caughtUp(id) && g.safe(with(g.conf.voters, id)) {
			return raftpb.ConfChangeAddNode, id
		}
	}
	if missing := minus(w.Members, g.conf.voters); len(missing) > 0 {
		return g.learn(missing[0])
	}
	for _, id := range minus(g.conf.voters, w.Members) {
		if id != g.m.cfg.Self && g.safe(minus(g.conf.voters, []uint64{id})) {
			return raftpb.ConfChangeRemoveNode, id
		}
	}
	return 0, 0
}

// learn is the step that makes a member a learner: one at a time.
func (g *group) learn(id uint64) (raftpb.ConfChangeType, uint64) {
	switch {
	case len(g.conf.learners) > 0:
		return 0, 0
	case slices.Contains(g.removed, id) && !g.m.without.renewFirst:
		if g.drained() {
			g.renew()
		}
		return 0, 0
	}
	return raftpb.ConfChangeAddLearnerNode, id
}

// with and minus are sets as growing lists.
func with(set []uint64, id uint64) []uint64 {
	return slices.Compact(sorted(append(slices.Clone(set), id)))
}

func minus(set, less []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(set), func(id uint64) bool { return slices.Contains(less, id) })
}

// catchUp is how many entries a learner may lack when it is promoted.
const catchUp = 64

// caughtUp tells whether a learner has about the whole log.
func (g *group) caughtUp(id uint64) bool {
	mem := g.member(id)
	return mem != nil && mem.match+catchUp >= g.last && mem.match >= g.conf.index
}

// safe tells whether a change to these voters keeps what is committed on a
// majority of them, and leaves the group a majority that answers.
func (g *group) safe(voters []uint64) bool {
	if g.quorumIndex(voters) < g.commit {
		return false
	}
	answering := 0
	for _, id := range voters {
		if mem := g.member(id); id == g.m.cfg.Self || mem != nil && g.m.now.Sub(mem.heardAt) < g.m.cfg.Timing.Lease {
			answering++
		}
	}
	return answering > len(voters)/2
}

// propose puts a change of one member into the log.
func (g *group) propose(typ raftpb.ConfChangeType, id uint64) {
	next := g.conf.voters
	switch typ {
	case raftpb.ConfChangeAddNode:
		next = with(next, id)
	case raftpb.ConfChangeRemoveNode:
		next = minus(next, []uint64{id})
	}
	cc := &raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{{Type: typ.Enum(), NodeId: new(id)}}}
	if g.rn.ProposeConfChange(cc) == nil {
		g.change = change{proposed: true, voters: next}
		g.m.touch(g)
	}
}

// reconfigured is called when a change was applied.
func (g *group) reconfigured() {
	if !g.leads() {
		return
	}
	g.change = change{}
	for _, mem := range g.members {
		if !g.conf.has(mem.id) {
			g.removed = append(g.removed, mem.id)
			g.farewell = append(g.farewell, mem.id)
			g.endShipment(mem.id)
		}
	}
	g.enroll()
	g.beat()
	g.m.touch(g)
}
