package engine

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// Before a node accuses another of silence it asks others to look: the silence
// may be that of one link. This is the indirect probe of SWIM (Das, Gupta and
// Motivala, DSN 2002, §3.1), with two differences. It is not part of every
// period: heartbeats are exchanged anyhow, so it costs nothing while all is
// well. And its answer says more than "alive": it carries the loop counter and
// the newest view, so that a member that is wedged, or deaf for the view, is not
// kept in the cluster by helpers that merely reach it (finding 21).
//
//	observer ── Seek ──▶ helper ── Seek ──▶ subject
//	observer ◀── Sign ── helper ◀── Sign ── subject
//
// A sign of life keeps the subject from being accused for as long as an answer of
// its own would. It is no support for a lease: that is made of direct answers.
// Who would be accused but for such signs is told in the observer's row (see
// reach.Row.Around), and what becomes of such a link is said in mend.go. Before,
// it is nobody else's concern: where one packet in twenty is lost, some link of a
// thousand nodes is silent for that long each second.

// detour is what this node knows of a peer by way of others, while it hears
// nothing of it by itself.
type detour struct {
	tries int           // since the last sign of life
	asked time.Duration // attention at the last try
	stamp int64         // of this node, which the newest sign returned; 0 = none came
	sign  time.Duration // attention when that came
}

const (
	seekers   = 3  // helpers asked in one try
	seekTries = 2  // before the accusation
	maxSought = 32 // silent peers looked for in one beat: of more at once it is not a link that failed
)

// seekAfter returns after which silence of p others are asked.
func (e *Engine) seekAfter(p *peer) time.Duration {
	return e.cfg.Timing.probeAfter() + e.patience(p) - e.cfg.Timing.Accuse
}

// seek asks some others about p, which has been silent for a while: twice before
// the accusation, and after that as often as an accusation takes, so that who
// comes to be reached again only by helpers is found as well.
func (e *Engine) seek(p *peer, helpers *[]member.Node) (asked bool) {
	after := e.seekAfter(p)
	if !p.present || e.attention()-p.heard < after || e.now.Sub(p.since) < after || e.without(rules.Probes) {
		return false
	}
	if p.detour == nil {
		p.detour = &detour{}
	}
	d := p.detour
	between := (e.patience(p) - after) / seekTries
	if d.tries >= seekTries {
		between = e.patience(p)
	}
	if d.stamp != 0 && e.attention()-d.sign < after || d.tries > 0 && e.attention()-d.asked < between {
		return false
	}
	d.tries, d.asked = d.tries+1, e.attention()
	if *helpers == nil {
		*helpers = e.helpers()
	}
	e.askHelpers(p.node, *helpers)
	return true
}

// helpers returns whom this node hears, never nil.
func (e *Engine) helpers() []member.Node {
	list := []member.Node{}
	for _, p := range e.roster.peers {
		if p.present && !p.accused && e.hears(p) {
			list = append(list, p.node)
		}
	}
	return list
}

// askHelpers asks a few of the list, drawn at random; it shuffles the list.
func (e *Engine) askHelpers(subject member.Node, list []member.Node) {
	ask := &Seek{Subject: subject, Asker: e.self, Stamp: e.stamp()}
	for asked := 0; asked < seekers && len(list) > 0; {
		i := e.cfg.Rand.IntN(len(list))
		last := len(list) - 1
		list[i], list[last] = list[last], list[i]
		if list[last] != subject {
			e.send(list[last], ask)
			asked++
		}
		list = list[:last]
	}
}

// onSeek answers for this node, or hands the question on to whom it is about. It
// makes one message of one, and only between members, so nobody can have this
// node send more than he sends.
func (e *Engine) onSeek(from member.Node, s *Seek) error {
	if !e.lists(from) {
		return ErrStranger
	}
	if s.Subject == e.self {
		e.send(from, &Sign{
			Subject: e.self, Asker: s.Asker, Stamp: s.Stamp,
			Counter: e.loops, View: e.views.acked.Number, Decided: e.views.decided.Number,
		})
		return nil
	}
	if who, present := e.at(s.Subject.Address); present && who == s.Subject && s.Asker == from && !e.views.removes(who) {
		e.send(who, s)
	}
	return nil
}

// onSign takes a sign of life, or hands it on to whoever asked for it.
func (e *Engine) onSign(from member.Node, s *Sign) error {
	if !e.lists(from) {
		return ErrStranger
	}
	if s.Asker == e.self {
		e.signed(s)
		return nil
	}
	if s.Subject == from && e.lists(s.Asker) {
		e.send(s.Asker, s)
	}
	return nil
}

// signed notes a sign of life of somebody who is sought. One of a stamp so old that
// its sender would be accused by now tells nothing of the present.
func (e *Engine) signed(s *Sign) {
	p := e.roster.find(s.Subject)
	if p == nil || p.detour == nil || s.Stamp <= p.detour.stamp || s.Stamp > e.stamp() ||
		time.Duration(e.stamp()-s.Stamp) > e.patience(p) {
		return
	}
	p.detour.tries, p.detour.stamp, p.detour.sign = 0, s.Stamp, e.attention()
	e.progress(p, s.Counter, s.View, s.Decided)
}

// around reports whether p shows signs of life, but only by way of others.
func (e *Engine) around(p *peer) bool {
	d := p.detour
	return d != nil && d.stamp != 0 && e.attention()-d.sign <= e.patience(p)
}
