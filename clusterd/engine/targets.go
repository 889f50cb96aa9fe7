package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Heartbeats go by themselves to a node's targets: in a small cluster to all, in
// a large one to few successors on the ring, to the stewards, and to whomever this
// node accuses, so that an answer takes the accusation back. Whom it watches it
// accuses when it is silent. Both sets are chosen anew only when the members, the
// stewards or the accused have changed, never for a heartbeat.

// aim chooses to whom heartbeats go: in a small cluster to all, else to the
// successors on the ring, the stewards and all who are accused.
func (e *Engine) aim() {
	l := &e.roster
	var accused []member.Node // mostly nobody
	for _, p := range l.peers {
		p.target = false
		if p.accused {
			accused = append(accused, p.node)
		}
	}
	if l.astray || !slices.Equal(accused, l.skipped) {
		e.walk(accused)
	}
	if !l.full && e.oversees() {
		e.fill()
	}
	heartbeat := e.cfg.Timing.Heartbeat
	e.target(e.monitored(), heartbeat)
	if l.present+1 > reach.All {
		e.target(e.verdict.stewards, e.stewardPace(e.views.decided.Find(e.self) != nil))
	}
	steward := slices.Contains(e.verdict.stewards, e.self)
	l.targets, l.judged = l.targets[:0], l.judged[:0]
	for _, p := range l.peers {
		watched := p.present && (p.target || steward)
		if !p.target {
			p.pace(e.stewardPace(e.seat(p) != nil))
		}
		if watched && !p.watched {
			p.since, p.moved = e.now, e.attention()
		}
		p.watched = watched
		if p.target {
			l.targets = append(l.targets, p)
		}
		if !p.watched && !p.accused {
			p.detector = nil
			continue
		}
		if p.detector == nil {
			p.detector = e.newDetector(p)
		}
		l.judged = append(l.judged, p)
	}
}

// stewardPace returns how often heartbeats go between a steward and one that it does
// not monitor. Members keep the pace that their lease is reckoned with, which is
// that of their view (leaseFor): while a few hundred have let in thousands who are
// not in a view yet, the pace of all would be slower than a lease is long, and
// nobody could lead. Joiners, who have no lease, keep the pace of all.
func (e *Engine) stewardPace(isMember bool) time.Duration {
	present := e.roster.present + 1
	switch {
	case present <= reach.All:
		return e.cfg.Timing.Heartbeat
	case isMember:
		return e.cfg.Timing.stewardEvery(len(e.views.decided.Members))
	}
	return e.cfg.Timing.stewardEvery(present)
}

// walk finds the successors on the ring anew: past those that are accused.
func (e *Engine) walk(accused []member.Node) {
	l := &e.roster
	l.nearest, l.skipped, l.astray = reach.NewNearest(e.self), accused, false
	for n, present := range e.others() {
		if _, skip := slices.BinarySearchFunc(accused, n, member.Node.Compare); present && !skip {
			l.nearest.Offer(n)
		}
	}
}

// monitored returns whom this node monitors: see [reach.Ring].
func (e *Engine) monitored() []member.Node {
	l := &e.roster
	l.ring = l.ring[:0]
	if l.present < reach.All {
		for n, present := range e.others() {
			if present {
				l.ring = append(l.ring, n)
			}
		}
	} else {
		l.ring = l.nearest.AppendTo(l.ring)
	}
	all := slices.Concat(l.ring, l.skipped)
	l.ring = slices.DeleteFunc(l.ring, func(n member.Node) bool { return slices.Contains(l.skipped, n) })
	return all
}

// target has heartbeats sent to some nodes that have none yet.
func (e *Engine) target(nodes []member.Node, every time.Duration) {
	for _, n := range nodes {
		if p := e.roster.find(n); p != nil && !p.target {
			p.target = true
			p.pace(every)
		}
	}
}

// pace sets how often heartbeats are exchanged with p. Its detector learns anew
// what to expect. When the next one is due stays as it is: while members come and
// go, the pace changes with each, and p would not hear of this node for as long.
func (p *peer) pace(every time.Duration) {
	if p.every != every {
		p.every, p.detector = every, nil
	}
}
