package sharding

import (
	"cmp"
	"slices"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Entities that are not used end, by age or because there are too many. The time
// of the last message is kept in seconds of a clock that the service moves, so
// that it costs a message no more than a comparison.

// passivates tells whether entities of the kind end by themselves.
func (k *kindCount) passivates() bool { return k.idle > 0 || k.limit > 0 }

// touch notes that a message came for a line. Callers hold the lock, at least
// for reading.
func (r *router) touch(s *seat, ln *line) {
	if now := r.clock.Load(); s.host != nil && s.host.passivates() && ln.used.Load() != now {
		ln.used.Store(now)
	}
}

// passivator is the service's side: what is due, and when.
type passivator struct {
	next map[string]time.Time // by kind: when to look again
}

// tick moves the clock and ends what has been idle, and returns when to call it
// again; zero if no kind passivates.
func (p *passivator) tick(r *router, now time.Time) time.Time {
	var first time.Time
	for name, k := range r.kinds { // order: kinds do not matter to each other
		if !k.passivates() {
			continue
		}
		r.clock.Store(uint32(now.Unix()))
		if p.next == nil {
			p.next = map[string]time.Time{}
		}
		if !now.Before(p.next[name]) {
			r.passivate(name, k, uint32(now.Unix()))
			p.next[name] = now.Add(k.lookEvery())
		}
		first = earliest(first, p.next[name])
	}
	return first
}

// lookEvery is how often idle entities are looked for.
func (k *kindCount) lookEvery() time.Duration {
	if k.limit > 0 {
		return time.Second
	}
	return max(k.idle/4, time.Second)
}

// candidate is an entity that may be stopped.
type candidate struct {
	s    *seat
	ln   *line
	used uint32
}

// passivate stops the entities of a kind that have been idle too long, and those
// beyond the limit that were idle for longest.
func (r *router) passivate(name string, k *kindCount, now uint32) {
	excess := 0
	if k.limit > 0 {
		excess = int(k.entities.Load()) - k.limit
	}
	if k.idle == 0 && excess <= 0 {
		return
	}
	list := r.candidates(name)
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.used, b.used) })
	for i, c := range list {
		old := k.idle > 0 && time.Duration(now-min(now, c.used))*time.Second >= k.idle
		if !old && i >= excess {
			return // the others are younger still
		}
		r.retire(c)
	}
}

// candidates returns the entities of a kind that run and have nothing to do.
func (r *router) candidates(kind string) []candidate {
	var list []candidate
	for i := range r.stripes {
		st := &r.stripes[i]
		st.mu.RLock()
		for key, s := range st.seats {
			if key.kind != kind || s.state != here {
				continue
			}
			for _, ln := range s.lines {
				if ln.state == running && len(ln.queue) == 0 {
					list = append(list, candidate{s, ln, ln.used.Load()})
				}
			}
		}
		st.mu.RUnlock()
	}
	return list
}

// retire stops an entity unless a message has come since.
func (r *router) retire(c candidate) {
	st := r.stripe(c.s.key.slot)
	st.mu.Lock()
	defer st.mu.Unlock()
	if c.ln.state != running || len(c.ln.queue) > 0 || c.ln.used.Load() != c.used || c.ln.life.box.UserMessageCount() > 0 {
		return
	}
	r.passivated.Add(1)
	c.ln.life.box.PostSystemMessage(&pa.Stop{})
}
