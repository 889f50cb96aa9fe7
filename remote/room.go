package remote

import (
	"sync"
	"sync/atomic"
)

// room is what the user lanes to one peer may hold together, in bytes.
type room struct {
	limit int64
	used  atomic.Int64
	waits atomic.Bool // somebody waits, or did

	mu    sync.Mutex
	again chan struct{} // closed when there is room again; nil: nobody waits
}

// take reserves n bytes, if they are free.
func (r *room) take(n int) bool {
	for {
		used := r.used.Load()
		if used+int64(n) > r.limit {
			return false
		}
		if r.used.CompareAndSwap(used, used+int64(n)) {
			return true
		}
	}
}

// free gives n bytes back.
func (r *room) free(n int) {
	if n == 0 {
		return
	}
	r.used.Add(-int64(n))
	if r.waits.Load() {
		r.signal()
	}
}

// wait returns a channel that is closed when there may be room again. Whoever
// called it tries once more before it waits.
func (r *room) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.again == nil {
		r.again = make(chan struct{})
		r.waits.Store(true)
	}
	return r.again
}

// signal wakes those who wait.
func (r *room) signal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.again != nil {
		close(r.again)
		r.again = nil
		r.waits.Store(false)
	}
}
