package mailbox

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counts shows a pool's numbers of goroutines.
func counts(p *Pool) (alive, stuck int, armed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive, p.stuck, p.armed.Load()
}

func TestBlockedWorkersAreCompensated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, blockers = 2, 500
		p := NewPool(workers, 0)
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
		if alive, stuck, _ := counts(p); alive > workers || stuck != 0 {
			t.Errorf("after the blocked ones returned: %d workers, %d stuck, want at most %d and 0", alive, stuck, workers)
		}
		p.Close()
	})
}

// TestAskInsideAnActor has an actor wait for another that it has just written to:
// the message is in front of the lane whose owner blocks.
func TestAskInsideAnActor(t *testing.T) {
	for _, workers := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPool(workers, 0)
			defer p.Close()
			answer := make(chan struct{})
			b := newBox(Unbounded(), &quiet{onUser: func(any) { answer <- struct{}{} }}, p)
			rounds, done := 100, make(chan struct{})
			a := newBox(Unbounded(), &quiet{onUser: func(any) {
				for range rounds {
					b.PostUserMessage(nil)
					<-answer
				}
				close(done)
			}}, p)
			begun := time.Now()
			a.PostUserMessage(nil)
			<-done
			if d := time.Since(begun); d > 2*stuckAfter {
				t.Errorf("%d workers: %d questions took %v, want one detection at most", workers, rounds, d)
			}
		})
	}
}

// TestBusyFrontIsNotForgotten wears the wake-ups of a lane down to where they are
// left out, and then has its owner block with a run in front.
func TestBusyFrontIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, 0)
		defer p.Close()
		release, ran := make(chan struct{}), make(chan struct{})
		p.Schedule(func() {
			w := p.lanes[0]
			if !w.busy {
				w = p.lanes[1]
			}
			for range 20 {
				w.judge(false)
			}
			b := newBox(Unbounded(), &quiet{onUser: func(any) { close(ran) }}, p)
			b.lane = w.lane
			b.PostUserMessage(nil)
			<-release
		})
		begun := time.Now()
		<-ran
		if d := time.Since(begun); d == 0 || d > 2*stuckAfter {
			t.Errorf("a run waited %v in front of a blocked worker, want more than 0 and at most %v", d, 2*stuckAfter)
		}
		close(release)
	})
}

func TestComputingWorkersDoNotStarveOthers(t *testing.T) {
	p := NewPool(2, 0)
	defer p.Close()
	var stop atomic.Bool
	for range 4 {
		p.Schedule(func() {
			for !stop.Load() {
				runtime.Gosched()
			}
		})
	}
	ran := make(chan struct{})
	p.Schedule(func() { close(ran) })
	<-ran
	stop.Store(true)
}

// TestPingPongDoesNotStarveOthers has two actors keep a lane's front busy for as
// long as a third one, further behind, has not run.
func TestPingPongDoesNotStarveOthers(t *testing.T) {
	p := NewPool(1, 0)
	defer p.Close()
	var third atomic.Bool
	var ping, pong *Box
	ping = newBox(Unbounded(), &quiet{onUser: func(any) {
		if !third.Load() {
			pong.PostUserMessage(nil)
		}
	}}, p)
	pong = newBox(Unbounded(), &quiet{onUser: func(any) { ping.PostUserMessage(nil) }}, p)
	ping.PostUserMessage(nil)
	for range 100 {
		done := make(chan struct{})
		newBox(Unbounded(), &quiet{onUser: func(any) { close(done) }}, p).PostUserMessage(nil)
		<-done
	}
	third.Store(true)
}

func TestBlockedPoolHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		release := make(chan struct{})
		p.Schedule(func() { <-release })
		p.Schedule(func() { <-release })
		time.Sleep(time.Hour)
		if _, _, armed := counts(p); armed {
			t.Error("the monitor lives although nothing waits")
		}
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

// TestWorkIsStolen has one turn fill its own lane: the other workers must help.
func TestWorkIsStolen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 4
		p := NewPool(workers, 0)
		defer p.Close()
		release, all := make(chan struct{}), make(chan struct{})
		var in atomic.Int32
		p.Schedule(func() {
			for range workers - 1 {
				p.Schedule(func() {
					if in.Add(1) == workers-1 {
						close(all)
					}
					<-release
				})
			}
			<-release
		})
		begun := time.Now()
		<-all
		if d := time.Since(begun); d > 2*stuckAfter {
			t.Errorf("%d workers took up %d runs after %v", workers-1, workers-1, d)
		}
		close(release)
	})
}

func TestGoexitDoesNotLoseTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		var ran atomic.Int32
		p.Schedule(func() {
			for range 10 {
				p.Schedule(func() {
					ran.Add(1)
					runtime.Goexit()
				})
			}
			runtime.Goexit()
		})
		p.Close()
		if got := ran.Load(); got != 10 {
			t.Errorf("%d runs after Goexit, want 10", got)
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

func TestCloseWaitsForWhatIsStillToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(4, 0)
		left := 50
		var next func()
		next = func() {
			time.Sleep(10 * time.Millisecond)
			if left--; left > 0 {
				p.Schedule(next)
			}
		}
		p.Schedule(next)
		p.Close()
		if left != 0 {
			t.Errorf("Close returned with %d runs to come", left)
		}
	})
}

func TestCloseOfAnUnusedPool(t *testing.T) { NewPool(0, 0).Close() }

func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		release := make(chan struct{})
		p.Schedule(func() { <-release })
		p.Schedule(func() {
			<-release
			p.Schedule(func() { t.Error("ran after Shutdown gave up, from an actor") })
		})
		synctest.Wait()
		time.Sleep(time.Second)
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

func TestLaneGivesUpABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 0)
		defer p.Close()
		for range 10 * keepRing {
			p.Schedule(func() {})
		}
		time.Sleep(time.Second)
		if w := p.lanes[0]; w.large() {
			t.Errorf("an idle lane keeps %d slots, want at most %d", len(w.ring.ring), keepRing)
		}
	})
}
