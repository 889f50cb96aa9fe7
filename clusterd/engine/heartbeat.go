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
	e.hold()
	e.mend()
	e.cull()
	e.overdue()
	e.weaken()
	for _, p := range e.roster.targets {
		if e.turn(p) {
			e.sendBeat(p.node, p, false)
		}
	}
}

// turn reports whether p gets a heartbeat in this beat. In a large cluster a
// steward gets one now and then only; they begin at random, so that it does not
// get all at once.
func (e *Engine) turn(p *peer) bool {
	switch {
	case p.every <= e.cfg.Timing.Heartbeat:
		return true
	case p.due.IsZero() || p.due.Sub(e.now) > p.every:
		p.due = e.now.Add(jitter(e.cfg.Rand, p.every))
	}
	if e.now.Before(p.due) {
		return false
	}
	p.due = e.now.Add(p.every)
	return true
}

// heartbeat returns a heartbeat for p, which is nil for a stranger. Whom a view
// acknowledged here removes gets no echo: its lease must not live on it.
func (e *Engine) heartbeat(p *peer, reply bool) Heartbeat {
	h := Heartbeat{
		Stamp:   e.stamp(),
		Lease:   e.remaining(),
		Reply:   reply,
		View:    e.views.acked.Number,
		Decided: e.views.decided.Number,
		Active:  e.views.activeNumber(),
		Counter: e.loops,
	}
	if p != nil && p.stamp != 0 && (!e.views.removes(p.node) || e.without(rules.L2Removed)) {
		h.Echo = p.stamp
		if p.stamp != p.given { // once more gives it nothing: its lease counts from the stamp
			p.given, p.answeredTo = p.stamp, e.now
		}
	}
	return h
}

// onHeartbeat takes a heartbeat of p, which is nil for a stranger.
func (e *Engine) onHeartbeat(from member.Node, p *peer, h *Heartbeat) error {
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
		e.sendBeat(p.node, p, true)
	case h.Reply && first && !p.answered.IsZero():
		e.sendBeat(p.node, p, false) // so that it is answered as well, once
	}
	return nil
}

// hear notes what a heartbeat says. Only an echo shows that the way there and
// the way back both work.
func (e *Engine) hear(p *peer, h *Heartbeat) {
	p.stamp = max(p.stamp, h.Stamp)
	if h.Echo > p.echo && h.Echo <= e.stamp() {
		e.answered(p, h.Echo)
	}
	e.progress(p, h.Counter, h.View, h.Decided)
	if h.Decided > e.views.decided.Number || h.Decided == e.views.decided.Number && h.Active > e.views.activeNumber() {
		e.ahead = p.node
	}
}

// progress notes what p says of its loop and of the views that it knows.
func (e *Engine) progress(p *peer, counter, acked, decided uint64) {
	if counter > p.counter {
		p.counter, p.moved = counter, e.attention()
	}
	if decided > p.decided || acked > p.acked {
		p.decided, p.acked = max(p.decided, decided), max(p.acked, acked)
		e.stir = true
	}
}

// answered notes an echo that is new. One of a stamp so old that its sender would
// be accused by now tells nothing of the present.
func (e *Engine) answered(p *peer, echo int64) {
	p.echo = echo
	if time.Duration(e.stamp()-echo) > e.patience(p) {
		return
	}
	if p.answered.IsZero() {
		e.stir = true
	}
	if !e.hears(p) {
		p.answered = e.now
	}
	p.heard, p.detour = e.attention(), nil
	if p.detector != nil {
		p.detector.Heard(p.heard)
	}
}

// silent reports whether nothing proves that p lives: no echo and no sign of life
// by way of others, or a loop that stands still though heartbeats go on (21).
func (e *Engine) silent(p *peer) bool {
	return p.detector.Suspect(e.attention()) && !e.around(p) || e.attention()-p.moved > 2*e.patience(p) || e.deaf(p)
}

// deaf reports whether p answers heartbeats but has long not taken in the view
// that is decided. Without it no view becomes active, so it is as bad as one
// that is silent (21). This bounds every wave.
func (e *Engine) deaf(p *peer) bool {
	v := &e.views
	patience := 2 * e.cfg.Timing.Accuse
	return p.acked < v.decided.Number && e.now.Sub(v.learned) > patience && e.now.Sub(p.since) > patience &&
		v.decided.Votes(p.node)
}

// accuse brings this node's row up to date. Whom it accused it goes on probing
// until an answer or the removal, also when it no longer monitors it.
func (e *Engine) accuse() {
	var accused, around, helpers []member.Node
	changed, sought := false, 0
	for _, p := range e.roster.judged {
		if sought < maxSought && e.seek(p, &helpers) {
			sought++
		}
		silent := e.silent(p)
		if silent != p.accused {
			p.accused, changed = silent, true
			if silent {
				e.gossip.Lost(e.now, p.node)
				e.waves.Lost(e.now, p.node)
			}
		}
		switch {
		case silent:
			accused = append(accused, p.node)
		case e.around(p) && p.detector.Suspect(e.attention()):
			around = append(around, p.node) // else it is some lost packets that nobody else need hear of
		}
	}
	if changed {
		e.aim()
	}
	e.publishRow(accused, around)
}

func (e *Engine) publishRow(accused, around []member.Node) {
	row := &reach.Row{Observer: e.self, Version: 1, Accused: accused, Around: around}
	if old := e.table.Row(e.self.Address); old != nil && old.Observer == e.self {
		if slices.Equal(old.Accused, accused) && slices.Equal(old.Around, around) {
			return
		}
		row.Version = old.Version + 1
	} else if row.Empty() {
		return
	}
	if e.mergeRow(row) {
		e.announce(&Delta{Rows: []*reach.Row{row}})
	}
}
