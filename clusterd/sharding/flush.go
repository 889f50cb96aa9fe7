package sharding

import (
	"sync"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
	"github.com/pando-go/pando/clusterd/slots"
)

// A sender that learns of a slot's new home could overtake itself: what it sent
// to the old home is forwarded from there, and arrives after what it sends to
// the new one. So before the first message for an entity takes the new way, a
// marker takes the old one, behind all that went before it. The home that the
// marker comes to answers, and until then the entity's messages wait here
// (finding 20). Connections between two nodes keep the order of one entity's
// messages, and so do the lines in which they wait on the way.
//
// Only who has used the old way lately needs this; an old home that has left, or
// does not answer, is waited for a moment.

const (
	flushWithin = 5 * time.Second // how long after a change something may still be under way
	flushWait   = time.Second     // how long a marker may take
)

// flush is what an entity's line knows of its marker.
type flush struct {
	way    *route // that is to be taken
	ticket uint64
	sent   time.Time
	done   bool
}

// flushes are the markers under way, by ticket.
type flushes struct {
	last  atomic.Uint64
	marks atomic.Int64 // lines that have a flush
	mu    sync.Mutex
	open  map[uint64]target
}

// isFlush tells a marker from a user's message.
func isFlush(msg any) bool {
	switch m := msg.(type) {
	case *shardpb.Flush:
		return true
	case *pa.MessageEnvelope:
		_, is := m.Message.(*shardpb.Flush)
		return is
	}
	return false
}

// mustFlush tells whether messages of this node may still be under way by the
// route before this one.
func (r *router) mustFlush(t target, way *route) bool {
	if t.hops > 0 || way.prev == nil || way.prev.to.Address == r.self || !way.prev.used.Load() {
		return false
	}
	return r.view.Load().members[way.prev.to] && time.Since(way.since) < flushWithin
}

// flushed tells whether a line's messages may go by a way. If not, a marker is
// under way, and the answer pumps the line. Callers hold the lock, which it
// gives up while it sends.
func (r *router) flushed(st *stripe, s *seat, ln *line, way *route) bool {
	if !r.mustFlush(target{}, way) {
		return true
	}
	if ln.flush != nil && ln.flush.way == way {
		return ln.flush.done || time.Since(ln.flush.sent) >= flushWait
	}
	if ln.flush == nil {
		r.flushes.marks.Add(1)
	}
	t := target{kind: s.key.kind, id: ln.id, hops: 1, epoch: way.prev.epoch, origin: r.origin}
	ln.flush = &flush{way: way, ticket: r.flushes.last.Add(1), sent: time.Now()}
	r.flushes.mu.Lock()
	if r.flushes.open == nil {
		r.flushes.open = map[uint64]target{}
	}
	r.flushes.open[ln.flush.ticket] = t
	r.flushes.mu.Unlock()
	mark := &shardpb.Flush{Address: r.self, Ticket: ln.flush.ticket}
	st.mu.Unlock()
	r.sys.Proto().Root.Send(t.pid(way.prev.to.Address), mark)
	st.mu.Lock()
	return ln.flush.done
}

// forgetFlush ends what a line knows of its marker when nothing can be under way
// any more. Callers hold the lock.
func (r *router) forgetFlush(ln *line, now time.Time) {
	if ln.flush == nil || now.Sub(ln.flush.way.since) < flushWithin {
		return
	}
	r.flushes.mu.Lock()
	delete(r.flushes.open, ln.flush.ticket)
	r.flushes.mu.Unlock()
	ln.flush = nil
	r.flushes.marks.Add(-1)
}

// answerFlush tells who sent a marker that everything before it has been handed
// to the entity.
func (r *router) answerFlush(msg any) {
	_, m, _ := pa.UnwrapEnvelope(msg)
	f := m.(*shardpb.Flush)
	r.sys.Proto().Root.Send(pa.NewPID(f.GetAddress(), flushedID), &shardpb.Flushed{Ticket: f.GetTicket()})
}

// flushedID is the id under which a node takes the answers to its markers.
const flushedID = "$flushed"

// flushDone takes the answer to a marker.
func (r *router) flushDone(ticket uint64) {
	r.flushes.mu.Lock()
	t, ok := r.flushes.open[ticket]
	delete(r.flushes.open, ticket)
	r.flushes.mu.Unlock()
	if !ok {
		return
	}
	slot := slots.Of(t.id)
	st := r.stripe(slot)
	st.mu.Lock()
	s := st.seats[seatKey{t.kind, slot}]
	if s == nil || s.lines[t.id] == nil || s.lines[t.id].flush == nil || s.lines[t.id].flush.ticket != ticket {
		st.mu.Unlock()
		return
	}
	s.lines[t.id].flush.done = true
	r.pump(st, s, s.lines[t.id])
}

// flushAnswers is the process behind flushedID.
type flushAnswers struct{ *router }

// SendUserMessage takes an answer.
func (f flushAnswers) SendUserMessage(_ *pa.PID, msg any) {
	if _, m, _ := pa.UnwrapEnvelope(msg); m != nil {
		if done, ok := m.(*shardpb.Flushed); ok {
			f.flushDone(done.GetTicket())
		}
	}
}
