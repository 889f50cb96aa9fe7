package mailbox

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultThroughput is protoactor's own figure.
	defaultThroughput = 300
	// stuckAfter is how long a worker may be busy with one turn, while others
	// wait, before it counts as blocked.
	stuckAfter = time.Millisecond
	// maxSpares bounds the goroutines that stand in for blocked workers.
	maxSpares = 10000
	// maxWorkers is what a mailbox's memory of its lane can hold.
	maxWorkers = 1 << 15
)

// Pool is a dispatcher: a fixed set of workers, each with a run queue of its own,
// its lane. A mailbox is queued in the lane where it ran last; a worker whose lane
// is empty steals from the others. One pool serves a whole system. Its methods may
// be called from any goroutine.
//
// A worker that stays in one turn while others wait counts as blocked; a spare
// takes its place until it returns. As long as all workers block, the number
// of spares started doubles at each check, up to 10,000 at a time.
type Pool struct {
	wiring     *wiring // of the plain mailboxes; apart from what is written often
	throughput int
	lanes      []*worker // the workers proper; fixed

	// Read without a lock by who schedules.
	seeking atomic.Int32  // workers that look for runs, or were woken to do so
	help    atomic.Bool   // a worker is parked, or may be started
	armed   atomic.Bool   // the monitor will look
	recent  atomic.Uint32 // the lane for a run that has none: whoever woke last

	mu     sync.Mutex
	spares map[*worker]struct{}
	parked []*worker // last in first out
	alive  int       // goroutines
	stuck  int       // of these, those that count as blocked
	extra  int       // spares allowed while everybody blocks
	timer  *time.Timer

	closing bool          // workers end when there is nothing left
	closed  bool          // what is scheduled is dropped
	done    chan struct{} // closed with the end of the last worker
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
	p := &Pool{throughput: throughput, done: make(chan struct{}), spares: map[*worker]struct{}{}}
	p.wiring = &wiring{to: p, chunks: new(chunks)}
	for i := range min(workers, maxWorkers) {
		p.lanes = append(p.lanes, newWorker(p, uint16(i+1)))
	}
	p.help.Store(true)
	return p
}

// Throughput is the number of messages a mailbox handles before others get a turn.
func (p *Pool) Throughput() int { return p.throughput }

// Schedule queues fn to be run once by a worker. It never blocks. After Close it
// drops fn: what is posted then stays in its mailbox for good.
func (p *Pool) Schedule(fn func()) { p.schedule(runFunc(fn), 0, false) }

// schedule queues r in its lane, and wakes somebody for it if need be.
func (p *Pool) schedule(r runner, home uint16, again bool) {
	if home == 0 {
		home = uint16(p.recent.Load()) + 1
	}
	w := p.lanes[home-1]
	if w.push(r, again) {
		p.rouse(w)
	} else {
		p.watch()
	}
}

// rouse sees to it that somebody comes for what was queued in a lane: a worker
// that is looking already, a parked or new one, or the monitor that finds out who
// is blocked. One worker at a time is enough, since whoever finds something while
// there is more rouses the next.
func (p *Pool) rouse(lane *worker) {
	if p.seeking.Load() > 0 {
		p.watch() // it does not take what a busy lane keeps for its owner
		return
	}
	if !p.help.Load() && p.armed.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rouseLocked(lane)
}

func (p *Pool) rouseLocked(lane *worker) {
	if p.closed || !p.seeking.CompareAndSwap(0, 1) {
		return
	}
	w := p.unpark()
	if w == nil {
		w = p.start()
	}
	if w == nil {
		p.seeking.Add(-1)
		p.arm()
		return
	}
	w.errand = lane
	if w.lane != 0 {
		p.recent.Store(uint32(w.lane) - 1)
	}
	w.wake <- struct{}{}
}

// unpark takes the worker that parked last, nil if there is none.
func (p *Pool) unpark() *worker {
	last := len(p.parked) - 1
	if last < 0 {
		return nil
	}
	w := p.parked[last]
	p.parked = p.parked[:last]
	p.count()
	return w
}

// start gives a goroutine to a worker that has none, or to a spare if that is
// called for; nil if not. It waits to be woken.
func (p *Pool) start() *worker {
	if !p.mayStart() {
		return nil
	}
	w := p.vacant()
	if w == nil {
		w = newWorker(p, 0)
		p.spares[w] = struct{}{}
	}
	w.begin()
	p.alive++
	p.count()
	go p.work(w)
	return w
}

func (p *Pool) mayStart() bool {
	return p.alive-p.stuck < len(p.lanes)+p.extra && p.alive < len(p.lanes)+maxSpares
}

// count brings help up to date.
func (p *Pool) count() { p.help.Store(len(p.parked) > 0 || p.mayStart()) }

// vacant finds a worker without a goroutine.
func (p *Pool) vacant() *worker {
	for _, w := range p.lanes {
		if !w.alive {
			return w
		}
	}
	return nil
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
	for w := p.unpark(); w != nil; w = p.unpark() {
		p.seeking.Add(1)
		w.wake <- struct{}{}
	}
	p.finishClose()
}

// finishClose ends the pool when its last worker has gone.
func (p *Pool) finishClose() {
	if !p.closing || p.alive > 0 {
		return
	}
	p.drop()
	select {
	case <-p.done:
	default:
		close(p.done)
	}
}

func (p *Pool) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}

// drop gives up all that waits.
func (p *Pool) drop() {
	p.closed = true
	p.disarm()
	for _, w := range p.lanes {
		w.close()
	}
}
