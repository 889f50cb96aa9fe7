package mailbox

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// defaultThroughput is protoactor's own figure.
	defaultThroughput = 300
	// stuckAfter is how long a worker may be busy with one run, while others
	// wait, before it counts as blocked.
	stuckAfter = time.Millisecond
	// maxSpares bounds the goroutines that stand in for blocked workers.
	maxSpares = 10000
)

// Pool is a dispatcher: a fixed set of workers over one run queue, first come
// first served. One pool serves a whole system. Its methods may be called from
// any goroutine.
//
// A worker that stays in one run while others wait counts as blocked; a spare
// takes its place until it returns. As long as all workers block, the number
// of spares started doubles at each check, up to 10,000 at a time.
type Pool struct {
	size       int
	throughput int

	mu      sync.Mutex
	queue   runQueue
	workers []*worker // all that live, in no order; worker.index points back
	idle    []*worker // those that are parked, last in first out
	stuck   int       // those that count as blocked
	extra   int       // spares allowed beyond size, while everybody blocks
	waking  bool      // a worker has been roused and has not come to the queue yet

	returned     uint64 // runs that have ended
	returnedSeen uint64 // returned at the monitor's last look

	// The monitor exists only while runs wait and no worker is free.
	armed bool
	timer *time.Timer

	closing bool          // workers end when the queue is empty
	closed  bool          // what is scheduled is dropped
	done    chan struct{} // closed with the end of the last worker
}

// worker is one goroutine. Its fields are guarded by Pool.mu.
type worker struct {
	index    int
	wake     chan struct{}
	starting bool   // roused, has not come to the queue yet
	parked   bool   // in Pool.idle
	stuck    bool   // counted in Pool.stuck
	runs     uint64 // begun so far
	seen     uint64 // runs at the monitor's last look
}

// NewPool makes a pool of a number of workers, each of which handles up to
// throughput messages of a mailbox before the next mailbox gets its turn. Zero or
// less means the default: GOMAXPROCS workers, 300 messages. Workers start when
// there is work for them.
func NewPool(workers, throughput int) *Pool {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if throughput <= 0 {
		throughput = defaultThroughput
	}
	return &Pool{size: workers, throughput: throughput, done: make(chan struct{})}
}

// Throughput is the number of messages a mailbox handles before others get a turn.
func (p *Pool) Throughput() int { return p.throughput }

// Schedule queues fn to be run once by a worker. It never blocks. After Close it
// drops fn: what is posted then stays in its mailbox for good.
func (p *Pool) Schedule(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.queue.push(fn)
	p.rouse()
}

// Close lets the workers finish what is scheduled, and what that schedules in
// turn, and waits until all of them have ended. It may be called more than once,
// but not from an actor.
func (p *Pool) Close() { _ = p.Shutdown(context.Background()) }

// Shutdown is Close with a bound. When ctx ends first it drops all that waits and
// returns ctx's error; workers blocked in an actor end when that returns.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.beginClose()
	select {
	case <-p.done:
		return nil
	default:
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.abandon()
		return ctx.Err()
	}
}

func (p *Pool) beginClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return
	}
	p.closing = true
	for _, w := range p.idle {
		w.parked = false
		w.wake <- struct{}{}
	}
	p.idle = nil
	p.finishClose()
}

// finishClose ends the pool when its last worker has gone.
func (p *Pool) finishClose() {
	if !p.closing || len(p.workers) > 0 {
		return
	}
	if !p.closed {
		p.closed, p.queue = true, runQueue{}
		p.disarm()
	}
	select {
	case <-p.done:
	default:
		close(p.done)
	}
}

func (p *Pool) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.queue = true, runQueue{}
	p.disarm()
}

// rouse sees to it that somebody comes for the queue: a parked worker, a new
// one, or the monitor that finds out who is blocked. One at a time is enough,
// since whoever comes rouses the next while there is more.
func (p *Pool) rouse() {
	switch {
	case p.waking || p.queue.n == 0:
	case len(p.idle) > 0:
		last := len(p.idle) - 1
		w := p.idle[last]
		p.idle = p.idle[:last]
		w.parked, w.starting, p.waking = false, true, true
		w.wake <- struct{}{}
	case len(p.workers)-p.stuck < p.size+p.extra && len(p.workers) < p.size+maxSpares:
		p.start()
	default:
		p.arm()
	}
}

func (p *Pool) start() {
	w := &worker{index: len(p.workers), wake: make(chan struct{}, 1), starting: true}
	p.workers, p.waking = append(p.workers, w), true
	go p.work(w)
}

// work is a worker's goroutine.
func (p *Pool) work(w *worker) {
	defer p.end(w) // also when an actor calls runtime.Goexit
	for {
		fn := p.next(w)
		if fn == nil {
			return
		}
		fn()
	}
}

// next waits for a run; nil tells the worker to end.
func (p *Pool) next(w *worker) func() {
	p.mu.Lock()
	p.arrive(w)
	for p.queue.n == 0 {
		p.extra = 0
		if p.closing || p.surplus() {
			p.mu.Unlock()
			return nil
		}
		w.parked = true
		p.idle = append(p.idle, w)
		p.mu.Unlock()
		<-w.wake
		p.mu.Lock()
		p.arrive(w)
	}
	if p.surplus() {
		p.mu.Unlock()
		return nil
	}
	fn := p.queue.pop()
	w.runs++
	p.rouse()
	p.mu.Unlock()
	return fn
}

// arrive notes that a worker is at the queue, hence not blocked.
func (p *Pool) arrive(w *worker) {
	if w.starting {
		w.starting, p.waking = false, false
	} else {
		p.returned++
	}
	if w.stuck {
		w.stuck = false
		p.stuck--
	}
}

// surplus tells that a worker can go, since a blocked one has come back.
func (p *Pool) surplus() bool { return len(p.workers)-p.stuck > p.size+p.extra }

// end removes a worker.
func (p *Pool) end(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(w)
	last := len(p.workers) - 1
	p.workers[w.index] = p.workers[last]
	p.workers[w.index].index = w.index
	p.workers[last] = nil
	p.workers = p.workers[:last]
	p.rouse()
	p.finishClose()
}
