package engine

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// lead is what a node keeps while it leads, or tries to.
type lead struct {
	term     member.Term          // drawn by this node; zero = none
	promised map[member.Node]bool // who promised to acknowledge no lower term
	best     *member.View         // the view after the decided one that a promise showed; nil = none
	ballot   member.Term          // the highest under which best was acknowledged

	proposal *member.View // in flight, or decided and not active yet; nil = none
	acks     map[member.Node]bool
	quiet    map[member.Node]bool // who acknowledged and has not answered the removed for T_w
	base     *member.View         // the decided view that the proposal follows; nil = nothing was proposed
	known    uint64               // number of the view that all its voters are known to know
	knownAt  time.Time            // since when

	recovery *Recovered // what the survivors of a recovery are told until they show that they know; nil = none

	tried  time.Time // when this node last drew a term
	resend time.Time // when the unanswered messages of a wave are due again
	remind time.Time // when those who do not know the decided view are told again
	rest   time.Time // no new proposal before: another leader is at work
	gather time.Time // when the batch of joiners is closed; zero = there is none
	vain   vain      // the last draft of a view that came to nothing
	lost   int       // refusals since the last view
	seen   uint64    // the highest counter of a term that beat this node's

	due time.Time // when drive wants to be called again; zero = not by itself
}

// yield gives way to a higher term: whatever is in flight is for its leader to
// find, and this node leaves it in peace until a time.
func (l *lead) yield(until time.Time) {
	l.term, l.promised, l.best, l.ballot = member.Term{}, nil, nil, member.Term{}
	l.proposal, l.acks = nil, nil
	l.rest = until
}

// drive does what there is to do for a leader: follow the proposal in flight,
// see the decided view become active, propose the next.
func (e *Engine) drive() {
	l := &e.lead
	l.due = time.Time{}
	if l.overtaken(e.views.decided) {
		l.proposal, l.acks = nil, nil
	}
	if l.proposal != nil && l.proposal.Number > e.views.decided.Number {
		e.pursue()
		return
	}
	e.settle()
	if e.leads() && !e.removed {
		e.propose()
	}
}

// overtaken reports whether somebody else's view was decided in place of the
// proposal in flight: the acknowledgements of it count for nothing.
func (l *lead) overtaken(decided *member.View) bool {
	return l.proposal != nil &&
		(l.proposal.Number < decided.Number || l.proposal.Number == decided.Number && l.proposal.Term != decided.Term)
}

// leads reports whether this node is the leader and may act as one.
func (e *Engine) leads() bool { return e.verdict.leader == e.self && e.mayAct() }

// propose starts what is due: a read wave when this node has just taken over,
// else the next view.
func (e *Engine) propose() {
	l := &e.lead
	if e.leased != nil && !e.source() {
		return // see hold
	}
	if e.views.promised.Compare(l.term) > 0 {
		l.term = member.Term{}
	}
	next := e.build()
	astray := next == nil && l.best == nil && e.astray()
	if next == nil && l.best == nil && !astray {
		return
	}
	if e.now.Before(l.rest) {
		l.due = earliest(l.due, l.rest)
		return
	}
	switch {
	case l.term.Counter == 0 || astray:
		e.takeOver()
	case !e.without(rules.V2Read) && !e.promisedByQuorum():
		e.read()
	case l.best != nil && !e.without(rules.V2Finish):
		e.write(l.best)
	case next != nil:
		next.Term = l.term
		e.write(next)
	}
}

// astray reports whether somebody acknowledged a view that was never decided
// here, and nobody has finished it for a while: its leader is gone.
func (e *Engine) astray() bool {
	patience := 2 * e.cfg.Timing.Retry
	if e.now.Sub(e.views.changed) < patience || e.now.Sub(e.lead.tried) < patience {
		return false
	}
	decided := e.views.decided.Number
	if e.views.acked.Number > decided {
		return true
	}
	for _, p := range e.roster.peers {
		if p.acked > decided && e.views.decided.Votes(p.node) && e.verdict.reachable(p.node) {
			return true
		}
	}
	return false
}

// takeOver draws a term above all that this node has heard of, promises it to
// itself and reads what the voters know.
func (e *Engine) takeOver() {
	l := &e.lead
	counter := max(e.views.promised.Counter, l.seen, e.floorOfTerms()) + 1
	if counter == 0 {
		return // terms are used up: only a forged one can bring that about
	}
	l.yield(time.Time{})
	l.tried, l.resend = e.now, time.Time{}
	l.term = member.Term{Counter: counter, Leader: e.self}
	l.promised = map[member.Node]bool{e.self: true}
	e.views.promised = l.term
	if e.views.acked != e.views.decided {
		l.best, l.ballot = e.views.acked, e.views.ballot
	}
	if e.without(rules.V2Read) {
		e.stir = true
		return
	}
	e.read()
	e.stir = e.promisedByQuorum() // nobody needs to be waited for
}

// promisedByQuorum reports whether enough voters are bound to this node's term
// and have shown what they know. The holder of a lease outside the cluster needs
// none: the note beside the lease has told that nothing is decided that it does not
// know.
func (e *Engine) promisedByQuorum() bool {
	return e.leased != nil && e.source() || e.leased == nil && e.cfg.Downing.Quorum(e.views.decided, e.lead.hasPromise)
}

func (l *lead) hasPromise(n member.Node) bool { return l.promised[n] }

// read asks the voters that have not promised yet, now and again.
func (e *Engine) read() {
	l := &e.lead
	if !e.now.Before(l.resend) {
		l.resend = e.now.Add(e.cfg.Timing.Retry)
		var asked []member.Node
		for i := range e.views.decided.Members {
			m := &e.views.decided.Members[i]
			if m.Status.Votes() && !l.promised[m.Node] {
				asked = append(asked, m.Node)
			}
		}
		base := e.views.decided.Number
		e.launch(waveID{readWave, l.term, base}, &ReadWave{Term: l.term, Base: base}, asked)
	}
	l.due = earliest(l.due, l.resend)
}

// onPromise counts promises and keeps the newest view that they show; on the
// way up they are added up.
func (e *Engine) onPromise(from member.Node, p *Promise) error {
	if err := p.validate(); err != nil {
		return err
	}
	l := &e.lead
	if !e.views.decided.Votes(from) {
		return nil // nobody asked it
	}
	mine := p.Term == l.term && l.term.Counter != 0
	if !mine {
		e.addUp(p)
		e.tally(from, waveID{readWave, p.Term, p.Base}, &p.Tally)
		return nil
	}
	var acked *member.View
	if p.Acked != nil && p.Acked.Base == e.views.decided.Number {
		view, _, err := e.resolve(p.Acked)
		if err != nil {
			return err
		}
		acked = view
	}
	reached := e.tally(from, waveID{readWave, p.Term, p.Base}, &p.Tally)
	if p.Newer > e.views.decided.Number {
		// One of them knows a later view decided, and has sent it. Until it is
		// here, nobody's promise about the earlier one counts.
		return nil
	}
	if acked != nil && (l.best == nil || p.Ballot.Compare(l.ballot) > 0) {
		l.best, l.ballot = acked, p.Ballot
	}
	for _, n := range reached {
		l.promised[n] = true
	}
	e.stir = e.stir || len(reached) > 0
	return nil
}

func (p *Promise) validate() error {
	if p.Acked != nil {
		if err := p.Acked.Validate(); err != nil {
			return faulty(err)
		}
	}
	return p.Tally.validate()
}

// addUp joins the promise of a share with what is known of this node's.
func (e *Engine) addUp(p *Promise) {
	sum := &e.relay.read
	if sum.Term != p.Term || sum.Base != p.Base {
		return // of another wave than the one that is passed on
	}
	sum.Newer = max(sum.Newer, p.Newer)
	if p.Acked != nil && (sum.Acked == nil || newerAcked(p, sum)) {
		sum.Acked, sum.Ballot = p.Acked, p.Ballot
	}
}

// newerAcked reports whether what p shows matters more than what was added up: a
// view that builds on a later one, under whatever ballot. Somebody who is behind
// may have acknowledged an earlier view again under a higher one.
func newerAcked(p, sum *Promise) bool {
	if p.Acked.Base != sum.Acked.Base {
		return p.Acked.Base > sum.Acked.Base
	}
	return p.Ballot.Compare(sum.Ballot) > 0
}

// write sends a proposal to all members of the decided view and of the
// proposed one.
func (e *Engine) write(v *member.View) {
	l := &e.lead
	l.proposal, l.acks = v, map[member.Node]bool{e.self: true}
	l.quiet, l.base = map[member.Node]bool{e.self: e.quiet(v)}, e.views.decided
	l.best, l.ballot, l.gather = nil, member.Term{}, time.Time{}
	e.acknowledge(v, l.term)
	l.resend = time.Time{}
	e.pursue()
}

// pursue sends the proposal to who has not acknowledged it, and decides it
// when the acknowledgements are a quorum.
func (e *Engine) pursue() {
	l := &e.lead
	if !e.now.Before(l.resend) && e.holds() {
		l.resend = e.now.Add(e.cfg.Timing.Retry)
		var asked []member.Node
		for _, n := range audience(e.views.decided, l.proposal) {
			if !l.acks[n] {
				asked = append(asked, n)
			}
		}
		wave := &WriteWave{Term: l.term, Change: e.change(l.proposal)}
		e.launch(waveID{writeWave, l.term, l.proposal.Number}, wave, asked)
	}
	if e.acknowledged() {
		e.decide()
		return
	}
	if e.holds() { // else the return of the lease is what it waits for
		l.due = earliest(l.due, l.resend)
	}
}

// acknowledged reports whether a quorum of the last view's voters has
// acknowledged the proposal: of all of them, whether they can be reached or not.
func (e *Engine) acknowledged() bool {
	if e.leased != nil {
		return e.source() && e.sealed()
	}
	return e.without(rules.V3Quorum) || e.cfg.Downing.Quorum(e.views.decided, func(n member.Node) bool {
		return e.lead.acks[n] || e.without(rules.V3Voters) && !e.verdict.reachable(n)
	})
}

// decide makes the proposal the decided view. Whom it removes hears of it at
// once, everybody else when it is active.
func (e *Engine) decide() {
	l := &e.lead
	v := l.proposal
	commit := e.commitOf(v)
	for _, t := range v.Removed {
		if t.View == v.Number {
			e.send(t.Node, commit)
		}
	}
	if v.Find(e.self) == nil { // this leader goes too: nobody else knows yet
		for i := range v.Members {
			e.send(v.Members[i].Node, commit)
		}
	}
	l.lost, l.remind = 0, l.resend
	e.learnDecided(v)
}

// audience returns the members of two views, sorted.
func audience(a, b *member.View) []member.Node {
	nodes := make([]member.Node, 0, len(b.Members)+1)
	i, j := 0, 0
	for i < len(a.Members) || j < len(b.Members) {
		switch {
		case j == len(b.Members) || i < len(a.Members) && a.Members[i].Node.Compare(b.Members[j].Node) < 0:
			nodes = append(nodes, a.Members[i].Node)
			i++
		case i < len(a.Members) && a.Members[i].Node == b.Members[j].Node:
			i++
		default:
			nodes = append(nodes, b.Members[j].Node)
			j++
		}
	}
	return nodes
}

// onAck counts acknowledgements of this very wave; those of an earlier wave
// count for nothing.
func (e *Engine) onAck(from member.Node, a *Ack) error {
	if err := a.Tally.validate(); err != nil {
		return err
	}
	id := waveID{writeWave, a.Term, a.Number}
	if id == e.relay.ballot && !a.Quiet {
		e.relay.loud = true
	}
	reached := e.tally(from, id, &a.Tally)
	l := &e.lead
	if e.views.decided.Find(from) == nil && (l.proposal == nil || l.proposal.Find(from) == nil) {
		return nil // nobody asked it
	}
	if l.proposal == nil || l.term.Counter == 0 || a.Term != l.term || a.Number != l.proposal.Number {
		return nil
	}
	for _, n := range reached {
		l.acks[n], l.promised[n] = true, true
		l.quiet[n] = l.quiet[n] || a.Quiet
	}
	e.stir = e.stir || len(reached) > 0
	return nil
}

// onRefusal gives up a term that a higher one has beaten. The first time this
// node tries again at once: the higher term may be an old one that it had not
// heard of. After that it gives way for a random while, since somebody else
// takes himself for the leader too.
func (e *Engine) onRefusal(r *Refusal) error {
	l := &e.lead
	if l.term.Counter == 0 || r.Term != l.term || r.Highest.Compare(r.Term) <= 0 {
		return nil
	}
	l.seen = max(l.seen, r.Highest.Counter)
	l.lost++
	rest := e.now
	if l.lost > 1 {
		retry := e.cfg.Timing.Retry
		rest = e.now.Add(retry/2 + time.Duration(e.cfg.Rand.Int64N(int64(retry))))
	}
	l.yield(rest)
	e.stir = true
	return nil
}
