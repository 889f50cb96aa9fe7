package mailbox

import "sync"

// Inline is a dispatcher without goroutines, for tests: whoever posts to an idle
// mailbox runs it, and all that follows from it, before the post returns. If
// somebody is running already, it only joins that one's queue; so the stack does
// not grow and an actor is never entered twice. The zero value is ready for use.
type Inline struct {
	mu      sync.Mutex
	running bool
	queue   []func()
}

// Schedule runs fn, unless a Schedule further up or on another goroutine will.
func (d *Inline) Schedule(fn func()) {
	d.mu.Lock()
	d.queue = append(d.queue, fn)
	if d.running {
		d.mu.Unlock()
		return
	}
	d.running = true
	d.drain()
}

// drain is entered with mu held and leaves it free.
func (d *Inline) drain() {
	for len(d.queue) > 0 {
		fn := d.queue[0]
		d.queue[0] = nil
		d.queue = d.queue[1:]
		d.mu.Unlock()
		fn()
		d.mu.Lock()
	}
	d.queue, d.running = nil, false
	d.mu.Unlock()
}

// Throughput is the number of messages a mailbox handles before others get a turn.
func (d *Inline) Throughput() int { return defaultThroughput }
