package actor_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/pando-go/pando/actor"
)

// TestWithContext: a behavior's context ends with the one that WithContext names,
// and the next one is a child of what it names then.
func TestWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		sys := newSystem(t, actor.Config{})
		seen := make(chan context.Context, 3)
		a, err := actor.Spawn(sys, "a", actor.Func(func(c *actor.Context[int], _ int) error {
			seen <- c.Context()
			return nil
		}), actor.WithContext(func() context.Context { return parent }))
		if err != nil {
			t.Fatal(err)
		}
		a.Tell(1)
		a.Tell(2)
		first := <-seen
		if second := <-seen; second != first {
			t.Error("got another context while the parent lives")
		}
		cancel()
		if first.Err() == nil {
			t.Error("the context outlives its parent")
		}
		parent = t.Context()
		a.Tell(3)
		if next := <-seen; next.Err() != nil {
			t.Errorf("the next context: got %v, want one that lives", next.Err())
		}
	})
}
