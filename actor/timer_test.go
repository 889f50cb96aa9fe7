package actor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
)

func TestAfterAndEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		in(ref, func(c *actor.Context[any]) {
			c.After(1500*time.Millisecond, "once")
			c.Every(time.Second, "tick")
		})
		time.Sleep(3500 * time.Millisecond)
		d.want(t, "started", "tick", "once", "tick", "tick")
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.want(t, "stopped")
	})
}

// TestStoppedTimerNeverDelivers, not even when its message is queued.
func TestStoppedTimerNeverDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		in(ref, func(c *actor.Context[any]) {
			once, tick := c.After(time.Second, "once"), c.Every(time.Second, "tick")
			time.Sleep(5 * time.Second) // both have fired
			once.Stop()
			tick.Stop()
			actor.Timer{}.Stop()
		})
		time.Sleep(time.Minute)
		d.want(t, "started")
	})
}

func TestSlowActorIsNotBuriedInTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		in(ref, func(c *actor.Context[any]) {
			c.Every(time.Second, "tick")
			time.Sleep(100*time.Second + time.Millisecond)
		})
		time.Sleep(101500 * time.Millisecond)
		d.want(t, "started", "tick", "tick")
	})
}

func TestRestartEndsTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		in(ref, func(c *actor.Context[any]) { c.Every(time.Second, "tick") })
		ref.Tell(errBoom)
		time.Sleep(time.Minute)
		d.want(t, "started", "stopped: boom", "started")
	})
}

// TestStoppedTimersAreForgotten: an actor may set a timer for each message and stop
// it at the next, for ever.
func TestStoppedTimersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		ref := spawn(t, sys, "", doer)
		in(ref, func(c *actor.Context[any]) {
			for range 100 {
				c.After(time.Hour, "late").Stop()
				c.Every(time.Hour, "tick").Stop()
				c.Idle(time.Hour, "idle").Stop()
			}
			c.After(time.Second, "soon")
			last := c.After(time.Hour, "late")
			go last.Stop() // Stop may come from anywhere
		})
		synctest.Wait()
		if n := actor.LiveTimers(ref); n != 1 {
			t.Errorf("%d timers, want the one that will ring", n)
		}
		time.Sleep(time.Minute)
		if n := actor.LiveTimers(ref); n != 0 {
			t.Errorf("%d timers, want none", n)
		}
	})
}
