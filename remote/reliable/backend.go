package reliable

import (
	"maps"
	"slices"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/reliable/internal/flow"
)

// backend is the state machine of a producer, with the refs that its letters go to.
type backend interface {
	next() uint64 // the number that the next message gets
	done() uint64 // all up to it are confirmed
	offer(now time.Time, payload []byte)
	ack(now time.Time, a flow.Ack) error
	tick(now time.Time)
	// ready sends nothing by itself: it says what to send, how many messages were
	// confirmed since it was called last, and when tick is due.
	ready() (out []posting, confirmed int, wake time.Time)
	// add and remove are for pools; false if it is none, or nothing changed.
	add(now time.Time, worker actor.Addressable) bool
	remove(now time.Time, worker actor.Addressable) bool
	pool() bool
	workers() []actor.Ref[any] // of a pool
}

// posting is a letter with where it goes.
type posting struct {
	to     actor.Ref[any]
	letter flow.Letter
}

// single is the backend of a producer with one consumer.
type single struct {
	p    *flow.Producer
	to   actor.Ref[any]
	told uint64 // done, as ready said last
}

func newSingle(id string, to actor.Ref[any], s State, cfg Config) *single {
	return &single{p: flow.NewProducer(id, s.Stream, s.Epoch, s.Confirmed+1, cfg.timing()), to: to, told: s.Confirmed}
}

func (s *single) next() uint64                             { return s.p.Next() }
func (s *single) done() uint64                             { return s.p.Base() - 1 }
func (s *single) offer(now time.Time, payload []byte)      { s.p.Offer(now, payload) }
func (s *single) ack(now time.Time, a flow.Ack) error      { return s.p.Ack(now, a) }
func (s *single) tick(now time.Time)                       { s.p.Tick(now) }
func (s *single) add(time.Time, actor.Addressable) bool    { return false }
func (s *single) remove(time.Time, actor.Addressable) bool { return false }
func (s *single) workers() []actor.Ref[any]                { return nil }
func (s *single) pool() bool                               { return false }

func (s *single) ready() ([]posting, int, time.Time) {
	letters, wake := s.p.Ready()
	out := make([]posting, len(letters))
	for i, l := range letters {
		out[i] = posting{s.to, l}
	}
	confirmed := int(s.done() - s.told)
	s.told = s.done()
	return out, confirmed, wake
}

// pooled is the backend of a producer with workers.
type pooled struct {
	sys  *actor.System
	p    *flow.Pool
	refs map[string]actor.Ref[any] // of the workers, by their text
}

// maxWorkers is how many workers a pool has at most.
const maxWorkers = 4096

// newPooled takes over the workers of the incarnation before. Each incarnation has
// streams above those of the last: a worker that lives on is given new ones.
func newPooled(sys *actor.System, id string, s State, cfg Config, refs map[string]actor.Ref[any]) *pooled {
	const streams = 20 // bits: workers that are added during an incarnation
	b := &pooled{sys: sys, p: flow.NewPool(id, s.Stream+s.Epoch<<streams, s.Confirmed+1, cfg.timing()), refs: refs}
	for _, key := range slices.Sorted(maps.Keys(refs)) {
		b.p.Add(time.Now(), key)
	}
	return b
}

func (s *pooled) workers() []actor.Ref[any] { return slices.Collect(maps.Values(s.refs)) }

func (s *pooled) next() uint64                        { return s.p.Next() }
func (s *pooled) done() uint64                        { return s.p.Done() }
func (s *pooled) offer(now time.Time, payload []byte) { s.p.Offer(now, payload) }
func (s *pooled) ack(now time.Time, a flow.Ack) error { return s.p.Ack(now, a) }
func (s *pooled) tick(now time.Time)                  { s.p.Tick(now) }
func (s *pooled) pool() bool                          { return true }

func (s *pooled) key(worker actor.Addressable) (string, actor.Ref[any]) {
	ref := actor.RefOf[any](s.sys, worker.PID())
	return ref.String(), ref
}

func (s *pooled) add(now time.Time, worker actor.Addressable) bool {
	key, ref := s.key(worker)
	if len(s.refs) >= maxWorkers {
		return false
	}
	s.refs[key] = ref
	return s.p.Add(now, key)
}

func (s *pooled) remove(now time.Time, worker actor.Addressable) bool {
	key, _ := s.key(worker)
	_, ok := s.refs[key]
	delete(s.refs, key)
	s.p.Remove(now, key)
	return ok
}

func (s *pooled) ready() ([]posting, int, time.Time) {
	deliveries, confirmed, wake := s.p.Ready()
	out := make([]posting, 0, len(deliveries))
	for _, d := range deliveries {
		out = append(out, posting{s.refs[d.Worker], d.Letter})
	}
	return out, confirmed, wake
}
