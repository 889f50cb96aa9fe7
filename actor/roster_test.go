package actor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// TestAnonymousActorIsFoundOnceItsPIDIsKnown, and as long as it lives.
func TestAnonymousActorIsFoundOnceItsPIDIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, got := newSystem(t, actor.Config{}), 0
		ref := spawn(t, sys, "", func(_ *actor.Context[int], m int) error { got += m; return nil })
		sys.Proto().Root.Send(ref.PID(), 1)
		again, err := actor.ParseRef[int](sys, ref.String())
		if err != nil {
			t.Fatal(err)
		}
		again.Tell(10)
		synctest.Wait()
		if got != 11 {
			t.Errorf("received %d, want 11", got)
		}
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		_, err = actor.Ask[int](t.Context(), again.With(1))
		wantErr(t, err, actor.ErrStopped)
	})
}

// TestPIDOfAnActorThatEnds: its first PID is asked for while it stops, and nothing
// of it stays in the registry.
func TestPIDOfAnActorThatEnds(t *testing.T) {
	sys := newSystem(t, actor.Config{Small: true})
	for range 2000 {
		ref := spawn(t, sys, "", func(*actor.Context[int], int) error { return nil })
		pids := make(chan *pa.PID, 2)
		var wg sync.WaitGroup
		for range cap(pids) {
			wg.Go(func() { pids <- ref.PID() })
		}
		wg.Go(func() { _ = actor.Stop(t.Context(), ref) })
		wg.Wait()
		first, second := <-pids, <-pids
		if first != second {
			t.Fatalf("PIDs %p and %p, want one", first, second)
		}
		if _, ok := sys.Proto().ProcessRegistry.GetLocal(first.Id); ok {
			t.Fatalf("%s has stopped, and is registered", first.Id)
		}
	}
	if n := len(actor.Registered(sys)); n != 0 {
		t.Errorf("%d actors are left, want none", n)
	}
}

// TestStopOfAnIdleActorLosesNothing: while one goroutine ends the actor itself,
// others tell it something, and stop it too. Each message is received or a dead
// letter, and each Stop returns.
func TestStopOfAnIdleActorLosesNothing(t *testing.T) {
	const tellers, each = 2, 20
	sys := newSystem(t, actor.Config{Small: true})
	for range 500 {
		before := sys.DeadLetters().Stopped
		var got atomic.Int64
		ref := spawn(t, sys, "", func(*actor.Context[int], int) error { got.Add(1); return nil })
		var wg sync.WaitGroup
		for range tellers {
			wg.Go(func() {
				for i := range each {
					ref.Tell(i)
				}
			})
			wg.Go(func() {
				if err := actor.Stop(soon(t), ref); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := actor.Ask[int](soon(t), ref.With(0)); err == nil {
			t.Fatal("the actor answers after its stop")
		}
		buried := int64(sys.DeadLetters().Stopped-before) - 1 // but the ask
		if got.Load()+buried != tellers*each {
			t.Fatalf("%d received and %d buried, want %d in all", got.Load(), buried, tellers*each)
		}
	}
}

// TestStopRunsUserCodeElsewhere: what an actor does at its end may take its time,
// and Stop returns when its context does.
func TestStopRunsUserCodeElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, release := newSystem(t, actor.Config{}), make(chan struct{})
		ref := spawnB(t, sys, "", func() actor.Behavior[int] { return &lingerer{release: release} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, actor.Stop(ctx, ref), context.DeadlineExceeded)
		close(release)
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
	})
}

// lingerer takes until it is released to stop.
type lingerer struct{ release chan struct{} }

func (*lingerer) Receive(*actor.Context[int], int) error { return nil }
func (l *lingerer) Stopped(*actor.Context[int], error)   { <-l.release }

// TestFaultOfAnAskedMessage: the envelope in which a question travels is used
// again at once, and a panic must not be blamed on what is in it then.
func TestFaultOfAnAskedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		var faults []any
		defer sys.Subscribe(func(e any) {
			if f, ok := e.(*actor.Fault); ok {
				faults = append(faults, f.Message)
			}
		})()
		fails := func(c pa.Context) {
			if m, ok := c.Message().(string); ok {
				panic(m)
			}
		}
		typed := spawn(t, sys, "", func(_ *actor.Context[string], m string) error { panic(m) })
		plain := actor.RefOf[string](sys, sys.Proto().Root.Spawn(actor.CellFunc(fails)))
		for _, ref := range []actor.Ref[string]{typed, plain} {
			_, err := actor.Ask[int](t.Context(), ref.With("question"))
			if f, ok := err.(*actor.Failure); !ok || f.Code != "panic" {
				t.Errorf("error = %v, want a *Failure of a panic", err)
			}
			synctest.Wait() // the answer comes before the event
		}
		if len(faults) != 2 || faults[0] != "question" || faults[1] != "question" {
			t.Errorf("faults at %v, want two at the question", faults)
		}
	})
}
