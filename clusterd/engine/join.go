package engine

import (
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// found makes this node the founder: the only member, Up, and view 1 is
// decided and active.
func (e *Engine) found(f Found) error {
	if !e.id.IsZero() {
		return ErrMember
	}
	if f.ID == (member.ClusterID{}) {
		return malformed("found without a cluster ID")
	}
	e.id = member.Identity{Cluster: f.ID}
	view := &member.View{
		Number: 1,
		Term:   member.Term{Counter: 1, Leader: e.self},
		Members: []member.Entry{{
			Node:     e.self,
			Status:   member.Up,
			UpNumber: 1,
			Info:     e.cfg.Info,
		}},
		NextUp: 2,
	}
	view.Open = e.met(view.Members, nil)
	e.views.promised = view.Term
	e.begin(view, 1, &member.Record{Node: e.self})
	return nil
}

// begin starts the life of a member.
func (e *Engine) begin(v *member.View, active uint64, own *member.Record) {
	t := e.cfg.Timing
	e.album = nil
	e.nextBeat = e.now
	e.nextRound = e.now.Add(jitter(e.cfg.Rand, t.Gossip))
	e.learnDecided(v)
	e.learnActive(active)
	e.merge(own)
	e.refresh()
	e.weigh()
	e.restate(e.introduce) // whoever welcomed this node tells the others
	e.gossip = gossip.New(e.strategy())
	e.gossip.Aim(e.everybody)
}

// introduce is what a member says of itself when it has come.
func (e *Engine) introduce(o *member.Own) {
	o.Present, o.Info = true, e.cfg.Info
}

func (e *Engine) await(x Expect) error {
	if !e.id.IsZero() {
		return ErrMember
	}
	if x.From.Address == "" {
		return malformed("welcome expected from nobody")
	}
	e.expect = x.From
	return nil
}

// expects reports whether this node has asked a node to let it in.
func (e *Engine) expects(n member.Node) bool {
	return n.Address == e.expect.Address && (e.expect.UID == 0 || n.UID == e.expect.UID)
}

// onWelcome makes this node a member. A repeated Welcome changes nothing.
func (e *Engine) onWelcome(from member.Node, id member.Identity, w *Welcome) error {
	if id.IsZero() {
		return malformed("welcome to no cluster")
	}
	if !e.id.IsZero() {
		if e.id == id {
			return nil
		}
		return ErrMember
	}
	if !e.expects(from) {
		return ErrUnexpected
	}
	if err := w.validate(e.self); err != nil {
		return err
	}
	e.id = id
	e.begin(w.View, w.Active, w.Record)
	e.send(from, &Delta{
		Facts:   e.table.Digest(),
		View:    e.views.decided.Number,
		Active:  e.views.activeNumber(),
		Records: []*member.Record{e.own()},
	})
	return nil
}

func (w *Welcome) validate(self member.Node) error {
	if err := w.View.Validate(); err != nil {
		return faulty(err)
	}
	if err := w.Record.Validate(); err != nil {
		return faulty(err)
	}
	switch {
	case w.Record.Node != self || !w.Record.Live():
		return malformed("welcome of %s", w.Record.Node)
	case w.View.Buries(self):
		return malformed("welcome to a view that removed this node")
	case w.Active > w.View.Number:
		return malformed("view %d active before it is decided", w.Active)
	}
	return nil
}

// admit accepts a joiner and welcomes it. One that is a member already was
// welcomed in vain and is welcomed again.
func (e *Engine) admit(a Admit) error {
	if err := a.Node.Validate(); err != nil {
		return faulty(err)
	}
	if err := a.Info.Validate(); err != nil {
		return faulty(err)
	}
	if e.id.IsZero() {
		return ErrNotMember
	}
	switch {
	case e.views.decided.Shutdown:
		return ErrShutdown
	case !e.accepting():
		return ErrNotAccepting
	}
	if err := e.checkJoiner(a.Node); err != nil {
		return err
	}
	if !e.known(a.Node) {
		if err := e.checkLimit(); err != nil {
			return err
		}
		r := &member.Record{
			Node:     a.Node,
			Accepted: e.views.decided.Number,
			Own:      member.Own{Info: canonical(a.Info)},
		}
		if !e.merge(r) {
			return ErrFull
		}
		e.announce(&Delta{Records: []*member.Record{r}})
	}
	e.refresh()
	e.welcome(a.Node)
	return nil
}

// checkLimit refuses one more joiner where those that are here are all that the
// strategy allows. Joiners count: else more would be let in than can become Up.
func (e *Engine) checkLimit() error {
	l, ok := e.cfg.Downing.(downing.Limiter)
	if !ok {
		return nil
	}
	taken := e.views.decided.Voters()
	for r := range e.table.Records() {
		if e.joining(r) {
			taken++
		}
	}
	if taken >= l.Limit() {
		return &LimitError{Strategy: l.String(), Limit: l.Limit()}
	}
	return nil
}

// accepting reports whether this node may let joiners in.
func (e *Engine) accepting() bool { return e.mayAct() && !e.own().Own.Leaving }

// checkJoiner refuses a node whose address is in use by another incarnation or
// whose UID is not above all that were there.
func (e *Engine) checkJoiner(n member.Node) error {
	if n.Address == e.self.Address && n != e.self {
		return ErrAddressInUse
	}
	if t := e.tombstone(n); t.UID != 0 {
		exceed := t.UID
		if r := e.table.Record(n.Address); r != nil {
			exceed = max(exceed, r.UID)
		}
		return &OldUIDError{Exceed: exceed}
	}
	for _, v := range []*member.View{e.views.decided, e.views.acked} {
		if m := v.At(n.Address); m != nil && m.UID != n.UID {
			return ErrAddressInUse
		}
	}
	if r := e.table.Record(n.Address); r != nil && r.Live() && r.UID != n.UID {
		return ErrAddressInUse
	}
	return nil
}

// welcome sends a joiner the newest decided view, its own record and then
// everything that is known.
func (e *Engine) welcome(n member.Node) {
	r := e.table.Record(n.Address)
	if r == nil || r.Node != n {
		r = &member.Record{Node: n, Accepted: e.views.decided.Number}
	}
	p := e.roster.find(n)
	if p != nil {
		p.told, p.before, p.welcomed = 0, 0, true
	}
	if e.sendPages(n, 0, r, member.Identity{}) {
		return // it asks for the facts when it has the view
	}
	e.send(n, &Welcome{View: e.views.decided, Active: e.views.activeNumber(), Record: r})
	e.sendFacts(n, e.table.All(), gossip.Note{})
	if p != nil {
		p.told = e.table.Seq()
	}
}
