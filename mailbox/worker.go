package mailbox

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxStreak is how many runs in a row may be taken from the front of a lane
	// before one that has waited longer.
	maxStreak = 3
	// maxGrant bounds the wake-ups that a lane leaves out in a row.
	maxGrant = 4096
	// paceEvery is after how many turns an owner looks at the clock, and longTurn
	// how long they must have taken on average for a wake-up to be worth its cost.
	paceEvery = 16
	longTurn  = 5 * time.Microsecond
)

// worker is one goroutine of a pool and its run queue.
//
// A run that is scheduled in the lane of a busy worker goes to the front, since
// most likely it is that worker's own doing, and what it handles next is warm in
// its cache. If it is alone there, waking another worker seldom helps: before that
// one has come, the owner has taken it. A worker that was woken for such a run and
// finds nothing therefore grants the lane some wake-ups to be left out, twice as
// many each time; one that does find something takes that back. Where turns are
// long none is left out. The monitor covers the case that a single one is, or that
// the owner blocks: then a run may wait for a millisecond though a worker is free.
type worker struct {
	pool   *Pool
	lane   uint16 // from 1; 0 for a spare, in whose lane nobody queues
	wake   chan struct{}
	errand *worker  // the lane that it was woken for; set by the waker
	id     uint64   // of its goroutine, 0 until asked for
	marks  []uint64 // turns of each lane at its last look round

	mu     sync.Mutex
	front  runner // taken before ring
	ring   runQueue
	busy   bool      // its owner will look here before it does anything else
	streak int       // how often front was taken in a row
	turns  uint64    // how often the owner has come back here, from 1
	grant  int       // wake-ups that were to be left out at the last count
	skip   int       // of these, those yet to be left out
	paced  time.Time // when the owner last looked at the clock
	slow   bool      // its turns have been long of late
	stuck  bool      // counted in Pool.stuck; changed under Pool.mu too
	closed bool      // takes no more runs, and has none

	told int32 // load

	load atomic.Int32 // twice what is in ring, and 1 if busy

	// Guarded by Pool.mu.
	alive   bool // has a goroutine
	retired bool // a spare that is not needed any more
	seen    uint64
}

func newWorker(p *Pool, lane uint16) *worker {
	return &worker{pool: p, lane: lane, wake: make(chan struct{}, 1), turns: 1}
}

// begin readies a worker for its goroutine.
func (w *worker) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alive, w.seen = true, w.turns
}

// goroutine is the id of the goroutine that asks, which is the worker's own if
// there is one.
func (w *worker) goroutine() uint64 {
	if w == nil {
		return goroutineID()
	}
	if w.id == 0 {
		w.id = goroutineID()
	}
	return w.id
}

// push queues a run and tells whether somebody should be woken for it.
func (w *worker) push(r runner, again bool) (wake bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	alone := w.front == nil && w.ring.n == 0
	if w.busy && !again {
		w.front, r = r, w.front
	}
	if r != nil {
		w.ring.push(r)
	}
	w.measure()
	if w.busy && alone && w.skip > 0 && !w.slow {
		w.skip--
		return false
	}
	return true
}

// measure brings load up to date. An atomic store costs as much as a lock, and a
// lane whose owner is busy with one thing after another has nothing to tell.
func (w *worker) measure() {
	load := 2 * int32(w.ring.n)
	if w.busy {
		load++
	}
	if load != w.told {
		w.told = load
		w.load.Store(load)
	}
}

// pop takes the owner's next run, nil if its lane is empty. stuck tells that it
// has been taken for blocked.
func (w *worker) pop() (r runner, stuck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turns++; w.turns%paceEvery == 0 {
		w.pace(time.Now())
	}
	switch {
	case w.front != nil && (w.streak < maxStreak || w.ring.n == 0):
		r, w.front = w.front, nil
		w.streak++
	case w.ring.n > 0:
		r = w.ring.pop()
		w.streak = 0
	}
	w.busy = r != nil
	w.measure()
	return r, w.stuck
}

// pace finds out how long turns are.
func (w *worker) pace(now time.Time) {
	w.slow = now.Sub(w.paced) > paceEvery*longTurn
	w.paced = now
}

// give hands half of what waits to another worker, as far as there is room. What
// is in front is kept for the owner, unless that is in the turn it was in at mark.
func (w *worker) give(to []runner, mark *uint64) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for half := (w.ring.n + 1) / 2; n < min(half, len(to)); n++ {
		to[n] = w.ring.pop()
	}
	if n == 0 && w.front != nil && *mark == w.turns {
		to[0], w.front = w.front, nil
		n = 1
	}
	*mark = w.turns
	w.measure()
	return n
}

// accept begins a turn with what was got elsewhere: the first is run, the others
// are queued.
func (w *worker) accept(got []runner) runner {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range got[1:] {
		if !w.closed {
			w.ring.push(r)
		}
	}
	w.busy = true
	w.measure()
	return got[0]
}

// judge draws the lesson from a wake-up that this lane caused.
func (w *worker) judge(useful bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if useful {
		w.grant = 0
	} else {
		w.grant = min(max(1, 2*w.grant), maxGrant)
	}
	w.skip = w.grant
}

// disown gives up the lane: what is in it, and comes to it, is for others.
func (w *worker) disown() {
	if w.front != nil {
		w.ring.push(w.front)
		w.front = nil
	}
	w.busy = false
	w.grant, w.skip = 0, 0
	w.measure()
}

// pending tells whether there is anything in the lane.
func (w *worker) pending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.front != nil || w.ring.n > 0
}

// large tells that the lane holds more memory than it should for long.
func (w *worker) large() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ring.large()
}

// close drops what is in the lane and what will come.
func (w *worker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.front, w.ring, w.closed = nil, runQueue{}, true
	w.measure()
}
