package engine

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// settle sees the decided view become active: when all its voters know it.
// Whoever led it does so, and the leader of the day if that one is gone.
func (e *Engine) settle() {
	l := &e.lead
	v := e.views.decided
	mine := l.proposal != nil && l.proposal.Number == v.Number
	if e.views.settled() || !mine && !e.leads() {
		return
	}
	if patience := e.views.changed.Add(e.cfg.Timing.Retry); !mine && e.now.Before(patience) {
		l.due = earliest(l.due, patience) // whoever led it is likely at work
		return
	}
	missing := e.missing(v, mine)
	if len(missing) == 0 {
		if from := e.fenced(mine); e.now.Before(from) {
			l.due = earliest(l.due, from)
			return
		}
		e.learnActive(v.Number)
		l.proposal, l.acks = nil, nil
		e.launch(waveID{commitWave, v.Term, v.Number}, e.commit(), e.fellows())
		return
	}
	if !e.now.Before(l.remind) {
		l.remind = e.now.Add(e.cfg.Timing.Retry)
		for _, n := range missing {
			e.inform(n)
		}
		e.poll(missing)
	}
	l.due = earliest(l.due, l.remind)
}

// inform tells the decided view to who does not know it: members of the branch
// before a recovery would refuse a plain Commit.
func (e *Engine) inform(n member.Node) {
	r := e.lead.recovery
	switch {
	case r == nil || r.View != e.views.decided:
		e.sendCommit(n)
	case !e.sendPages(n, 0, nil, r.From):
		e.send(n, r)
	}
}

// missing returns the voters of the decided view that have not shown that they
// know it.
func (e *Engine) missing(v *member.View, mine bool) []member.Node {
	var missing []member.Node
	if e.without(rules.V4All) {
		return nil
	}
	for i := range v.Members {
		m := &v.Members[i]
		if !m.Status.Votes() || m.Node == e.self || mine && e.lead.acks[m.Node] {
			continue
		}
		if p := e.roster.find(m.Node); p == nil || p.decided < v.Number {
			missing = append(missing, m.Node)
		}
	}
	return missing
}

// helpers is how many others are asked about those who do not answer.
const helpers = 3

// poll asks some others about those who do not answer: they may have a link
// that this node lacks.
func (e *Engine) poll(missing []member.Node) {
	nodes := e.fellows()
	if len(missing) >= len(nodes) {
		return
	}
	asked := 0
	first := e.cfg.Rand.IntN(len(nodes))
	for i := range nodes {
		n := nodes[(first+i)%len(nodes)]
		if _, silent := slices.BinarySearchFunc(missing, n, member.Node.Compare); silent || !e.verdict.reachable(n) {
			continue
		}
		e.send(n, &Poll{View: e.views.decided.Number, Nodes: missing})
		if asked++; asked == helpers {
			return
		}
	}
}

// onPoll vouches for those that are known to know the view and passes it on to
// the others.
func (e *Engine) onPoll(from member.Node, q *Poll) error {
	if len(q.Nodes) > maxFacts {
		return malformed("poll about %d nodes", len(q.Nodes))
	}
	if q.View > e.views.decided.Number {
		e.ahead = from
		return nil
	}
	var vouched []member.Node
	for _, n := range q.Nodes {
		switch p := e.roster.find(n); {
		case p == nil:
		case p.decided >= q.View:
			vouched = append(vouched, n)
		default:
			e.sendCommit(n)
		}
	}
	if len(vouched) > 0 {
		e.send(from, &Vouch{View: q.View, Nodes: vouched})
	}
	return nil
}

// onVouch believes what a helper has heard.
func (e *Engine) onVouch(v *Vouch) error {
	if len(v.Nodes) > maxFacts {
		return malformed("vouched for %d nodes", len(v.Nodes))
	}
	for _, n := range v.Nodes {
		if p := e.roster.find(n); p != nil && v.View > p.decided && v.View <= e.views.decided.Number {
			p.decided, e.stir = v.View, true
		}
	}
	return nil
}
