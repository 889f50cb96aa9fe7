package homes

import (
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// A plan says where the slots of a kind ought to be in one view. Its issuer made
// it from the claims of all, so it knows where they are as well, and both go to
// every member that routes. Nobody has to be told when to begin: each holder
// sends its slots off by itself, a few at a time, and whoever asks the wrong
// node meanwhile is sent on and corrected. A member that has entered a view and
// does not have its plan yet keeps what it has and routes as before.

// follow takes a plan from the issuer of the active view, who asks with it how
// far this node is.
func (m *Machine) follow(p Packet, b Plan) error {
	issuer, _ := m.view.Issuer()
	if p.Message.View != m.view.Number || p.Peer != issuer || !m.view.sound(b) {
		return ErrStale
	}
	t := m.table(b.Kind)
	if t == nil {
		return ErrKind
	}
	m.adopt(t, b)
	if left := m.left(t); left > 0 {
		m.send(issuer, Planned{Kind: t.name, Number: t.number, Left: uint32(left)})
	} else {
		t.told = false // report tells it
	}
	return nil
}

// sound tells whether a plan names an owner that may be one for each slot, or,
// if there can be none, for no slot.
func (v *View) sound(b Plan) bool {
	if len(b.Target) == 0 {
		return !v.Hosted(b.Kind)
	}
	next := 0
	for _, r := range b.Target {
		m := v.find(r.Node)
		if int(r.First) != next || r.Last < r.First || m == nil || !m.Hosts(b.Kind) {
			return false
		}
		next = int(r.Last) + 1
	}
	return next == slots.Count
}

// adopt makes a plan the one to follow, unless it is an old one.
func (m *Machine) adopt(t *table, b Plan) {
	if m.planned(t) && b.Number <= t.number {
		return
	}
	m.learn(t, b.Now)
	t.aim(m.view.Number, b.Number, b.Target, m.cfg.Self)
	if k := m.kind(t.name); k != nil && k.aheadOf <= b.Number {
		k.ahead.Clear()
	}
	m.advance()
}

// learn merges rows and lets the router know what is new.
func (m *Machine) learn(t *table, runs []Span) {
	for _, r := range runs {
		if news := t.merge(r, &m.view); !news.Empty() {
			node := r.Node
			if m.view.find(node) == nil {
				node.UID, node.Address = 0, ""
			}
			m.act(Route{Kind: t.name, Slots: news, To: node, Epoch: r.Epoch})
		}
	}
}

// planned tells whether the plan of the active view is here.
func (m *Machine) planned(t *table) bool { return t.view != 0 && t.view == m.view.Number }

// advance releases what this node holds and is to give away: as much at a time
// as the limit allows, so that an entity that moves waits for few others.
func (m *Machine) advance() {
	for _, k := range m.kinds {
		if !m.planned(k.table) || m.view.Shutdown {
			continue
		}
		s := k.held.Clone()
		s.Subtract(&k.unconfirmed)
		s.Subtract(&k.ahead)
		s.Subtract(&k.table.mine)
		if s = s.First(k.pace - k.moving()); s.Empty() {
			continue
		}
		k.held.Subtract(s)
		k.stopping.Union(s)
		m.act(Release{Kind: k.name, Slots: s.Clone()})
	}
}

// Pace bounds how many slots of a kind are on their way from here at a time, to
// between 1 and Config.Moves: fewer where much runs in each.
func (m *Machine) Pace(kind string, moves int) {
	if k := m.kind(kind); k != nil {
		k.pace = min(max(moves, 1), m.cfg.Moves)
	}
}

// left returns how many slots of a kind are yet to come here or to go.
func (m *Machine) left(t *table) int {
	k := m.kind(t.name)
	if k == nil {
		return 0
	}
	missing, extra := t.mine.Clone(), k.held.Clone()
	missing.Subtract(&k.held)
	extra.Subtract(&t.mine)
	return missing.Len() + extra.Len() + k.moving()
}

// report tells the shell about each step towards a plan, and the issuer, once,
// that this node has what it ought to have.
func (m *Machine) report() {
	issuer, ok := m.view.Issuer()
	for _, t := range m.tables {
		if !m.planned(t) || !ok {
			continue
		}
		left := m.left(t)
		if k := m.kind(t.name); k != nil && left != k.left {
			k.left = left
			m.act(Progress{Kind: t.name, Plan: t.number, Left: left})
		}
		if left > 0 || t.told {
			continue
		}
		t.told = true
		p := Planned{Kind: t.name, Number: t.number}
		if k := m.kind(t.name); k != nil {
			p.Now = t.runs(&k.held)
		}
		if issuer == m.cfg.Self {
			m.toSelf = append(m.toSelf, p)
		} else {
			m.send(issuer, p)
		}
	}
}

// fetch asks for the plans of the view, if this node is one that routes and
// hosts nothing: those are not sent them unasked.
func (m *Machine) fetch(now time.Time) {
	issuer, ok := m.view.Issuer()
	lacks := slices.ContainsFunc(m.tables, func(t *table) bool { return !m.planned(t) })
	if len(m.kinds) > 0 || !ok || !lacks {
		m.fetching = timer{}
		return
	}
	m.send(issuer, Fetch{})
	m.fetching.sent(now, m.cfg.Retry)
}

// correct takes the word of another node on where slots are.
func (m *Machine) correct(b Learn) error {
	t := m.table(b.Kind)
	if t == nil {
		return ErrKind
	}
	m.learn(t, b.Now)
	return nil
}

// Correction returns what to tell a node that asked here for slots of a kind
// under an old idea of where they are; false if nothing is known of them.
func (m *Machine) Correction(to member.Node, kind string, s *slots.Set) (Packet, bool) {
	t := m.table(kind)
	if t == nil {
		return Packet{}, false
	}
	now := t.runs(s)
	return Packet{to, Message{m.view.Number, Learn{kind, now}}}, len(now) > 0
}
