package durable

import (
	"cmp"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
	"github.com/pando-go/pando/clusterd/slots"
)

// One host, the issuer of the view, plans where replicas and primaries should be,
// from where they are: evenly, with the least movement, in different zones. It only
// proposes: each group walks to it by changes of its own configuration that its own
// quorum accepts (rule D1), so a plan that is old or wrong costs work and no data.
//
// A host that is gone keeps its place for a while, since most come back, and then
// as long as no other host could take it: a group is never made smaller than
// Config.Replicas for a member's absence.

// pilot is the issuer's memory. Another issuer begins without one.
type pilot struct {
	spread time.Time            // when rows are told again
	number uint64               // of the newest plan
	view   uint64               // in which it was made
	rows   []groups.PlanRow     // of the newest plan
	told   time.Time            // when it was sent last
	gone   map[uint64]time.Time // since when hosts are missing
	pins   map[int]uint64       // primaries that an operator chose

	// units is what was planned for these members, with all rows known. It stands
	// as long as they do: to plan again from half-made moves would send replicas
	// elsewhere that are on their way.
	units [][]slots.Node
	among []slots.Member

	seen uint64 // the view of the newest plan that this node has been told
}

// retell is how often a plan is sent again, for those who missed it.
const retell = 10 * time.Second

// planRows is how many rows one packet has at most.
const planRows = 512

func (p *pilot) pin(shard int, to uint64) {
	if p.pins == nil {
		p.pins = map[int]uint64{}
	}
	p.pins[shard] = to
}

// steer plans, at each beat.
func (sh *shell) steer(now time.Time) {
	issuer, ok := sh.crowd.issuer()
	p := &sh.pilot
	if !ok || issuer.id != sh.self || sh.machine == nil || !sh.founding.settled || !sh.svc.node.MayAct() {
		p.gone, p.units = nil, nil
		return
	}
	rows := sh.plan(now)
	same := slices.EqualFunc(rows, p.rows, func(a, b groups.PlanRow) bool {
		return a.Shard == b.Shard && a.Primary == b.Primary && slices.Equal(a.Members, b.Members)
	})
	if same && p.view == sh.crowd.view && now.Sub(p.told) < retell {
		return
	}
	if p.view != sh.crowd.view {
		p.view, p.number = sh.crowd.view, 0
	}
	if !same {
		p.number++
	}
	p.rows, p.told = rows, now
	sh.tellPlan(now)
}

// tellPlan sends the plan to all hosts.
func (sh *shell) tellPlan(now time.Time) {
	p := &sh.pilot
	for chunk := range slices.Chunk(p.rows, planRows) {
		out := &durablepb.Plan{Number: p.number}
		for _, r := range chunk {
			out.Rows = append(out.Rows, &durablepb.PlanRow{Shard: r.Shard, Members: r.Members, Primary: r.Primary})
		}
		for _, h := range sh.crowd.hosts {
			if h.id == sh.self {
				sh.planned(now, p.view, out)
			} else {
				sh.post(h.node, &durablepb.Packet{Body: &durablepb.Packet_Plan{Plan: out}})
			}
		}
	}
}

// planned takes a plan over.
func (sh *shell) planned(now time.Time, view uint64, in *durablepb.Plan) {
	out := groups.Plan{View: view, Number: in.GetNumber()}
	for _, r := range in.GetRows() {
		out.Rows = append(out.Rows, groups.PlanRow{Shard: r.GetShard(), Members: r.GetMembers(), Primary: r.GetPrimary()})
	}
	sh.input(now, out)
	if view < sh.pilot.seen {
		return
	}
	sh.pilot.seen = view
	sh.mu.Lock()
	for _, r := range out.Rows {
		if int(r.Shard) < len(sh.wishes) {
			sh.wishes[r.Shard] = r.Primary
		}
	}
	sh.mu.Unlock()
	for _, r := range out.Rows {
		if int(r.Shard) < len(sh.locals) {
			sh.locals[r.Shard].wanted = slices.Contains(r.Members, sh.self)
		}
	}
}

// plan computes the plan from where the shards are, for those whose row is known.
func (sh *shell) plan(now time.Time) []groups.PlanRow {
	current, known := sh.current()
	members, able := sh.planners(now, current)
	units := sh.pilot.chart(sh.svc.cfg.Replicas, current, known, members)
	leads := map[slots.Node]int{}
	for _, u := range units {
		if len(u) > 0 {
			leads[u[0]]++
		}
	}
	var rows []groups.PlanRow
	for shard, u := range units {
		if !known[shard] || len(u) == 0 {
			continue
		}
		row := groups.PlanRow{Shard: uint32(shard), Primary: sh.primaryOf(shard, u, able, leads)}
		for _, n := range u {
			row.Members = append(row.Members, idOfNode(n))
		}
		slices.Sort(row.Members)
		rows = append(rows, row)
	}
	return rows
}

// chart returns who is to hold each shard: what was planned before, as long as the
// members are the same, else a plan that goes on from there or from where the shards
// are.
func (p *pilot) chart(copies int, current [][]slots.Node, known []bool, members []slots.Member) [][]slots.Node {
	if p.units != nil {
		if slices.Equal(p.among, members) {
			return p.units
		}
		current = p.units
	}
	units := slots.Planner{Copies: copies}.Plan(current, members)
	if p.units != nil || !slices.Contains(known, false) {
		p.units, p.among = units, members
	}
	return units
}

// current is where the shards are; those of which nothing is known yet count as
// where they were founded.
func (sh *shell) current() (units [][]slots.Node, known []bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	units, known = make([][]slots.Node, len(sh.rows)), make([]bool, len(sh.rows))
	for i, r := range sh.rows {
		ids := firstMembers(sh.founding.charter, i)
		if known[i] = r.Index > 0; known[i] {
			ids = append([]uint64{r.Primary}, slices.DeleteFunc(slices.Clone(r.Replicas), func(id uint64) bool { return id == r.Primary })...)
			ids = append(ids, r.Learners...)
		}
		for _, id := range ids {
			units[i] = append(units[i], nodeOf(id))
		}
	}
	return units, known
}

// nodeOf names a store in a plan: in the order of ids.
func nodeOf(id uint64) slots.Node { return slots.Node(shownID(id)) }

func idOfNode(n slots.Node) uint64 { return readID(string(n)) }

// planners are the hosts that a plan may use, and which of them are there and may
// be primaries.
func (sh *shell) planners(now time.Time, current [][]slots.Node) (list []slots.Member, able map[slots.Node]bool) {
	live, able := map[slots.Node]bool{}, map[slots.Node]bool{}
	leaving := map[slots.Node]bool{}
	for _, h := range sh.crowd.hosts {
		n := nodeOf(h.id)
		if h.leaving {
			leaving[n] = true
			continue
		}
		live[n], able[n] = true, !h.standby
		list = append(list, slots.Member{Node: n, Zone: h.zone})
	}
	gone := map[uint64]time.Time{}
	var late []slots.Node
	for n := range holders(current) { // order: sorted below
		if live[n] {
			continue
		}
		id := idOfNode(n)
		since, ok := sh.pilot.gone[id]
		if !ok {
			since = now
		}
		gone[id] = since
		if leaving[n] || now.Sub(since) >= sh.svc.cfg.Rebuild {
			late = append(late, n)
			continue
		}
		list = append(list, slots.Member{Node: n, Zone: sh.crowd.byID[id].zone})
	}
	sh.pilot.gone = gone
	slices.SortFunc(late, cmp.Compare)
	for _, n := range late {
		if len(list) < sh.svc.cfg.Replicas {
			list = append(list, slots.Member{Node: n, Zone: sh.crowd.byID[idOfNode(n)].zone})
		}
	}
	slices.SortFunc(list, func(a, b slots.Member) int { return cmp.Compare(a.Node, b.Node) })
	return list, able
}

func holders(units [][]slots.Node) map[slots.Node]bool {
	set := map[slots.Node]bool{}
	for _, u := range units {
		for _, n := range u {
			set[n] = true
		}
	}
	return set
}

// primaryOf is a planned unit's primary: the operator's choice, or the planner's if
// that one is able, or the one with the fewest of those that are.
func (sh *shell) primaryOf(shard int, unit []slots.Node, able map[slots.Node]bool, leads map[slots.Node]int) uint64 {
	if pin, ok := sh.pilot.pins[shard]; ok {
		if n := nodeOf(pin); slices.Contains(unit, n) && able[n] {
			return pin
		}
		delete(sh.pilot.pins, shard)
	}
	if able[unit[0]] {
		return idOfNode(unit[0])
	}
	var best slots.Node
	for _, n := range unit {
		if able[n] && (best == "" || leads[n] < leads[best]) {
			best = n
		}
	}
	if best == "" {
		return 0
	}
	leads[best]++
	return idOfNode(best)
}

// leave is how far this node is on its way out.
type leave struct {
	asked bool
	told  bool
	view  uint64 // the first one in which this node leaves
}

// hurry reports that everything is handed over, once it is: by a plan that knows
// that this node leaves, it is no primary, and where it still keeps a replica that
// is since too few others are there.
func (sh *shell) hurry() {
	l := &sh.leaving
	if !l.asked || l.told {
		return
	}
	if sh.machine != nil {
		if _, others := sh.crowd.issuer(); others && (sh.pilot.seen < l.view || !sh.handedOver()) {
			return
		}
	}
	l.told = true
	sh.svc.node.Drained(serviceName)
}

func (sh *shell) handedOver() bool {
	if len(sh.lead) > 0 {
		return false
	}
	for i := range sh.locals {
		if l := &sh.locals[i]; l.role.Role != groups.None && !l.wanted {
			return false
		}
	}
	return true
}
