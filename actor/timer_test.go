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
