package remote

import (
	"fmt"
	"unicode/utf8"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// watchKey names a watch between this node and a peer by the two ids.
type watchKey struct{ watcher, watchee string }

// watch is one that a local actor holds on an actor there. It is what makes
// Terminated come exactly once: whoever takes it out of the table tells it.
type watch struct {
	pid *pa.PID // as the watcher spelt it
	uid uint64  // the incarnation that is watched; 0: the first that answers
}

// isGone reports whether the newest incarnation is a removed member. p.mu is held.
func (p *peer) isGone() bool { return p.uid != 0 && p.uid <= p.removed }

// watch begins a watch of a local actor on pid. It is idempotent.
func (p *peer) watch(pid, watcher *pa.PID) error {
	if err := p.checkWatch(pid, watcher); err != nil {
		return err
	}
	gone, err := p.addWatching(watchKey{watcher.Id, pid.Id}, pid)
	if gone {
		p.r.toLocal(watcher.Id, &pa.Terminated{Who: pid, Why: pa.TerminatedReason_AddressTerminated})
	}
	return err
}

func (p *peer) checkWatch(pid, watcher *pa.PID) error {
	address, _ := p.r.sys.Portable(watcher)
	switch {
	case address != p.r.self.Address:
		return fmt.Errorf("%w: the watcher is not of this node", actor.ErrNotPortable)
	case !checkID(pid.Id) || !checkID(watcher.Id):
		return fmt.Errorf("%w: id is empty, too long or not UTF-8", actor.ErrNotPortable)
	}
	return nil
}

func checkID(id string) bool {
	return id != "" && len(id) <= wire.MaxText && utf8.ValidString(id)
}

func (p *peer) addWatching(key watchKey, pid *pa.PID) (gone bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forgotten {
		return false, errForgotten
	}
	if p.isGone() {
		return true, nil
	}
	if _, ok := p.watching[key]; ok {
		return false, nil
	}
	if p.watching == nil {
		p.watching = make(map[watchKey]watch)
	}
	p.watching[key] = watch{pid: pid, uid: p.uid}
	p.control.pushSystem(systemMessage{op: remotepb.System_OP_WATCH, target: pid.Id, other: key.watcher})
	return false, nil
}

// unwatch ends a watch of a local actor.
func (p *peer) unwatch(pid, watcher *pa.PID) error {
	key := watchKey{watcher.Id, pid.Id}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forgotten {
		return errForgotten
	}
	w, ok := p.watching[key]
	if !ok {
		return nil
	}
	delete(p.watching, key)
	if w.uid == p.uid {
		p.control.pushSystem(systemMessage{op: remotepb.System_OP_UNWATCH, target: pid.Id, other: watcher.Id})
	}
	return nil
}

// takeWatching takes out the watches on incarnations up to uid. p.mu is held.
func (p *peer) takeWatching(uid uint64) map[watchKey]watch {
	taken := make(map[watchKey]watch)
	for k, w := range p.watching {
		if w.uid <= uid {
			taken[k] = w
			delete(p.watching, k)
		}
	}
	return taken
}

// terminated tells a watcher there that a local actor is gone.
func (p *peer) terminated(watcher *pa.PID, m *pa.Terminated) error {
	key := watchKey{watcher.Id, m.Who.GetId()}
	p.mu.Lock()
	_, ok := p.watchers[key]
	delete(p.watchers, key)
	uid := p.uid
	p.mu.Unlock()
	if !ok {
		return nil // unwatched meanwhile, or of an incarnation that is gone
	}
	q := p.userFor(key.watcher)
	t := mark{uid, systemMessage{
		op: remotepb.System_OP_TERMINATED, target: key.watcher, other: key.watchee, why: uint32(m.Why), lane: q.l.index,
	}}
	if q.mark(&t) {
		p.pushTerminated(t)
	}
	return nil
}

// mark is a Terminated that follows the user messages which were sent to the
// watcher before it, on their lane: it goes out when the last of them is given
// its number, and takes that along.
type mark struct {
	uid     uint64 // the incarnation that watches
	message systemMessage
}

// mark notes t behind what waits for its receiver. It is true if nothing does;
// then t can go, and says what is on its way.
func (q *userQueue) mark(t *mark) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f := q.flows.by[t.message.target]; f != nil {
		last := &f.items[len(f.items)-1]
		if last.t != nil {
			last.t.marks = append(last.t.marks, *t)
		} else {
			last.b.marks = append(last.b.marks, *t)
		}
		return false
	}
	if n := len(q.open); n > 0 {
		q.open[n-1].marks = append(q.open[n-1].marks, *t)
		return false
	}
	if len(q.flight) > 0 {
		t.message.after = q.seq
	}
	return true
}

// pushTerminated sends a Terminated to the incarnation that it is for.
func (p *peer) pushTerminated(t mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uid == t.uid && !p.isGone() {
		p.control.pushSystem(t.message)
	}
}

// heldWatch is a Terminated that came before the last user message that its
// actor had sent to the watcher.
type heldWatch struct {
	after uint64
	why   pa.TerminatedReason
}

// hold keeps a Terminated until the user messages before it have arrived; false
// if they have. What is kept is bounded by the watches that local actors hold.
func (p *peer) hold(c *inbound, key watchKey, m *remotepb.System) bool {
	if m.After == 0 || !p.r.watches(p.address, key) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stream(streamKey{remotepb.Lane_LANE_USER, m.Lane, c.dialled})
	if s == nil {
		return false
	}
	s.holds.Store(true) // before the number is looked at: see arrived
	if s.batch.Load() >= m.After {
		s.holds.Store(len(s.held) > 0)
		return false
	}
	if s.held == nil {
		s.held = make(map[watchKey]heldWatch)
	}
	s.held[key] = heldWatch{m.After, pa.TerminatedReason(m.Why)}
	return true
}

// watches reports whether a local actor watches one at address.
func (r *Remote) watches(address string, key watchKey) bool {
	for _, p := range r.peersAt(address) {
		p.mu.Lock()
		_, ok := p.watching[key]
		p.mu.Unlock()
		if ok {
			return true
		}
	}
	return false
}

// arrived notes that all of a stream up to seq was handled, and tells what was
// held until then.
func (p *peer) arrived(s *stream, seq uint64) {
	s.batch.Store(seq)
	if !s.holds.Load() {
		return
	}
	p.mu.Lock()
	due := map[watchKey]heldWatch{}
	for k, h := range s.held {
		if h.after <= seq {
			due[k] = h
			delete(s.held, k)
		}
	}
	s.holds.Store(len(s.held) > 0)
	p.mu.Unlock()
	for k, h := range due {
		p.r.gone(p.address, k, h.why)
	}
}

// purge ends watches that actors there held on local actors. It makes no dead
// letters: p.turn is held.
func (p *peer) purge(watchers map[watchKey]struct{}) {
	registry := p.r.sys.Proto().ProcessRegistry
	for k := range watchers {
		if process, ok := registry.GetLocal(k.watchee); ok {
			process.SendSystemMessage(&pa.PID{Address: registry.Address, Id: k.watchee},
				&pa.Unwatch{Watcher: &pa.PID{Address: p.address, Id: k.watcher}})
		}
	}
}

// system handles a system message that came through the connection c.
func (p *peer) system(c *inbound, m *remotepb.System) error {
	if !checkID(m.Target) || m.Op != remotepb.System_OP_STOP && !checkID(m.Other) {
		return wire.Malformed("system message with an id that is empty, too long or not UTF-8")
	}
	if m.Op != remotepb.System_OP_TERMINATED { // that one is for who watches
		if err := p.r.unreachable(m.Target); err != nil {
			p.deny(m, err)
			return nil
		}
	}
	switch m.Op {
	case remotepb.System_OP_WATCH:
		p.watched(c, watchKey{m.Other, m.Target})
	case remotepb.System_OP_UNWATCH:
		p.unwatched(watchKey{m.Other, m.Target})
	case remotepb.System_OP_TERMINATED:
		if key := (watchKey{m.Target, m.Other}); !p.hold(c, key, m) {
			p.r.gone(p.address, key, pa.TerminatedReason(m.Why))
		}
	case remotepb.System_OP_STOP:
		p.r.toLocal(m.Target, &pa.Stop{})
	}
	return nil // another op is one of a later version
}

func (p *peer) watched(c *inbound, key watchKey) {
	added, full := p.addWatcher(c, key)
	if full {
		p.r.log.Error("watch refused: limit reached", "from", p.address, "limit", p.r.cfg.MaxWatches)
	}
	if added {
		p.r.toLocal(key.watchee, &pa.Watch{Watcher: &pa.PID{Address: p.address, Id: key.watcher}})
	}
}

func (p *peer) addWatcher(c *inbound, key watchKey) (added, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.uid != p.uid || p.isGone() {
		return false, false
	}
	if len(p.watchers) >= p.r.cfg.MaxWatches {
		return false, true
	}
	if p.watchers == nil {
		p.watchers = make(map[watchKey]struct{})
	}
	p.watchers[key] = struct{}{}
	return true, false
}

func (p *peer) unwatched(key watchKey) {
	p.mu.Lock()
	delete(p.watchers, key)
	p.mu.Unlock()
	p.r.toLocal(key.watchee, &pa.Unwatch{Watcher: &pa.PID{Address: p.address, Id: key.watcher}})
}

// gone tells a local watcher that an actor at address is gone, if it still
// watches it.
func (r *Remote) gone(address string, key watchKey, why pa.TerminatedReason) {
	for _, p := range r.peersAt(address) {
		p.mu.Lock()
		w, ok := p.watching[key]
		if ok = ok && w.uid == p.uid; ok {
			delete(p.watching, key)
		}
		p.mu.Unlock()
		if ok {
			r.toLocal(key.watcher, &pa.Terminated{Who: w.pid, Why: why})
		}
	}
}

// toLocal hands a system message to a local actor.
func (r *Remote) toLocal(id string, m any) {
	registry := r.sys.Proto().ProcessRegistry
	process, _ := registry.GetLocal(id)
	process.SendSystemMessage(&pa.PID{Address: registry.Address, Id: id}, m)
}
