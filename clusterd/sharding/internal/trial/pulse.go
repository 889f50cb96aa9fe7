package trial

import (
	"sync"
	"time"
)

// pulse is a goroutine that sleeps a little, again and again, and notes how late it
// wakes: what the machine takes from everybody, so that it is not counted as ours.
type pulse struct {
	quit chan struct{}
	done sync.WaitGroup

	mu   sync.Mutex
	late time.Duration // under mu
}

// beat is how long the pulse sleeps.
const beat = 5 * time.Millisecond

func startPulse() *pulse {
	p := &pulse{quit: make(chan struct{})}
	p.done.Go(p.run)
	return p
}

func (p *pulse) run() {
	timer := time.NewTicker(beat)
	defer timer.Stop()
	for last := time.Now(); ; {
		select {
		case <-timer.C:
		case <-p.quit:
			return
		}
		now := time.Now()
		p.mu.Lock()
		p.late = max(p.late, now.Sub(last)-beat)
		p.mu.Unlock()
		last = now
	}
}

// take returns the most since the last call.
func (p *pulse) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := p.late
	p.late = 0
	return late
}

func (p *pulse) stop() {
	close(p.quit)
	p.done.Wait()
}
