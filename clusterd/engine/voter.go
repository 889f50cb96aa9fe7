package engine

import (
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// onReadWave promises to acknowledge no lower term and tells the newest view.
func (e *Engine) onReadWave(from member.Node, w *ReadWave) error {
	if w.Term.Leader != from {
		return malformed("term of %s from %s", w.Term.Leader, from)
	}
	if !e.promise(from, w.Term) {
		return nil
	}
	e.send(from, e.promised(w))
	if w.Base > e.views.decided.Number {
		e.ahead = from
	}
	return nil
}

// promise binds this node to a term, or answers that it is bound to a higher.
func (e *Engine) promise(from member.Node, t member.Term) bool {
	if t.Compare(e.views.promised) < 0 && !e.without(rules.V3Promise) {
		e.send(from, &Refusal{Term: t, Highest: e.views.promised})
		return false
	}
	if e.views.promised != t {
		e.views.promised = t
		e.lead.yield(e.now.Add(e.cfg.Timing.Retry))
	}
	return true
}

func (e *Engine) promised(w *ReadWave) *Promise {
	p := &Promise{Term: w.Term, Base: w.Base}
	if e.views.decided.Number > w.Base {
		p.Decided = e.views.decided
	}
	if e.views.acked != e.views.decided {
		p.Acked, p.Ballot = e.views.acked, e.views.ballot
	}
	return p
}

// onWriteWave acknowledges a proposal that no promise forbids.
func (e *Engine) onWriteWave(from member.Node, w *WriteWave) error {
	if err := w.validate(from); err != nil {
		return err
	}
	if n := newVoters(w.Base, w.View); n > w.Base.Voters() && !e.without(rules.V3Size) {
		return malformed("view %d adds %d voters to %d", w.View.Number, n, w.Base.Voters())
	}
	if w.Term.Compare(e.views.promised) < 0 && !e.without(rules.V3Promise) {
		e.send(from, &Refusal{Term: w.Term, Highest: e.views.promised})
		return nil
	}
	e.learnDecided(w.Base)
	if e.removed {
		return nil
	}
	if w.View.Number < e.views.decided.Number {
		e.send(from, e.commit())
		return nil
	}
	e.promise(from, w.Term)
	e.send(from, &Ack{Term: w.Term, Number: w.View.Number, Quiet: w.View.Number > e.views.decided.Number && e.quiet(w.View)})
	if w.View.Number == e.views.decided.Number {
		return nil // one content is decided for a number: it is this one
	}
	e.acknowledge(w.View, w.Term)
	return nil
}

func (w *WriteWave) validate(from member.Node) error {
	if w.Term.Leader != from {
		return malformed("term of %s from %s", w.Term.Leader, from)
	}
	if err := w.View.Validate(); err != nil {
		return faulty(err)
	}
	if err := w.Base.Validate(); err != nil {
		return faulty(err)
	}
	if w.View.Number != w.Base.Number+1 || w.Base.Number+1 == 0 {
		return malformed("view %d proposed after view %d", w.View.Number, w.Base.Number)
	}
	return nil
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
	if err := c.View.Validate(); err != nil {
		return faulty(err)
	}
	if c.Active > c.View.Number {
		return malformed("view %d active before it is decided", c.Active)
	}
	if c.Active == e.views.decided.Number {
		e.learnActive(c.Active)
	}
	e.learnDecided(c.View)
	if e.removed {
		return nil
	}
	if c.View.Number == e.views.decided.Number {
		e.learnActive(c.Active)
	}
	if c.Active < c.View.Number && c.View.Number <= e.views.decided.Number {
		e.send(from, e.heartbeat(e.roster.find(from), true))
	}
	return nil
}

func (e *Engine) commit() *Commit {
	return &Commit{View: e.views.decided, Active: e.views.activeNumber()}
}

// onGone believes a member that this incarnation was removed.
func (e *Engine) onGone(g *Gone) error {
	if g == nil {
		return malformed("empty message")
	}
	e.end(g.Cause)
	return nil
}
