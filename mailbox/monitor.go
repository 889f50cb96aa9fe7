package mailbox

import (
	"slices"
	"time"
)

// watch sees to it that the monitor looks before long.
func (p *Pool) watch() {
	if p.armed.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arm()
}

// arm starts the monitor: at its next look, a worker that is still in the turn it
// is in now counts as blocked.
func (p *Pool) arm() {
	if p.closed || p.armed.Swap(true) {
		return
	}
	p.each(func(w *worker) { w.seen = w.turns })
	if p.timer == nil {
		p.timer = time.AfterFunc(stuckAfter, p.look)
	} else {
		p.timer.Reset(stuckAfter)
	}
}

func (p *Pool) disarm() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.armed.Store(false)
}

// look is the monitor, on its timer's goroutine. It exists only while runs wait
// for workers that are busy: it finds those that are blocked, and sends for
// others in their place.
func (p *Pool) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.armed.Store(false)
	if !p.pending() {
		p.rest()
		return
	}
	if p.markStuck() {
		p.extra = 0
	} else {
		p.extra = min(max(1, 2*p.extra), maxSpares)
	}
	p.count()
	if p.waiting() {
		p.rouseLocked(nil)
	}
	if p.pending() {
		p.arm()
	}
}

// rest is the monitor's last look, when nothing waits any more.
func (p *Pool) rest() {
	p.extra = 0
	p.count()
	p.each(func(w *worker) { w.ring.trim() })
}

// pending tells whether anything waits, be it for its lane's owner.
func (p *Pool) pending() bool {
	return slices.ContainsFunc(p.lanes, (*worker).pending)
}

// markStuck finds the workers that have not come back since the last look, and
// tells whether any has.
func (p *Pool) markStuck() (progress bool) {
	p.each(func(w *worker) {
		switch {
		case w.turns != w.seen:
			progress = true
		case w.busy && !w.stuck:
			w.stuck = true
			p.stuck++
			w.disown()
		}
	})
	return progress
}

// each visits the workers that have a goroutine.
func (p *Pool) each(visit func(*worker)) {
	one := func(w *worker) {
		w.mu.Lock()
		defer w.mu.Unlock()
		visit(w)
	}
	for _, w := range p.lanes {
		if w.alive {
			one(w)
		}
	}
	for w := range p.spares {
		one(w)
	}
}
