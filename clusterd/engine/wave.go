package engine

import (
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Waves travel a [gossip.Tree] over their audience: the leader hands shares of
// it to k members, these hand on, and what comes back up is added up on the
// way. An acknowledgement is never shortened: it names everybody of its share
// who is missing, and the leader judges that (finding 13). A wave is dropped
// everywhere as soon as a higher term is promised there.
//
// A wave carries the difference between two views. Who lacks the former one
// asks for the whole (Lack), and serves its share when that has come.

// waveID names a wave: a later proposal, or another leader's, is another wave.
type waveID struct {
	kind   waveKind
	term   member.Term // of the leader; of the view in a commit
	number uint64      // of the view that is read, proposed or committed
}

type waveKind uint8

const (
	readWave waveKind = iota
	writeWave
	commitWave
)

// relay is what this node adds up for the wave that it passes on: one at a
// time, since a higher term ends the others.
type relay struct {
	read     Promise // of the highest term promised
	loud     bool    // somebody acknowledged the write wave who is not quiet (V4)
	ballot   waveID  // the write wave that loud is about
	launched waveID  // the last wave that this node led
	held     *held   // a wave whose base is asked for
}

// held is a wave that waits for the view that it builds on.
type held struct {
	from member.Node
	wave *WriteWave
}

func (e *Engine) newTree() *gossip.Tree[waveID, Body] {
	return gossip.NewTree[waveID, Body](gossip.TreeConfig{
		Self:     e.self,
		Fanout:   e.cfg.Fanout,
		Hop:      e.cfg.Timing.Gossip / hops,
		MaxShare: e.cfg.MaxMessage / 2,
		Doubt:    func(n member.Node) bool { return e.doubts(n) || e.views.removes(n) },
	})
}

// launch sends a wave down a tree to its audience. Whom the tree has not
// brought an answer of when it is done, the next calls ask straight: where links
// are slower than the tree is patient, answers come too late for it, but each
// still counts for its sender.
func (e *Engine) launch(id waveID, load Body, audience []member.Node) {
	switch {
	case e.waves.Serving(id) || len(audience) == 0:
	case e.relay.launched == id:
		for _, n := range audience {
			e.send(n, load)
		}
	default:
		e.relay.launched = id
		e.waves.Begin(e.now, id, load, audience, e.cfg.Rand)
		e.ship()
	}
}

// join takes over a share of a wave, and sends what comes of it.
func (e *Engine) join(from member.Node, id waveID, load Body, leg Leg) {
	e.waves.Take(e.now, from, id, leg.Ticket, load, leg.Share)
	e.ship()
}

// tally reads what came up a wave and returns who is known by it to be reached:
// the sender in any case.
func (e *Engine) tally(from member.Node, id waveID, t *Tally) []member.Node {
	reached := e.waves.Hear(e.now, from, id, t.Ticket, t.Missing, t.Report)
	e.ship()
	return append(reached, from)
}

// ship sends what the waves want sent.
func (e *Engine) ship() { e.shipAll(e.waves.Flush()) }

func (e *Engine) shipAll(parcels []gossip.Parcel[waveID, Body]) {
	for i := range parcels {
		p := &parcels[i]
		if p.Report == 0 {
			e.send(p.To, onLeg(p.Load, Leg{Ticket: p.Ticket, Share: p.Share}))
			continue
		}
		e.send(p.To, e.answer(p.Key, Tally{Ticket: p.Ticket, Report: p.Report, Missing: p.Missing}))
	}
}

// onLeg returns a copy of a wave for one of those who pass it on.
func onLeg(load Body, leg Leg) Body {
	switch w := load.(type) {
	case *ReadWave:
		c := *w
		c.Leg = leg
		return &c
	case *WriteWave:
		c := *w
		c.Leg = leg
		return &c
	case *Commit:
		c := *w
		c.Leg = leg
		return &c
	}
	return load
}

// answer returns what goes up a wave, with what was added up here.
func (e *Engine) answer(id waveID, t Tally) Body {
	switch id.kind {
	case readWave:
		p := e.relay.read
		p.Tally = t
		return &p
	case writeWave:
		return &Ack{Term: id.term, Number: id.number, Quiet: id == e.relay.ballot && !e.relay.loud, Tally: t}
	}
	return &Known{Term: id.term, Number: id.number, Tally: t}
}

// abort drops the waves of lower terms than the one that is promised now.
func (e *Engine) abort() {
	now := e.views.promised
	e.waves.Drop(func(id waveID) bool { return id.kind != commitWave && id.term.Compare(now) < 0 })
	if e.relay.held != nil && e.relay.held.wave.Term.Compare(now) < 0 {
		e.relay.held = nil
	}
}

// resolve returns the view that a patch leads to, as far as this node holds
// what it builds on, which is decided; nil if it does not. It changes nothing.
func (e *Engine) resolve(p *member.Patch) (view, base *member.View, err error) {
	for _, v := range []*member.View{e.views.decided, e.views.acked} {
		if p.Base != v.Number || p.BaseTerm != v.Term {
			continue
		}
		if p.Names(e.views.acked) {
			return e.views.acked, v, nil
		}
		if view, err = p.Apply(v); err != nil {
			return nil, nil, faulty(err)
		}
		return view, v, nil
	}
	return nil, nil, nil
}

// onLack sends the newest decided view in full to who cannot make it of what it
// has, or what it lacks of it.
func (e *Engine) onLack(from member.Node, l *Lack) error {
	switch v := e.views.decided; {
	case l.Number > v.Number:
	case l.First > 0 && l.Number == v.Number && l.Term == v.Term:
		e.sendPages(from, int(l.First), nil, member.Identity{})
	default:
		e.sendView(from)
	}
	return nil
}

// resume takes up the wave that waited for its base.
func (e *Engine) resume() {
	h := e.relay.held
	if h == nil || e.views.decided.Number < h.wave.Change.Base {
		return
	}
	e.relay.held = nil
	// What is malformed now was not sent by a sound node; there is nobody to tell.
	_ = e.onWriteWave(h.from, h.wave)
}

// onKnown hears who knows a view that was committed down the tree.
func (e *Engine) onKnown(from member.Node, k *Known) error {
	if err := k.Tally.validate(); err != nil {
		return err
	}
	for _, n := range e.tally(from, waveID{commitWave, k.Term, k.Number}, &k.Tally) {
		if p := e.roster.find(n); p != nil && k.Number > p.decided && k.Number <= e.views.decided.Number {
			p.decided = k.Number
		}
	}
	return nil
}

func (l *Leg) validate() error {
	if len(l.Share) > maxFacts {
		return malformed("share of %d nodes", len(l.Share))
	}
	for _, n := range l.Share {
		if err := n.Validate(); err != nil {
			return faulty(err)
		}
	}
	return nil
}

func (t *Tally) validate() error {
	if len(t.Missing) > maxFacts {
		return malformed("%d nodes missing", len(t.Missing))
	}
	return nil
}
