package actor_test

import (
	"errors"
	"testing"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/mailbox"
)

// A small system does what a full one does.
func TestSmallSystem(t *testing.T) {
	for _, small := range []bool{false, true} {
		name := map[bool]string{false: "full", true: "small"}[small]
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t, actor.Config{Name: "x", Address: "10.0.0.1:7001", UID: 7, Small: small})
			dead := collect(sys)
			ref := spawn(t, sys, "a", func(c *actor.Context[int], n int) error { c.Reply(n); return nil })
			if got, want := ref.String(), "pando://x@10.0.0.1:7001/a"; got != want {
				t.Errorf("ref = %s, want %s", got, want)
			}
			if got := ask[int](t, ref, 3); got != 3 {
				t.Errorf("answer = %d, want 3", got)
			}
			if err := actor.Stop(soon(t), ref); err != nil {
				t.Error(err)
			}
			_, err := actor.Ask[int](soon(t), ref.With(1))
			if !errors.Is(err, actor.ErrNoActor) || len(dead.list()) != 1 {
				t.Errorf("after the stop: %v and %d dead letters, want ErrNoActor and one", err, len(dead.list()))
			}
			if _, err := actor.Spawn(sys, "b", func() actor.Behavior[int] { panic("no") }); err == nil {
				t.Error("no error from a constructor that panics")
			}
		})
	}
}

// Small systems share a template, and nothing that changes.
func TestSmallSystemsAreApart(t *testing.T) {
	a, b := newSystem(t, actor.Config{Small: true}), newSystem(t, actor.Config{Small: true})
	first := spawn(t, a, "same", func(c *actor.Context[int], _ int) error { c.Reply("a"); return nil })
	second := spawn(t, b, "same", func(c *actor.Context[int], _ int) error { c.Reply("b"); return nil })
	if err := a.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, second, 1); got != "b" {
		t.Errorf("answer = %q, want b", got)
	}
	_, err := actor.Ask[string](soon(t), first.With(1))
	wantErr(t, err, actor.ErrStopped)
}

// Two systems run on one pool, which outlives both.
func TestSharedDispatcher(t *testing.T) {
	pool := mailbox.NewPool(1, 1)
	for _, name := range []string{"one", "two"} {
		sys := newSystem(t, actor.Config{Name: name, Small: true, Dispatcher: pool})
		ref := spawn(t, sys, "", func(c *actor.Context[int], _ int) error { c.Reply(c.System().Name()); return nil })
		if got := ask[string](t, ref, 1); got != name {
			t.Errorf("answer = %q, want %q", got, name)
		}
		if err := sys.Close(soon(t)); err != nil {
			t.Error(err)
		}
	}
	pool.Close()
}
