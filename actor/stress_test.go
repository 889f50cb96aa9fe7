package actor_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pando-go/pando/actor"
)

// TestStress spawns, watches, asks, fails and stops from many goroutines at once.
// Every ask ends in a way that Ask promises, and Close leaves nothing behind.
func TestStress(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	parent := spawn(t, sys, "parent", doer, actor.WithSupervisor(actor.Backoff{Min: 1, Max: 1}))
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 7))
			for range 150 {
				stressOnce(t, rng, sys, parent)
			}
		})
	}
	wg.Wait()
}

func stressOnce(t *testing.T, rng *rand.Rand, sys *actor.System, parent actor.Ref[any]) {
	ref, err := actor.Spawn(sys, "", actor.Func(doer), actor.WithSupervisor(actor.Backoff{Min: 1, Max: 1}))
	if err != nil {
		t.Error(err)
		return
	}
	parent.Tell(do(func(c *actor.Context[any]) { c.Watch(ref) }))
	stops := rng.IntN(3) == 0
	if stops {
		go in(ref, func(c *actor.Context[any]) { c.Stop() })
	}
	if rng.IntN(3) == 0 {
		ref.Tell(errBoom)
	}
	got, err := actor.Ask[int](t.Context(), ref.With(7))
	if stops && errors.Is(err, actor.ErrStopped) {
		return
	}
	if got != 7 || err != nil {
		t.Errorf("answer = %d, %v, want 7", got, err)
	}
	if rng.IntN(2) == 0 {
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
}
