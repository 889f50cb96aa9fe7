package mailbox

import "time"

// arm starts the monitor: at its next look, a worker that is still in the run it
// is in now counts as blocked.
func (p *Pool) arm() {
	if p.armed {
		return
	}
	p.armed = true
	p.returnedSeen = p.returned
	for _, w := range p.workers {
		w.seen = w.runs
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(stuckAfter, p.monitor)
	} else {
		p.timer.Reset(stuckAfter)
	}
}

func (p *Pool) disarm() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.armed = false
}

// monitor is the timer's goroutine. It looks for blocked workers, sends for
// spares, and ends unless runs still wait.
func (p *Pool) monitor() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.armed = false
	if p.queue.n == 0 {
		p.extra = 0
		return
	}
	p.markStuck()
	p.grow()
	p.rouse()
	if p.queue.n > 0 {
		p.arm()
	}
}

// markStuck counts the workers that have not come back since the last look.
func (p *Pool) markStuck() {
	for _, w := range p.workers {
		if !w.stuck && !w.parked && !w.starting && w.runs == w.seen {
			w.stuck = true
			p.stuck++
		}
	}
}

// grow allows twice as many spares as last time if nobody has come back since the
// last look, and none beyond the pool's size otherwise.
func (p *Pool) grow() {
	if p.returned != p.returnedSeen {
		p.extra = 0
		return
	}
	p.extra = min(max(1, 2*p.extra), maxSpares)
}
