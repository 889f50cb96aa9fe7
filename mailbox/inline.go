package mailbox

import "sync"

// Inline is a dispatcher without goroutines, for tests: whoever posts to an idle
// mailbox runs it, and all that follows from it, before the post returns. If
// somebody is running already, it only joins that one's queue; so the stack does
// not grow and an actor is never entered twice. The zero value is ready for use.
type Inline struct {
	mu      sync.Mutex
	wiring  *wiring
	running bool
	queue   runQueue
}

// Schedule runs fn, unless a Schedule further up or on another goroutine will.
func (d *Inline) Schedule(fn func()) { d.schedule(runFunc(fn), 0, false) }

func (d *Inline) schedule(r runner, _ uint16, _ bool) {
	d.mu.Lock()
	d.queue.push(r)
	if d.running {
		d.mu.Unlock()
		return
	}
	d.running = true
	d.drain()
}

// drain is entered with mu held and leaves it free. What a runner leaves behind
// that ends the goroutine is run while it ends.
func (d *Inline) drain() {
	defer func() {
		if d.queue.n > 0 {
			d.drain()
			return
		}
		d.queue, d.running = runQueue{}, false
		d.mu.Unlock()
	}()
	for d.queue.n > 0 {
		d.step(d.queue.pop())
	}
}

func (d *Inline) step(r runner) {
	d.mu.Unlock()
	defer d.mu.Lock()
	r.run(nil)
}

// Throughput is the number of messages a mailbox handles before others get a turn.
func (d *Inline) Throughput() int { return defaultThroughput }

func (d *Inline) shared() *wiring {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wiring == nil {
		d.wiring = &wiring{to: d, chunks: new(chunks)}
	}
	return d.wiring
}
