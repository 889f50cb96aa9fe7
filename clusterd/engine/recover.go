package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// A cluster that has lost its quorum decides nothing ever again, and must not:
// the others may be alive on the far side of a cut. Only an operator can know
// that they are gone. Recovery therefore changes the cluster's identity: those
// who go on do so under a new branch, and if the others come back after all,
// two lines of one founding meet as strangers, not as members that have each
// other removed (7).

// recover goes on with the voters that this node hears.
func (e *Engine) recover() error {
	switch {
	case e.id.IsZero():
		return ErrNotMember
	case e.mayAct():
		return ErrHasQuorum
	}
	from := e.id
	id := member.Identity{Cluster: from.Cluster, Branch: member.NextUID(e.now, from.Branch, e.cfg.Rand.Uint64())}
	view := e.survivors()
	if view.Voters() == 0 {
		return ErrNotMember // not even this node votes
	}
	e.adopt(id, view)
	e.lead.proposal, e.lead.acks = view, map[member.Node]bool{e.self: true}
	e.lead.recovery = &Recovered{From: from, View: view}
	e.stir = true
	return nil
}

// survivors returns the view that follows the newest one acknowledged here,
// with no other members than this node and the voters that it hears.
func (e *Engine) survivors() *member.View {
	former := e.views.decided
	v := *former
	v.Number = e.views.acked.Number + 1
	v.Term = member.Term{Counter: max(e.views.promised.Counter, e.lead.seen) + 1, Leader: e.self}
	v.Members = nil
	v.Removed = slices.Clone(former.Removed)
	for _, m := range former.Members {
		p := e.roster.find(m.Node)
		stays := m.Node == e.self || e.hears(p) && e.verdict.reachable(m.Node) && e.wanted(m.Node) == 0
		if m.Status.Votes() && stays {
			v.Members = append(v.Members, m)
			continue
		}
		v.Removed = append(v.Removed, member.Tombstone{Node: m.Node, View: v.Number, Cause: member.CauseDown})
	}
	slices.SortFunc(v.Removed, func(a, b member.Tombstone) int { return a.Node.Compare(b.Node) })
	return &v
}

// adopt moves this member to another branch. What peers said of views of the
// former branch is void.
func (e *Engine) adopt(id member.Identity, v *member.View) {
	e.id = id
	e.lead = lead{}
	e.views.promised, e.views.ballot = v.Term, member.Term{}
	e.views.acked = nil
	for _, p := range e.roster.peers {
		p.acked, p.decided, p.support = 0, 0, time.Time{}
	}
	e.ahead, e.tenure = member.Node{}, tenure{}
	e.learnDecided(v)
}

// onRecovered follows a recovery. Whoever still has a lease has a cluster that
// lives, and whoever is not among the survivors was given up.
func (e *Engine) onRecovered(from member.Node, id member.Identity, r *Recovered) error {
	if err := r.View.Validate(); err != nil {
		return faulty(err)
	}
	if e.id == id { // followed before; the answer was lost
		e.sendBeat(from, e.roster.find(from), true)
		return nil
	}
	if r.From != e.id || !e.follows(from, id) || r.View.Find(e.self) == nil || r.View.Number <= e.views.decided.Number {
		return ErrForeign
	}
	e.adopt(id, r.View)
	e.sendBeat(from, e.roster.find(from), true)
	return nil
}

// follows reports whether a recovery that a node tells of may concern this one:
// it has no quorum, and knows that node.
func (e *Engine) follows(from member.Node, id member.Identity) bool {
	return id.Cluster == e.id.Cluster && !e.mayAct() && e.known(from)
}
