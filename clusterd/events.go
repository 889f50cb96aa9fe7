package clusterd

import (
	"context"
	"iter"
	"sync"

	"github.com/pando-go/pando/clusterd/engine"
)

// eventLimit is how many events may wait for one reader. A reader further
// behind gets a new Snapshot in their place.
const eventLimit = 256

// hub keeps the newest snapshot and hands events to every reader.
type hub struct {
	mu      sync.Mutex
	now     engine.Snapshot
	readers map[*reader]struct{}
	ended   bool
}

// reader is one running loop over Events.
type reader struct {
	queue []engine.Event // under the hub's mu
	wake  chan struct{}  // holds a token while there is news
}

func newHub(first engine.Snapshot) *hub {
	return &hub{now: first, readers: map[*reader]struct{}{}}
}

// snapshot returns the newest snapshot.
func (h *hub) snapshot() engine.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// publish hands events and the snapshot that follows them to all readers.
func (h *hub) publish(events []engine.Event, after engine.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = after
	if len(events) == 0 {
		return
	}
	for r := range h.readers {
		if len(r.queue)+len(events) > eventLimit {
			r.queue = append(r.queue[:0], after)
		} else {
			r.queue = append(r.queue, events...)
		}
		r.poke()
	}
}

// end lets every reader finish after what waits for it.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for r := range h.readers {
		r.poke()
	}
}

func (r *reader) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (h *hub) subscribe() *reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &reader{queue: []engine.Event{h.now}, wake: make(chan struct{}, 1)}
	h.readers[r] = struct{}{}
	return r
}

func (h *hub) unsubscribe(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r)
}

// take returns what waits for r and whether nothing will follow.
func (h *hub) take(r *reader) (events []engine.Event, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events = r.queue
	r.queue = nil
	return events, h.ended
}

// events is the iterator behind Node.Events.
func (h *hub) events(ctx context.Context) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		r := h.subscribe()
		defer h.unsubscribe(r)
		for {
			events, last := h.take(r)
			for _, e := range events {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			if last {
				return
			}
			select {
			case <-r.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}
