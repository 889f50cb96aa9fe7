package sharding

import (
	"context"
	"fmt"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
	"github.com/pando-go/pando/clusterd/slots"
)

// This file starts and ends entities.

// start spawns the entity of a line. It is called with the lock, which it gives
// up while it spawns.
func (r *router) start(st *stripe, s *seat, ln *line) {
	k := r.kinds[s.key.kind]
	l := &life{router: r, seat: s, line: ln, restored: ln.restored}
	l.box = newBox(l)
	ln.life, ln.state, ln.restored = l, starting, nil
	s.open++
	r.alive.Add(1)
	k.entities.Add(1)
	st.mu.Unlock()
	err := k.spawn(l)
	st.mu.Lock()
	if err != nil {
		r.startFailed(st, s, ln, l, err)
		return
	}
	if ln.life == l && ln.state == starting {
		ln.state = running
	}
	if l.moving.Load() || ln.dropped || r.stopped.Load() {
		l.box.PostSystemMessage(&pa.Stop{})
	}
}

// startFailed is the end of a life that never began: the system is closed.
func (r *router) startFailed(st *stripe, s *seat, ln *line, l *life, err error) {
	r.log.Warn("entity cannot start", "kind", s.key.kind, "id", ln.id, "error", err)
	list := r.take(s, ln)
	st.mu.Unlock()
	r.buryAll(s.key, ln.id, list, err)
	r.ended(l)
	st.mu.Lock()
}

// ending notes that an entity was told to stop: what comes for it waits now. It
// returns what a pause had set aside, which was to be handled first.
func (r *router) ending(l *life) (left []any) {
	st := r.stripe(l.seat.key.slot)
	st.mu.Lock()
	defer st.mu.Unlock()
	l.line.state = ending
	if l.aside != nil {
		left, l.aside = l.aside.users, nil
	}
	return left
}

// ended notes that an entity has stopped and its mailbox is empty. What it left
// behind goes to the head of the line. It is called on the entity's goroutine.
func (r *router) ended(l *life) {
	s, ln := l.seat, l.line
	st := r.stripe(s.key.slot)
	st.mu.Lock()
	r.requeue(s, ln, l.reclaimed)
	ln.state, ln.life = idle, nil
	s.open--
	if l.moving.Load() && l.restored != nil {
		s.leaves = append(s.leaves, l.restored)
	}
	var lost []held
	if ln.dropped || r.stopped.Load() {
		lost, ln.dropped = r.take(s, ln), false
	}
	closed, cargo := r.closed(s)
	r.pump(st, s, ln)
	r.buryAll(s.key, ln.id, lost, ErrStopped)
	if closed {
		r.done(homes.Stopped{Kind: s.key.kind, Slots: slots.SetOf(s.key.slot), Cargo: cargo})
	}
	r.kinds[s.key.kind].entities.Add(-1)
	if r.alive.Add(-1) == 0 {
		select {
		case r.quiet <- struct{}{}:
		default:
		}
		r.poke() // a cluster that shuts down waits for this
	}
}

// requeue puts what an entity left behind before what came later. The actor's
// own signals, timers and the like, end with it.
func (r *router) requeue(s *seat, ln *line, left []any) {
	var list []held
	now, way := time.Now(), r.routes.at(s.key.kind, s.key.slot)
	for _, msg := range left {
		if _, m, _ := pa.UnwrapEnvelope(msg); !isUsers(m) {
			continue
		}
		list = append(list, held{msg: msg, to: target{kind: s.key.kind, id: ln.id}, way: way, since: now})
	}
	if len(list) == 0 {
		return
	}
	s.waits += len(list)
	if r.waiting.Add(int64(len(list))) == int64(len(list)) {
		defer r.poke()
	}
	ln.queue = append(list, ln.queue...)
}

// isUsers tells messages for the behavior from those of the actor system.
func isUsers(msg any) bool {
	switch msg.(type) {
	case pa.SystemMessage, pa.MailboxMessage, *pa.PoisonPill, *pa.DeadLetterResponse:
		return false
	case interface{ IgnoreDeadLetterLogging() }:
		return false
	}
	return true
}

// closed tells whether a closing slot has nothing left that runs, and what of
// it moves on. It is then in transit. Callers hold the lock.
func (r *router) closed(s *seat) (bool, []homes.Cargo) {
	if s.state != closing || s.open > 0 {
		return false, nil
	}
	s.state = shipped
	// States that came and were not started yet move on as they are.
	for _, ln := range s.lines {
		if ln.restored != nil {
			s.leaves = append(s.leaves, ln.restored)
			ln.restored = nil
		}
	}
	if len(s.leaves) == 0 {
		return true, nil
	}
	data, err := proto.Marshal(&shardpb.Cargo{Entities: s.leaves})
	s.leaves = nil
	if err != nil {
		r.log.Error("states are lost in a move", "kind", s.key.kind, "slot", s.key.slot, "error", err)
		return true, nil
	}
	return true, []homes.Cargo{{Slot: s.key.slot, Data: data}}
}

// run carries out homes.Run: the tokens are here.
func (r *router) run(a homes.Run) {
	cargo := map[uint16][]byte{}
	for _, c := range a.Cargo {
		cargo[c.Slot] = c.Data
	}
	if k := r.kinds[a.Kind]; k != nil {
		k.held.Add(int64(a.Slots.Len()))
	}
	for slot := range a.Slots.Slots() {
		st := r.stripe(slot)
		st.mu.Lock()
		s := st.get(seatKey{a.Kind, slot}, r)
		s.state = here
		r.unpack(s, cargo[slot])
		r.pumpAll(st, s)
	}
}

// unpack gives the entities that ran at the former home their state.
func (r *router) unpack(s *seat, data []byte) {
	if len(data) == 0 {
		return
	}
	var c shardpb.Cargo
	if err := proto.Unmarshal(data, &c); err != nil {
		r.log.Error("states that came are lost", "kind", s.key.kind, "slot", s.key.slot, "error", err)
		return
	}
	for _, e := range c.GetEntities() {
		if id := e.GetId(); id != "" && slots.Of(id) == s.key.slot {
			s.line(id).restored = e
		}
	}
}

// pumpAll pumps the lines of a seat. It is called with the lock and gives it up.
func (r *router) pumpAll(st *stripe, s *seat) {
	list := make([]*line, 0, len(s.lines))
	for _, ln := range s.lines {
		list = append(list, ln)
	}
	st.tidy(s, nil)
	st.mu.Unlock()
	for _, ln := range list {
		st.mu.Lock()
		if s.lines[ln.id] != ln {
			st.mu.Unlock()
			continue
		}
		r.pump(st, s, ln)
	}
}

// release carries out homes.Release and returns the slots that nothing runs in.
// The others follow by done.
func (r *router) release(a homes.Release) homes.Stopped {
	out := homes.Stopped{Kind: a.Kind, Slots: new(slots.Set)}
	r.kinds[a.Kind].held.Add(-int64(a.Slots.Len()))
	for slot := range a.Slots.Slots() {
		st := r.stripe(slot)
		st.mu.Lock()
		s := st.get(seatKey{a.Kind, slot}, r)
		s.state = closing
		stopLives(s, func(ln *line) { ln.life.moving.Store(true) })
		if ok, cargo := r.closed(s); ok {
			out.Slots.Add(slot)
			out.Cargo = append(out.Cargo, cargo...)
		}
		st.mu.Unlock()
	}
	return out
}

// stopLives tells all that runs in a seat to stop. Those that are being spawned
// are told by who spawns them. Callers hold the lock.
func stopLives(s *seat, mark func(*line)) {
	for _, ln := range s.lines {
		if ln.life == nil {
			continue
		}
		mark(ln)
		if ln.state.lives() {
			ln.life.box.PostSystemMessage(&pa.Stop{})
		}
	}
}

// pass carries out homes.Pass: what waited follows the token.
func (r *router) pass(a homes.Pass) {
	r.moved.Add(uint64(a.Slots.Len()))
	for slot := range a.Slots.Slots() {
		st := r.stripe(slot)
		st.mu.Lock()
		s := st.get(seatKey{a.Kind, slot}, r)
		s.state = away
		r.pumpAll(st, s)
	}
}

// drop carries out homes.Drop: what runs stops, what waits has no receiver.
func (r *router) drop(a homes.Drop) {
	for slot := range a.Slots.Slots() {
		st := r.stripe(slot)
		st.mu.Lock()
		r.dropSeat(st, st.get(seatKey{a.Kind, slot}, r))
	}
}

// dropSeat is drop for one seat. It is called with the lock and gives it up.
func (r *router) dropSeat(st *stripe, s *seat) {
	if s.state == here {
		r.kinds[s.key.kind].held.Add(-1)
	}
	s.state, s.leaves = away, nil
	stopLives(s, func(ln *line) { ln.dropped = true })
	lost := map[string][]held{}
	for id, ln := range s.lines {
		lost[id], ln.restored = r.take(s, ln), nil
		st.tidy(s, ln)
	}
	st.tidy(s, nil)
	st.mu.Unlock()
	for id, list := range lost {
		r.buryAll(s.key, id, list, ErrStopped)
	}
}

// dropAll drops all slots and waits until nothing runs; ctx bounds that. What
// waits for the home of a slot that is not here waits on.
func (r *router) dropAll(ctx context.Context) error {
	for i := range r.stripes {
		st := &r.stripes[i]
		st.mu.RLock()
		var held []*seat
		for _, s := range st.seats {
			if s.state != away || s.open > 0 {
				held = append(held, s)
			}
		}
		st.mu.RUnlock()
		for _, s := range held {
			st.mu.Lock()
			r.dropSeat(st, s)
		}
	}
	return r.quiesce(ctx)
}

// stop ends all entities; ctx bounds the wait for them.
func (r *router) stop(ctx context.Context) error {
	r.halt()
	return r.quiesce(ctx)
}

// halt tells all entities to stop; nothing starts any more, and what waits has
// no receiver.
func (r *router) halt() {
	r.stopped.Store(true)
	r.each(func(st *stripe, s *seat, ln *line) {
		list := r.take(s, ln)
		if ln.state.lives() {
			ln.life.box.PostSystemMessage(&pa.Stop{})
		}
		ln.restored = nil
		st.tidy(s, ln)
		st.mu.Unlock()
		r.buryAll(s.key, ln.id, list, ErrStopped)
	})
}

// quiesce waits until no entity runs; ctx bounds that.
func (r *router) quiesce(ctx context.Context) error {
	for r.alive.Load() > 0 {
		select {
		case <-r.quiet:
		case <-ctx.Done():
			return fmt.Errorf("%d entities still run: %w", r.alive.Load(), ctx.Err())
		}
	}
	return nil
}
