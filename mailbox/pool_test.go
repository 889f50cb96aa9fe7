package mailbox

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBlockedWorkersAreCompensated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, 0)
		const blockers = 500
		release := make(chan struct{})
		for range blockers {
			p.Schedule(func() { <-release })
		}
		begun := time.Now()
		ran := make(chan struct{})
		p.Schedule(func() { close(ran) })
		<-ran
		if d := time.Since(begun); d > 20*stuckAfter {
			t.Errorf("a run waited %v behind %d blocked ones", d, blockers)
		}
		close(release)
		synctest.Wait()
		p.mu.Lock()
		if len(p.workers) > p.size || p.stuck != 0 {
			t.Errorf("after the blocked ones returned: %d workers, %d stuck, want at most %d and 0", len(p.workers), p.stuck, p.size)
		}
		p.mu.Unlock()
		p.Close()
	})
}

func TestBlockedPoolHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		release := make(chan struct{})
		p.Schedule(func() { <-release })
		p.Schedule(func() { <-release })
		time.Sleep(time.Hour)
		p.mu.Lock()
		if p.armed {
			t.Error("the monitor lives although nothing waits")
		}
		p.mu.Unlock()
		close(release)
		p.Close()
	})
}

func TestWorkersNeverExceedTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(3, 0)
		var now, most atomic.Int32
		for range 1000 {
			p.Schedule(func() {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				now.Add(-1)
			})
		}
		p.Close()
		if got := most.Load(); got > 3 {
			t.Errorf("%d runs at a time, want at most 3", got)
		}
	})
}

func TestCloseRunsWhatWasScheduled(t *testing.T) {
	p := NewPool(2, 0)
	var ran atomic.Int32
	for range 100 {
		p.Schedule(func() {
			ran.Add(1)
			p.Schedule(func() { ran.Add(1) })
		})
	}
	p.Close()
	if got := ran.Load(); got != 200 {
		t.Errorf("%d runs before Close returned, want 200", got)
	}
	p.Schedule(func() { t.Error("ran after Close") })
	p.Close()
}

func TestCloseOfAnUnusedPool(t *testing.T) { NewPool(0, 0).Close() }

func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		release := make(chan struct{})
		p.Schedule(func() { <-release })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v, want deadline exceeded", err)
		}
		p.Schedule(func() { t.Error("ran after Shutdown gave up") })
		close(release)
		p.Close() // now it can wait for the last worker
	})
}

func TestRunQueueGivesUpABurst(t *testing.T) {
	var q runQueue
	for range 10 * keepRing {
		q.push(func() {})
	}
	for q.n > 0 {
		q.pop()
	}
	if len(q.ring) > keepRing {
		t.Errorf("an empty queue keeps %d slots, want at most %d", len(q.ring), keepRing)
	}
}
