package engine

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// beat sends heartbeats, accuses the silent and removes the lost.
func (e *Engine) beat() {
	e.nextBeat = e.now.Add(e.cfg.Timing.Heartbeat)
	e.accuse()
	e.weigh()
	e.cull()
	e.overdue()
	e.weaken()
	for _, p := range e.roster.targets {
		e.send(p.node, e.heartbeat(p, false))
	}
}

// heartbeat returns a heartbeat for p, which is nil for a stranger. Whom a view
// acknowledged here removes gets no echo: its lease must not live on it.
func (e *Engine) heartbeat(p *peer, reply bool) *Heartbeat {
	h := &Heartbeat{
		Stamp:   e.stamp(),
		Lease:   e.remaining(),
		Reply:   reply,
		View:    e.views.acked.Number,
		Decided: e.views.decided.Number,
		Active:  e.views.activeNumber(),
		Counter: e.loops,
	}
	if p != nil && p.stamp != 0 && (!e.views.removes(p.node) || e.without(rules.L2Removed)) {
		h.Echo, p.answeredTo = p.stamp, e.now
	}
	return h
}

func (e *Engine) onHeartbeat(from member.Node, h *Heartbeat) error {
	p := e.roster.find(from)
	if p == nil {
		// Whoever of the two is behind learns the newer view.
		e.send(from, e.digest(true))
		return nil
	}
	first := p.answered.IsZero()
	e.hear(p, h)
	e.lean(p, h)
	e.hint(p, h)
	switch {
	case !h.Reply && (first || !p.target):
		e.send(from, e.heartbeat(p, true))
	case h.Reply && first && !p.answered.IsZero():
		e.send(from, e.heartbeat(p, false)) // so that it is answered as well, once
	}
	return nil
}

// hear notes what a heartbeat says. Only an echo shows that the way there and
// the way back both work.
func (e *Engine) hear(p *peer, h *Heartbeat) {
	p.stamp = max(p.stamp, h.Stamp)
	if h.Counter > p.counter {
		p.counter, p.moved = h.Counter, e.now
	}
	if h.Echo > 0 && h.Echo <= e.stamp() {
		if at := e.start.Add(time.Duration(h.Echo - 1)); at.After(p.echoed) {
			p.echoed = at
		}
		if p.answered.IsZero() {
			p.answered, e.stir = e.now, true
		}
	}
	if h.Decided > p.decided || h.View > p.acked {
		p.decided, p.acked = max(p.decided, h.Decided), max(p.acked, h.View)
		e.stir = true
	}
	if h.Decided > e.views.decided.Number || h.Decided == e.views.decided.Number && h.Active > e.views.activeNumber() {
		e.ahead = p.node
	}
}

// silent reports whether nothing proves that p lives: no echo, or a loop that
// stands still though heartbeats go on.
func (e *Engine) silent(p *peer) bool {
	last := p.since
	if p.echoed.After(last) {
		last = p.echoed
	}
	return e.now.Sub(last) > e.cfg.Timing.Accuse || e.now.Sub(p.moved) > 2*e.cfg.Timing.Accuse
}

// accuse brings this node's row up to date. Whom it accused it goes on probing
// until an answer or the removal, also when it no longer monitors it.
func (e *Engine) accuse() {
	var accused []member.Node
	changed := false
	for _, p := range e.roster.judged {
		silent := e.silent(p)
		if silent != p.accused {
			p.accused, changed = silent, true
			if silent {
				e.gossip.Lost(e.now, p.node)
				e.waves.Lost(e.now, p.node)
			}
		}
		if silent {
			accused = append(accused, p.node)
		}
	}
	if changed {
		e.aim()
	}
	e.publishRow(accused)
}

func (e *Engine) publishRow(accused []member.Node) {
	row := &reach.Row{Observer: e.self, Version: 1, Accused: accused}
	if old := e.table.Row(e.self.Address); old != nil && old.Observer == e.self {
		if slices.Equal(old.Accused, accused) {
			return
		}
		row.Version = old.Version + 1
	} else if len(accused) == 0 {
		return
	}
	if e.mergeRow(row) {
		e.announce(&Delta{Rows: []*reach.Row{row}})
	}
}
