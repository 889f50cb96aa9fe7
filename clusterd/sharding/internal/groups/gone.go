package groups

import (
	"slices"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
)

// A replica that was taken out of its group is destroyed only when the group's
// leader says so: its removal is then committed and a majority of those who
// remain has that in its log, so that nobody needs its vote or data any more.
// The leader says it once by itself, and to whoever asks later.

// sayFarewell tells those that were removed, once the group can do without.
func (g *group) sayFarewell() {
	if len(g.farewell) == 0 {
		return
	}
	left := g.farewell[:0]
	for _, id := range g.farewell {
		if !g.tellGone(id) {
			left = append(left, id)
		}
	}
	g.farewell = left
}

// tellGone answers a former member, if that is what it is.
func (g *group) tellGone(to uint64) bool {
	if !g.serving || g.conf.has(to) {
		return false
	}
	if g.quorumIndex(g.conf.voters) < g.conf.index {
		return false
	}
	if !slices.Contains(g.removed, to) {
		g.removed = append(g.removed, to) // it may return in a later term only
	}
	g.post(to, &groupspb.Item{Gone: &groupspb.Gone{Term: g.term}}, 0)
	return true
}

// ask is called when no leader was heard for the patience: perhaps this node
// was removed and missed it. Those whom the plan names, and the members it
// knows, may tell.
func (g *group) ask() {
	ids := g.conf.voters
	if w := g.wish(); w != nil {
		if slices.Contains(w.Members, g.m.cfg.Self) {
			return
		}
		ids = slices.Compact(sorted(append(slices.Clone(ids), w.Members...)))
	}
	for _, id := range ids {
		g.post(id, &groupspb.Item{Ask: &groupspb.Ask{Term: g.term}}, 0)
	}
	g.due = g.m.now.Add(g.patience())
}

// receiveAsk answers as the leader. An asker whose term is higher, because it
// once stood in vain, would not believe a lower one.
func (g *group) receiveAsk(from uint64, in *groupspb.Ask) error {
	if !g.leads() || !g.serving || g.conf.has(from) {
		return nil
	}
	if in.Term > g.term && in.Term < 1<<62 {
		if g.drained() && g.handover.to == 0 {
			g.term = in.Term
			g.renew()
		}
		return nil
	}
	g.tellGone(from)
	return nil
}

// receiveGone destroys the replica. A leader of an older term than this replica
// has heard of may speak of an earlier membership.
func (g *group) receiveGone(_ uint64, in *groupspb.Gone) error {
	if in.Term < g.term || g.blank() {
		return nil
	}
	g.destroy()
	return nil
}

// destroy deletes the replica but for its term and vote, and leaves a blank
// one, which the group may fill again.
func (g *group) destroy() {
	g.lose()
	g.m.dues.drop(g)
	term, vote := g.hard()
	g.write(Write{Destroy: true, Hard: true, Term: term, Vote: vote})
	g.m.building.sync = true
	g.rn, g.state, g.lead = nil, 0, 0
	g.announce()
	if _, err := g.m.open(Stored{Shard: g.shard, Group: g.id, Term: term, Vote: vote}); err != nil {
		panic(err) // it opened before with more
	}
}

// hard is the newest term and vote, handed out or not.
func (g *group) hard() (term, vote uint64) {
	s := g.rn.BasicStatus()
	return s.GetTerm(), s.GetVote()
}
