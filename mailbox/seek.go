package mailbox

import (
	"runtime"
	"slices"
)

const (
	// rounds is how often a worker looks round before it parks.
	rounds = 4
	// loot bounds what is stolen at a time.
	loot = 64
)

// work is a worker's goroutine.
func (p *Pool) work(w *worker) {
	defer p.end(w) // also when an actor calls runtime.Goexit
	<-w.wake
	for r := p.seek(w); r != nil; r = p.next(w) {
		r.run(w)
	}
}

// next is the worker's next run, for which it may have to wait; nil tells it to end.
func (p *Pool) next(w *worker) runner {
	r, stuck := w.pop()
	if stuck {
		p.cameBack(w)
	}
	if w.lane == 0 && p.surplus() {
		return nil
	}
	if r == nil {
		p.seeking.Add(1)
		r = p.seek(w)
	}
	return r
}

// seek looks for work in all lanes, and parks when there is none. It is entered
// counted in seeking, and leaves uncounted.
func (p *Pool) seek(w *worker) runner {
	for {
		r := p.lookRound(w)
		if lane := w.errand; lane != nil {
			w.errand = nil
			lane.judge(r != nil)
		}
		if r != nil {
			if p.seeking.Add(-1) == 0 && p.waiting() {
				p.rouse(w)
			}
			return r
		}
		if !p.park(w) {
			return nil
		}
	}
}

// lookRound tries all lanes a few times.
func (p *Pool) lookRound(w *worker) runner {
	if w.marks == nil {
		w.marks = make([]uint64, len(p.lanes))
	}
	clear(w.marks)
	for round := range rounds {
		if round > 0 {
			runtime.Gosched()
		}
		if r := p.steal(w); r != nil {
			return r
		}
	}
	return nil
}

// steal tries each lane once, its own first.
func (p *Pool) steal(w *worker) runner {
	var got [loot]runner
	room := got[:]
	if w.lane == 0 {
		room = got[:1]
	}
	first := max(1, int(w.lane)) - 1
	for i := range p.lanes {
		at := (first + i) % len(p.lanes)
		v := p.lanes[at]
		if v.load.Load() == 0 {
			continue
		}
		if v == w {
			if r, _ := w.pop(); r != nil {
				return r
			}
			continue
		}
		if n := v.give(room, &w.marks[at]); n > 0 {
			return w.accept(got[:n])
		}
	}
	return nil
}

// waiting tells whether there is anything that a worker may take at once.
func (p *Pool) waiting() bool {
	for _, w := range p.lanes {
		if w.load.Load() > 1 {
			return true
		}
	}
	return false
}

// park waits until there is work; false tells the worker to end. It is entered
// counted in seeking, and left so if true. Who schedules something first queues
// it and then looks for a worker; who parks first says so and then looks for runs.
func (p *Pool) park(w *worker) bool {
	p.mu.Lock()
	p.seeking.Add(-1)
	p.extra = 0
	p.count()
	if p.closed || w.lane == 0 && p.alive-p.stuck > len(p.lanes) {
		p.mu.Unlock()
		return false
	}
	if w.large() {
		p.arm() // the monitor will trim
	}
	p.parked = append(p.parked, w)
	p.count()
	if p.waiting() || p.closing {
		p.unpark()
		ends := !p.waiting()
		if !ends {
			p.seeking.Add(1)
		}
		p.mu.Unlock()
		return !ends
	}
	p.mu.Unlock()
	<-w.wake
	return !w.retired
}

// cameBack is called by a worker that was taken for blocked.
func (p *Pool) cameBack(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unstick(w)
	if p.alive-p.stuck > len(p.lanes)+p.extra {
		p.retire()
	}
}

func (p *Pool) unstick(w *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck {
		w.stuck = false
		p.stuck--
		p.count()
	}
}

// retire ends a spare that is parked, if there is one. Those that run find out by
// themselves.
func (p *Pool) retire() {
	for i, w := range p.parked {
		if w.lane == 0 {
			p.parked = slices.Delete(p.parked, i, i+1)
			p.count()
			w.retired = true
			w.wake <- struct{}{}
			return
		}
	}
}

// surplus tells a spare that it can go, since a blocked worker has come back.
func (p *Pool) surplus() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive-p.stuck > len(p.lanes)+p.extra
}

// end removes a worker's goroutine.
func (p *Pool) end(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unstick(w)
	w.mu.Lock()
	w.turns++
	w.disown()
	w.mu.Unlock()
	w.alive, w.id = false, 0
	p.alive--
	delete(p.spares, w)
	p.count()
	if p.waiting() {
		p.rouseLocked(w)
	}
	p.finishClose()
}
