package engine

import (
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// onReadWave promises to acknowledge no lower term and tells the newest view.
func (e *Engine) onReadWave(from member.Node, w *ReadWave) error {
	if err := w.Leg.validate(); err != nil {
		return err
	}
	leader := w.Term.Leader
	if err := leader.Validate(); err != nil {
		return faulty(err)
	}
	if leader == e.self || !e.promise(leader, w.Term) {
		return nil
	}
	if sum := &e.relay.read; sum.Term != w.Term || sum.Base != w.Base {
		e.relay.read = e.promised(w)
	}
	if e.relay.read.Newer != 0 {
		e.sendView(leader)
	}
	e.join(from, waveID{readWave, w.Term, w.Base}, w, w.Leg)
	if w.Base > e.views.decided.Number {
		e.ahead = leader
	}
	return nil
}

// promise binds this node to a term, or tells its leader that it is bound to a
// higher one.
func (e *Engine) promise(leader member.Node, t member.Term) bool {
	if t.Compare(e.views.promised) < 0 && !e.without(rules.V3Promise) {
		e.send(leader, &Refusal{Term: t, Highest: e.views.promised})
		return false
	}
	if e.views.promised != t {
		e.views.promised = t
		e.lead.yield(e.now.Add(e.cfg.Timing.Retry))
		e.abort()
	}
	return true
}

// promised is this node's own part of the promise.
func (e *Engine) promised(w *ReadWave) Promise {
	p := Promise{Term: w.Term, Base: w.Base}
	switch {
	case e.views.decided.Number > w.Base:
		p.Newer = e.views.decided.Number
	case e.views.decided.Number == w.Base && e.views.acked != e.views.decided:
		p.Acked, p.Ballot = member.Diff(e.views.decided, e.views.acked), e.views.ballot
	}
	return p
}

// onWriteWave acknowledges a proposal that no promise forbids.
func (e *Engine) onWriteWave(from member.Node, w *WriteWave) error {
	if err := w.validate(); err != nil {
		return err
	}
	leader := w.Term.Leader
	if leader == e.self {
		return nil
	}
	if w.Term.Compare(e.views.promised) < 0 && !e.without(rules.V3Promise) {
		e.send(leader, &Refusal{Term: w.Term, Highest: e.views.promised})
		return nil
	}
	if w.Change.Head.Number < e.views.decided.Number {
		e.sendView(leader)
		return nil
	}
	if w.Change.Head.Number > e.views.decided.Number {
		if known, err := e.accept(from, w); !known {
			return err
		}
	}
	e.promise(leader, w.Term)
	e.join(from, waveID{writeWave, w.Term, w.Change.Head.Number}, w, w.Leg)
	return nil
}

// accept takes the proposal of a wave as the newest view. Where its base is not
// known here, it asks for that and reports false; so it does where the base
// tells that this node was removed.
func (e *Engine) accept(from member.Node, w *WriteWave) (known bool, err error) {
	view, base, err := e.resolve(w.Change)
	switch {
	case err != nil:
		return false, err
	case view == nil:
		e.relay.held = &held{from, w}
		e.send(from, &Lack{Number: w.Change.Base})
		return false, nil
	}
	if n := newVoters(base, view); n > base.Voters() && !e.without(rules.V3Size) {
		return false, malformed("view %d adds %d voters to %d", view.Number, n, base.Voters())
	}
	e.learnDecided(base)
	if e.removed {
		return false, nil
	}
	e.promise(w.Term.Leader, w.Term)
	e.views.latest = w.Change
	if id := (waveID{writeWave, w.Term, view.Number}); e.relay.ballot != id {
		// Once for each wave: what others of its share have said stays said when
		// the wave comes again.
		e.relay.ballot, e.relay.loud = id, !e.quiet(view)
	}
	e.acknowledge(view, w.Term)
	return true, nil
}

func (w *WriteWave) validate() error {
	if err := w.Term.Leader.Validate(); err != nil {
		return faulty(err)
	}
	if err := w.Change.Validate(); err != nil {
		return faulty(err)
	}
	return w.Leg.validate()
}

// newVoters returns how many voters of a view were none in its base. More than
// the base had could outvote it, and nobody could drop them if they vanish (V3).
func newVoters(base, v *member.View) int {
	count := 0
	for i := range v.Members {
		if m := &v.Members[i]; m.Status.Votes() && !base.Votes(m.Node) {
			count++
		}
	}
	return count
}

// onCommit learns a decided view, and answers while the sender still has to
// find out who knows it.
func (e *Engine) onCommit(from member.Node, c *Commit) error {
	view, err := e.committed(c)
	if err != nil {
		return err
	}
	if view == nil {
		e.send(from, &Lack{Number: c.Change.Head.Number})
		return nil
	}
	if c.Active == e.views.decided.Number {
		e.learnActive(c.Active)
	}
	e.learnDecided(view)
	if e.removed {
		return nil
	}
	if view.Number == e.views.decided.Number {
		e.learnActive(c.Active)
	}
	if c.Ticket != 0 {
		e.join(from, waveID{commitWave, view.Term, view.Number}, c, c.Leg)
	} else if c.Active < view.Number && view.Number <= e.views.decided.Number {
		e.sendBeat(from, e.roster.find(from), true)
	}
	e.resume()
	return nil
}

// committed returns the view of a commit; nil where this node lacks what it is
// the difference to.
func (e *Engine) committed(c *Commit) (view *member.View, err error) {
	if err := c.Leg.validate(); err != nil {
		return nil, err
	}
	if view = c.View; view != nil {
		err = view.Validate()
	} else {
		err = c.Change.Validate()
	}
	if err != nil {
		return nil, faulty(err)
	}
	switch decided := e.views.decided; {
	case view != nil:
	case c.Change.Names(decided) || c.Change.Head.Number < decided.Number:
		view = decided
	case c.Change.Names(e.views.acked): // the very content that is decided now
		view = e.views.acked
	default:
		if view, _, err = e.resolve(c.Change); err != nil {
			return nil, err
		}
		e.views.latest = c.Change
	}
	if view != nil && c.Active > view.Number {
		return nil, malformed("view %d active before it is decided", c.Active)
	}
	return view, nil
}

// commit tells of the newest decided view to those who most likely know the one
// before it.
func (e *Engine) commit() *Commit {
	return e.commitOf(e.views.decided)
}

func (e *Engine) commitOf(v *member.View) *Commit {
	if p := e.views.latest; p != nil && p.Names(v) {
		return &Commit{Change: p, Active: e.views.activeNumber()}
	}
	if len(pages(v, 0, e.cfg.MaxMessage, 2)) <= 1 {
		return &Commit{View: v, Active: e.views.activeNumber()}
	}
	// It does not fit into a message. A difference to no view that anybody has
	// names it all the same: who knows it needs no more, who does not asks.
	name := &member.Patch{Base: v.Number - 1, Head: *v}
	name.Head.Members, name.Head.Removed = nil, nil
	return &Commit{Change: name, Active: e.views.activeNumber()}
}

// sendCommit tells one node of the newest decided view.
func (e *Engine) sendCommit(to member.Node) {
	if p := e.views.latest; p != nil && p.Names(e.views.decided) {
		e.send(to, e.commit())
		return
	}
	e.sendView(to)
}

// sendView sends the newest decided view in full.
func (e *Engine) sendView(to member.Node) {
	if !e.sendPages(to, 0, nil, member.Identity{}) {
		e.send(to, &Commit{View: e.views.decided, Active: e.views.activeNumber()})
	}
}

// onGone believes a member that this incarnation was removed.
func (e *Engine) onGone(g *Gone) error {
	if g == nil {
		return malformed("empty message")
	}
	e.end(g.Cause)
	return nil
}
