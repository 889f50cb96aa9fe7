package engine

import (
	"slices"
	"strings"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// verdict is what this node concludes from everybody's accusations.
type verdict struct {
	unreachable []member.Node // sorted
	leader      member.Node   // zero = none
	stewards    []member.Node // the three lowest reachable Up members
	rows        []*reach.Row  // that say something against somebody; collected when rows or roster change
	strands     []strand      // links that are broken while both ends live, sorted; see broken
	frayed      bool          // rows or roster have changed since strands were collected
}

const stewards = 3

// reachable reports whether n is reachable; this node always is.
func (v *verdict) reachable(n member.Node) bool {
	_, found := slices.BinarySearchFunc(v.unreachable, n, member.Node.Compare)
	return !found
}

// weigh draws the verdict anew: who is unreachable, and so who leads. Time
// alone changes whom this node hears and so who is unreachable; the leader and
// the stewards follow from that, the views and the facts.
func (e *Engine) weigh() {
	moot := e.moot
	e.moot = false
	if moot {
		e.verdict.rows = e.accusing()
		e.verdict.frayed = true
	}
	unreachable := e.judge()
	e.timers.Update(e.now, unreachable)
	if !moot && slices.Equal(unreachable, e.verdict.unreachable) {
		return
	}
	former := e.verdict
	e.verdict.unreachable = unreachable
	e.verdict.leader = e.deriveLeader()
	e.verdict.stewards = e.deriveStewards()
	if !slices.Equal(former.stewards, e.verdict.stewards) || e.verdict.leader == e.self && !e.roster.full {
		e.aim()
	}
	if former.leader != e.verdict.leader || !slices.Equal(former.unreachable, unreachable) {
		e.stir, e.shown.dirty, e.shown.listed = true, true, false
	}
}

// judge returns who has enough accusers. Only members of the newest view that
// no acknowledged view removes are counted, as accusers and as heard. A second
// count leaves out what is said by those who would be unreachable themselves
// and are not heard here: who died while it accused somebody cannot take that
// back, and would hold up the very quorum that could remove it.
func (e *Engine) judge() []member.Node {
	if len(e.verdict.rows) == 0 {
		return nil
	}
	all := e.accusedBy(e.counts)
	if len(all) == 0 {
		return nil
	}
	return e.accusedBy(func(n member.Node) bool {
		_, gone := slices.BinarySearchFunc(all, n, member.Node.Compare)
		return e.counts(n) && (!gone || e.hears(e.roster.find(n)))
	})
}

// accusedBy returns, sorted, who has enough accusers among those that count.
func (e *Engine) accusedBy(counts func(observer member.Node) bool) []member.Node {
	accusers := reach.Count(e.verdict.rows, counts)
	if len(accusers) == 0 {
		return nil
	}
	needed := reach.Needed(e.heard())
	if e.without(rules.Accusers) {
		needed = 1
	}
	var unreachable []member.Node
	for n, count := range accusers { // order: sorted below
		if count < needed || n == e.self {
			continue
		}
		if who, present := e.at(n.Address); who == n && present {
			unreachable = append(unreachable, n)
		}
	}
	slices.SortFunc(unreachable, member.Node.Compare)
	return unreachable
}

// hears reports whether p answered lately.
func (e *Engine) hears(p *peer) bool {
	return p != nil && !p.answered.IsZero() && e.attention()-p.heard <= e.patience(p)
}

// counts reports whether n is listened to. This node always listens to itself:
// while its own removal is not decided it may be the one who must finish that.
func (e *Engine) counts(n member.Node) bool {
	return e.views.decided.Find(n) != nil && (n == e.self || !e.views.removes(n))
}

// heard returns how many members answered lately. Whom this node accuses although
// it answers, because it does not act, is none of those who could join in the
// accusation.
func (e *Engine) heard() int {
	count := 0
	for _, p := range e.roster.peers {
		if !p.accused && e.counts(p.node) && e.hears(p) {
			count++
		}
	}
	return count
}

// deriveLeader returns the lowest address among the reachable voters. One that
// is wanted out, or that an acknowledged view removes, leads only where nobody
// else can: it may not hear that it should. Without a voter the next best
// status counts, so that all name the same node.
func (e *Engine) deriveLeader() member.Node {
	best, rank := member.Node{}, 3
	for i := range e.views.decided.Members {
		m := &e.views.decided.Members[i]
		if r := e.rank(m); r < rank && e.verdict.reachable(m.Node) {
			best, rank = m.Node, r
		}
		if rank == 0 {
			break // nobody after it is better
		}
	}
	return best
}

// roleLeaders returns the leader of each role, chosen as the leader is.
func (e *Engine) roleLeaders() []RoleLeader {
	var list []RoleLeader
	ranks := map[string]int{}
	for i := range e.views.decided.Members {
		m := &e.views.decided.Members[i]
		if len(m.Info.Roles) == 0 || !m.Status.Votes() || !e.verdict.reachable(m.Node) {
			continue
		}
		rank := e.rank(m)
		for _, role := range m.Info.Roles {
			at := slices.IndexFunc(list, func(l RoleLeader) bool { return l.Role == role })
			switch {
			case at < 0:
				list = append(list, RoleLeader{role, m.Address})
				ranks[role] = rank
			case rank < ranks[role]:
				list[at].Leader, ranks[role] = m.Address, rank
			}
		}
	}
	slices.SortFunc(list, func(a, b RoleLeader) int { return strings.Compare(a.Role, b.Role) })
	return list
}

func (e *Engine) rank(m *member.Entry) int {
	switch {
	case !m.Status.Votes():
		return 2
	case e.wanted(m.Node) != 0 || e.views.removes(m.Node):
		return 1
	}
	return 0
}

// wanted returns why somebody wants n out, 0 for nobody.
func (e *Engine) wanted(n member.Node) member.Cause {
	if r := e.table.Record(n.Address); r != nil && r.Node == n {
		return r.Wanted
	}
	return 0
}

func (e *Engine) deriveStewards() []member.Node {
	var lowest []member.Node
	for i := range e.views.decided.Members {
		m := &e.views.decided.Members[i]
		if m.Status == member.Up && e.verdict.reachable(m.Node) {
			lowest = append(lowest, m.Node)
		}
		if len(lowest) == stewards {
			break
		}
	}
	return lowest
}

// lost returns, sorted, who has been unreachable for long enough to be
// removed. While this node had no lease it may have been the one that was cut
// off: what it then held against others counts no more. They have T_acc from
// the return of the lease to be heard, and silence before that is no news.
func (e *Engine) lost() []member.Node {
	if !e.holds() || e.now.Sub(e.tenure.since) < e.cfg.Timing.Accuse {
		return nil
	}
	stable := downing.StableAfter(e.cfg.Timing.StableAfter, len(e.views.decided.Members))
	return e.timers.Due(e.now, stable, e.cfg.Timing.Accuse/2)
}
