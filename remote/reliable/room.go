package reliable

import (
	"context"
	"sync"
)

// room counts the unconfirmed messages of a producer, and has senders wait while
// there are too many. It outlives the incarnations of the producer's actor.
type room struct {
	limit int

	mu     sync.Mutex
	used   int
	closed bool
	freed  chan struct{} // closed when there may be room again; nil: nobody waits
	calls  []func()      // to be called when there is room
}

// take takes room for one message, or says why not.
func (r *room) take() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return ErrClosed
	case r.used >= r.limit:
		return ErrFull
	}
	r.used++
	return nil
}

// force takes room for n messages that are there already.
func (r *room) force(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used += n
}

// wait is take that waits.
func (r *room) wait(ctx context.Context) error {
	for {
		freed, err := r.takeOrWait()
		if err != nil || freed == nil {
			return err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeOrWait is take, or a channel that is closed when it may succeed.
func (r *room) takeOrWait() (<-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.used < r.limit:
		r.used++
		return nil, nil
	}
	if r.freed == nil {
		r.freed = make(chan struct{})
	}
	return r.freed, nil
}

// wake ends the waits. r.mu is held.
func (r *room) wake() {
	if r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}

// give gives room for n messages back.
func (r *room) give(n int) {
	r.mu.Lock()
	r.used -= n
	var calls []func()
	if r.used < r.limit {
		r.wake()
		calls, r.calls = r.calls, nil
	}
	r.mu.Unlock()
	for _, f := range calls {
		f()
	}
}

// call calls f once there is room: now, or by who gives some back. At most limit
// calls wait; ErrFull for one more.
func (r *room) call(f func()) error {
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return ErrClosed
	case r.used < r.limit:
		r.mu.Unlock()
		f()
		return nil
	case len(r.calls) >= r.limit:
		r.mu.Unlock()
		return ErrFull
	}
	r.calls = append(r.calls, f)
	r.mu.Unlock()
	return nil
}

// close ends all waits, for good.
func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed, r.calls = true, nil
	r.wake()
}
