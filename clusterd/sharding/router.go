package sharding

import (
	"log/slog"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/slots"
)

const (
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
	sys      *actor.System
	log      *slog.Logger
	self     string                // this node's address
	kinds    map[string]*kindCount // hosted here; fixed before traffic
	origin   uint32                // this node's; see originOf
	routes   *routes
	view     atomic.Pointer[viewInfo]
	wrong    corrections
	flushes  flushes
	stripes  [stripes]stripe
	mayAct   func() bool // this node has its lease
	pauses   pauses
	standing atomic.Bool         // some entity pauses
	sweepAt  time.Time           // when the next sweep is due; of the service's goroutine
	poke     func()              // something began to wait, or a slot is ready to move
	done     func(homes.Stopped) // a slot has closed

	stopped    atomic.Bool // nothing starts any more
	waiting    atomic.Int64
	alive      atomic.Int64  // lives
	quiet      chan struct{} // has a token when alive may have become 0
	clock      atomic.Uint32 // in seconds; moves only if some kind passivates
	passivated atomic.Uint64
	forwarded  atomic.Uint64
	moved      atomic.Uint64
	expired    atomic.Uint64
}

// kindCount is a kind that is hosted here.
type kindCount struct {
	manner
	spawn    func(*life) error
	held     atomic.Int64 // slots
	entities atomic.Int64
}

// viewInfo is what the router wants to know of the active view. It never changes.
type viewInfo struct {
	hosted  map[string]bool // kinds that a member may own
	members map[member.Node]bool
	hosts   map[string][]slots.Member // by kind: who may own slots of it
}

func newRouter(sys *actor.System, self string, mayAct func() bool, poke func(), done func(homes.Stopped)) *router {
	r := &router{
		sys: sys, log: sys.Log(), self: self, kinds: map[string]*kindCount{},
		origin: originOf(member.Node{Address: self}), routes: newRoutes(),
		mayAct: mayAct, poke: poke, done: done, quiet: make(chan struct{}, 1),
	}
	r.pauses.lift()
	r.view.Store(&viewInfo{})
	for i := range r.stripes {
		r.stripes[i].seats = map[seatKey]*seat{}
	}
	return r
}

func (r *router) host(kind string, spawn func(*life) error, how manner) {
	r.kinds[kind] = &kindCount{manner: how, spawn: spawn}
}

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
	t, ok := parse(pid)
	if !ok {
		r.bury(pid, msg, ErrBadID)
		return
	}
	r.route(t, msg)
}

// SendSystemMessage ignores what cannot be asked of an entity: to be watched or
// stopped.
func (r *router) SendSystemMessage(*pa.PID, any) {}

// Stop does nothing: entities stop with their node.
func (r *router) Stop(*pa.PID) {}

// route delivers a message at once if the entity runs here, or forwards it at
// once if its home is elsewhere; else it waits in the entity's line.
func (r *router) route(t target, msg any) {
	slot := slots.Of(t.id)
	st := r.stripe(slot)
	st.mu.RLock()
	s := st.seats[seatKey{t.kind, slot}]
	var ln *line
	local := s != nil && s.state == here
	if s != nil {
		ln = s.lines[t.id]
	}
	if ln != nil && local && ln.state == running && len(ln.queue) == 0 && !isFlush(msg) {
		r.touch(s, ln)
		s.count.Add(1)
		ln.life.box.PostUserMessage(msg)
		st.mu.RUnlock()
		if t.hops > 0 {
			r.check(t, slot)
		}
		return
	}
	st.mu.RUnlock()
	way, known := r.routes.owner(t.kind, slot)
	if t.hops > 0 {
		r.check(t, slot)
	}
	if ln == nil && (s == nil || s.state == away) && t.hops < maxHops && known && way.to.Address != r.self {
		if !r.mustFlush(t, way) {
			r.forward(way, t, msg)
			return
		}
	}
	r.enqueue(st, slot, t, msg)
}

// check corrects who sent a message here under an older epoch than this node
// knows of, whether the slot is here or elsewhere by now.
func (r *router) check(t target, slot uint16) {
	if way := r.routes.at(t.kind, slot); way != nil && t.epoch < way.epoch {
		r.correct(t, slot)
	}
}

// home returns the address of the node that a message for an entity goes to.
func (r *router) home(kind, id string) string {
	if way, ok := r.routes.owner(kind, slots.Of(id)); ok {
		return way.to.Address
	}
	return ""
}

// forward sends a message one hop on.
func (r *router) forward(way *route, t target, msg any) {
	r.forwarded.Add(1)
	if !way.used.Load() {
		way.used.Store(true)
	}
	if t.hops == 0 {
		t.origin = r.origin
	}
	t.hops++
	t.epoch = way.epoch
	r.sys.Proto().Root.Send(t.pid(way.to.Address), msg)
}

// enqueue makes a message wait, then does what can be done with it.
func (r *router) enqueue(st *stripe, slot uint16, t target, msg any) {
	reason := error(nil)
	st.mu.Lock()
	s := st.get(seatKey{t.kind, slot}, r)
	ln := s.line(t.id)
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
		ln.queue = append(ln.queue, held{keep(msg), t, r.routes.at(t.kind, slot), time.Now()})
	}
	r.pump(st, s, ln)
	if reason != nil {
		r.bury(entityPID(t.kind, t.id), msg, reason)
	}
}

// takeFirst takes the oldest message of a line's queue. Callers hold the lock.
func (r *router) takeFirst(s *seat, ln *line) held {
	first := ln.queue[0]
	ln.queue = ln.queue[1:]
	s.waits--
	r.waiting.Add(-1)
	return first
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
	case s.state == here && ln.state == idle && len(ln.queue) > 0 && isFlush(ln.queue[0].msg):
		mark := r.takeFirst(s, ln).msg
		st.mu.Unlock()
		r.answerFlush(mark)
		st.mu.Lock()
		return true
	case s.state == here && ln.state == idle && (len(ln.queue) > 0 || ln.restored != nil) && !r.stopped.Load() && r.mayAct():
		r.start(st, s, ln)
		return true
	case s.state == here && ln.state == running && len(ln.queue) > 0:
		r.handOver(st, s, ln)
		return true
	case s.state == away && ln.state == idle && len(ln.queue) > 0:
		return r.sendOn(st, s, ln)
	}
	return false
}

// handOver gives what waits to the entity that runs, and answers the markers
// among it: whoever sent one may go on. Callers hold the lock, which it gives up
// while it answers.
func (r *router) handOver(st *stripe, s *seat, ln *line) {
	var marks []any
	r.touch(s, ln)
	s.count.Add(uint32(len(ln.queue)))
	for _, h := range r.take(s, ln) {
		if isFlush(h.msg) {
			marks = append(marks, h.msg)
			continue
		}
		ln.life.box.PostUserMessage(h.msg)
	}
	if len(marks) == 0 {
		return
	}
	st.mu.Unlock()
	for _, mark := range marks {
		r.answerFlush(mark)
	}
	st.mu.Lock()
}

// sendOn forwards what waits to the owner, if that is somebody else. A message
// that came a long way waits until this node knows of another way. Before
// messages of this node take a new way, the old one must be empty.
func (r *router) sendOn(st *stripe, s *seat, ln *line) bool {
	way, ok := r.routes.owner(s.key.kind, s.key.slot)
	first := ln.queue[0]
	if !ok || way.to.Address == r.self || first.to.hops >= maxHops && first.way == way {
		return false
	}
	if !r.flushed(st, s, ln, way) {
		return false
	}
	list := r.take(s, ln)
	st.mu.Unlock()
	for _, h := range list {
		if h.way != way {
			// The nodes that it came through know better now. It has come to this
			// one all the same, so it keeps its origin.
			h.to.hops = min(h.to.hops, 1)
		}
		h.to.hops = min(h.to.hops, maxHops-1)
		r.forward(way, h.to, h.msg)
	}
	st.mu.Lock()
	return true
}

// bury makes a dead letter.
func (r *router) bury(to *pa.PID, msg any, reason error) {
	if isFlush(msg) {
		return // who sent it goes on by itself
	}
	_, m, from := pa.UnwrapEnvelope(msg)
	r.sys.DeadLetter(to, from, m, reason)
}

func (r *router) buryAll(key seatKey, id string, list []held, reason error) {
	for _, h := range list {
		r.bury(entityPID(key.kind, id), h.msg, reason)
	}
}

// sweep makes dead letters of what has waited too long, and tells when to call
// it again; zero if nothing waits.
func (r *router) sweep(now time.Time) time.Time {
	if r.waiting.Load() == 0 && r.flushes.marks.Load() == 0 && !r.standing.Load() {
		return time.Time{}
	}
	if now.Before(r.sweepAt) {
		return r.sweepAt
	}
	r.sweepAt = now.Add(sweepEvery)
	r.standing.Store(false)
	r.each(func(st *stripe, s *seat, ln *line) {
		r.forgetFlush(ln, now)
		if ln.state == pausing || ln.state == paused {
			r.standing.Store(true)
		}
		if len(ln.queue) == 0 {
			st.tidy(s, ln)
			r.goOn(st, s, ln)
			return
		}
		limit, reason := homeWait, ErrNoHome
		if !r.view.Load().hosted[s.key.kind] {
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
		r.goOn(st, s, ln) // the lease may be back without a word, or a flush has taken too long
		r.buryAll(s.key, ln.id, late, reason)
	})
	if r.waiting.Load() == 0 && r.flushes.marks.Load() == 0 && !r.standing.Load() {
		return time.Time{}
	}
	return r.sweepAt
}

// reroute looks again at what waits in some slots, after news of where they are.
func (r *router) reroute(a homes.Route) {
	if r.waiting.Load() == 0 {
		return
	}
	for slot := range a.Slots.Slots() {
		st := r.stripe(slot)
		st.mu.Lock()
		if s := st.seats[seatKey{a.Kind, slot}]; s != nil && s.waits > 0 {
			r.pumpAll(st, s)
			continue
		}
		st.mu.Unlock()
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
