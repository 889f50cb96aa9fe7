package sharding

import (
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/slots"
)

const (
	// entityPrefix begins the id under which a node passes a message on:
	// $entity/HOPS/KIND/ID/. The last slash keeps an id that ends in #123 from
	// looking like one that is meant for an incarnation.
	entityPrefix = "$entity/"

	maxHops = 3   // between nodes; after the last one a message waits
	maxKind = 128 // bytes in a kind's name
	maxID   = 512 // bytes in an entity's id

	maxSlotWaits  = 16 << 10  // messages that wait in one slot
	maxTotalWaits = 256 << 10 // messages that wait on this node

	homeWait   = 10 * time.Second // how long a message waits for its home
	nobodyWait = 3 * time.Second  // the same if no member hosts the kind
	sweepEvery = 500 * time.Millisecond
)

// router takes each message for an entity to its home. It is the process behind
// all entity refs of a node and behind the prefix under which other nodes pass
// messages on. Any goroutine may call it.
type router struct {
	sys     *actor.System
	log     *slog.Logger
	self    string                // this node's address
	kinds   map[string]*kindCount // hosted here; fixed before traffic
	owners  atomic.Pointer[homes.Owners]
	stripes [stripes]stripe
	mayAct  func() bool // this node has its lease
	pauses  pauses
	poke    func()              // something began to wait, or a slot is ready to move
	done    func(homes.Stopped) // a slot has closed

	stopped   atomic.Bool // nothing starts any more
	waiting   atomic.Int64
	alive     atomic.Int64  // lives
	quiet     chan struct{} // has a token when alive may have become 0
	forwarded atomic.Uint64
	moved     atomic.Uint64
	expired   atomic.Uint64
}

// kindCount is a kind that is hosted here.
type kindCount struct {
	spawn    func(*life) error
	held     atomic.Int64 // slots
	entities atomic.Int64
}

func newRouter(sys *actor.System, self string, mayAct func() bool, poke func(), done func(homes.Stopped)) *router {
	r := &router{
		sys: sys, log: sys.Log(), self: self, kinds: map[string]*kindCount{},
		mayAct: mayAct, poke: poke, done: done, quiet: make(chan struct{}, 1),
	}
	r.pauses.lift()
	r.owners.Store(homes.NewOwners(homes.View{}, slots.Assign))
	for i := range r.stripes {
		r.stripes[i].seats = map[seatKey]*seat{}
	}
	return r
}

func (r *router) host(kind string, spawn func(*life) error) { r.kinds[kind] = &kindCount{spawn: spawn} }

func (r *router) stripe(slot uint16) *stripe { return &r.stripes[slot%stripes] }

// resolve is the address resolver for entity refs.
func (r *router) resolve(pid *pa.PID) (pa.Process, bool) {
	if pid.Address != actor.EntityAddress {
		return nil, false
	}
	return r, true
}

// SendUserMessage takes a message from this node, whose PID is that of an
// entity ref, or one that another node passed on.
func (r *router) SendUserMessage(pid *pa.PID, msg any) {
	kind, id, hops, ok := parse(pid)
	if !ok {
		r.bury(pid, msg, ErrBadID)
		return
	}
	r.route(kind, id, hops, msg)
}

// SendSystemMessage ignores what cannot be asked of an entity: to be watched or
// stopped.
func (r *router) SendSystemMessage(*pa.PID, any) {}

// Stop does nothing: entities stop with their node.
func (r *router) Stop(*pa.PID) {}

// parse splits a PID; false if it names no entity.
func parse(pid *pa.PID) (kind, id string, hops int, ok bool) {
	text := pid.Id
	if pid.Address != actor.EntityAddress {
		rest, inbound := strings.CutPrefix(text, entityPrefix)
		digit, rest, cut := strings.Cut(rest, "/")
		n, err := strconv.ParseUint(digit, 10, 8)
		text, ok = strings.CutSuffix(rest, "/")
		if !inbound || !cut || err != nil || !ok {
			return "", "", 0, false
		}
		hops = int(n)
	}
	kind, id, ok = strings.Cut(text, "/")
	ok = ok && kind != "" && len(kind) <= maxKind && id != "" && len(id) <= maxID && utf8.ValidString(text)
	return kind, id, hops, ok
}

// route delivers a message at once if the entity runs here, or forwards it at
// once if its home is elsewhere; else it waits in the entity's line.
func (r *router) route(kind, id string, hops int, msg any) {
	slot := slots.Of(id)
	st := r.stripe(slot)
	st.mu.RLock()
	s := st.seats[seatKey{kind, slot}]
	var ln *line
	if s != nil {
		ln = s.lines[id]
	}
	if ln != nil && s.state == here && ln.state == running && len(ln.queue) == 0 {
		ln.life.box.PostUserMessage(msg)
		st.mu.RUnlock()
		return
	}
	st.mu.RUnlock()
	if ln == nil && (s == nil || s.state == away) && hops < maxHops {
		if to, ok := r.owner(kind, slot); ok && to.Address != r.self {
			r.forward(to, kind, id, hops, msg)
			return
		}
	}
	r.enqueue(st, seatKey{kind, slot}, id, hops, msg)
}

func (r *router) owner(kind string, slot uint16) (member.Node, bool) {
	return r.owners.Load().Owner(kind, slot)
}

func (r *router) home(kind, id string) string {
	slot := slots.Of(id)
	st := r.stripe(slot)
	st.mu.RLock()
	s := st.seats[seatKey{kind, slot}]
	local := s != nil && (s.state == here || s.state == closing)
	st.mu.RUnlock()
	if local {
		return r.self
	}
	to, _ := r.owner(kind, slot)
	return to.Address
}

func (r *router) forward(to member.Node, kind, id string, hops int, msg any) {
	r.forwarded.Add(1)
	pid := &pa.PID{Address: to.Address, Id: entityPrefix + strconv.Itoa(hops+1) + "/" + kind + "/" + id + "/"}
	r.sys.Proto().Root.Send(pid, msg)
}

// enqueue makes a message wait, then does what can be done with it.
func (r *router) enqueue(st *stripe, key seatKey, id string, hops int, msg any) {
	reason := error(nil)
	st.mu.Lock()
	s := st.get(key)
	ln := s.line(id)
	switch {
	case r.stopped.Load():
		reason = ErrStopped
	case s.waits >= maxSlotWaits || r.waiting.Load() >= maxTotalWaits:
		reason = ErrFull
	default:
		s.waits++
		if r.waiting.Add(1) == 1 {
			defer r.poke()
		}
		ln.queue = append(ln.queue, held{keep(msg), hops, r.owners.Load().View().Number, time.Now()})
	}
	r.pump(st, s, ln)
	if reason != nil {
		r.bury(entityPID(key.kind, id), msg, reason)
	}
}

// take empties a line's queue. Callers hold the lock.
func (r *router) take(s *seat, ln *line) []held {
	list := ln.queue
	ln.queue = nil
	s.waits -= len(list)
	r.waiting.Add(-int64(len(list)))
	return list
}

// pump works a line off as far as its state allows. It is called with the lock
// and gives it up. One goroutine at a time works on a line, so that what waits
// keeps its order; what changes meanwhile, it sees.
func (r *router) pump(st *stripe, s *seat, ln *line) {
	if ln.pumping {
		st.mu.Unlock()
		return
	}
	ln.pumping = true
	for r.step(st, s, ln) {
	}
	ln.pumping = false
	st.tidy(s, ln)
	st.mu.Unlock()
}

// step does one thing for a line; false if there is nothing to do now.
func (r *router) step(st *stripe, s *seat, ln *line) bool {
	switch {
	case s.state == here && ln.state == idle && (len(ln.queue) > 0 || ln.restored != nil) && !r.stopped.Load() && r.mayAct():
		r.start(st, s, ln)
		return true
	case s.state == here && ln.state == running && len(ln.queue) > 0:
		for _, h := range r.take(s, ln) {
			ln.life.box.PostUserMessage(h.msg)
		}
		return true
	case s.state == away && ln.state == idle && len(ln.queue) > 0:
		return r.sendOn(st, s, ln)
	}
	return false
}

// sendOn forwards what waits to the owner, if that is somebody else. A message
// that came a long way waits for a new view first.
func (r *router) sendOn(st *stripe, s *seat, ln *line) bool {
	owners := r.owners.Load()
	to, ok := owners.Owner(s.key.kind, s.key.slot)
	view := owners.View().Number
	first := ln.queue[0]
	if !ok || to.Address == r.self || first.hops >= maxHops && first.view == view {
		return false
	}
	list := r.take(s, ln)
	st.mu.Unlock()
	for _, h := range list {
		if h.view < view {
			h.hops = 0 // the nodes that it came through know better now
		}
		r.forward(to, s.key.kind, ln.id, min(h.hops, maxHops-1), h.msg)
	}
	st.mu.Lock()
	return true
}

// bury makes a dead letter.
func (r *router) bury(to *pa.PID, msg any, reason error) {
	_, m, from := pa.UnwrapEnvelope(msg)
	r.sys.DeadLetter(to, from, m, reason)
}

func (r *router) buryAll(key seatKey, id string, list []held, reason error) {
	for _, h := range list {
		r.bury(entityPID(key.kind, id), h.msg, reason)
	}
}

func entityPID(kind, id string) *pa.PID {
	return &pa.PID{Address: actor.EntityAddress, Id: kind + "/" + id}
}

// sweep makes dead letters of what has waited too long, and tells when to call
// it again; zero if nothing waits.
func (r *router) sweep(now time.Time) time.Time {
	if r.waiting.Load() == 0 {
		return time.Time{}
	}
	r.each(func(st *stripe, s *seat, ln *line) {
		if len(ln.queue) == 0 {
			st.mu.Unlock()
			return
		}
		limit, reason := homeWait, ErrNoHome
		if !r.owners.Load().Hosted(s.key.kind) {
			limit, reason = nobodyWait, ErrNobody
		}
		n := 0
		for n < len(ln.queue) && now.Sub(ln.queue[n].since) >= limit {
			n++
		}
		late := ln.queue[:n:n]
		ln.queue = ln.queue[n:]
		s.waits -= n
		r.waiting.Add(-int64(n))
		r.expired.Add(uint64(n))
		st.tidy(s, ln)
		st.mu.Unlock()
		r.buryAll(s.key, ln.id, late, reason)
	})
	if r.waiting.Load() == 0 {
		return time.Time{}
	}
	return now.Add(sweepEvery)
}

// reroute looks again at all that waits, after a new view.
func (r *router) reroute() {
	if r.waiting.Load() > 0 {
		r.each(r.pump)
	}
}

// each calls f for every line, with the lock, which f gives up.
func (r *router) each(f func(*stripe, *seat, *line)) {
	type place struct {
		s  *seat
		ln *line
	}
	var list []place
	for i := range r.stripes {
		st := &r.stripes[i]
		list = list[:0]
		st.mu.RLock()
		for _, s := range st.seats {
			for _, ln := range s.lines {
				list = append(list, place{s, ln})
			}
		}
		st.mu.RUnlock()
		for _, p := range list {
			st.mu.Lock()
			if st.seats[p.s.key] != p.s || p.s.lines[p.ln.id] != p.ln {
				st.mu.Unlock() // gone meanwhile
				continue
			}
			f(st, p.s, p.ln)
		}
	}
}
