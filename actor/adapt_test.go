package actor_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func TestAdaptMapsAndPassesOn(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[int](k)
		ref := actor.Adapt(p.Ref(), atoi)
		ref.Tell("7")
		p.Want(7)
		if err := ref.Send(k.Context(), "8"); err != nil {
			k.Error(err)
		}
		p.Want(8)
		go func() {
			p.Next()
			p.Reply("nine")
		}()
		if got := actortest.Ask[string](k, ref.With("9")); got != "nine" {
			k.Errorf("answer = %q, want nine", got)
		}
	})
}

// An adapter has a text like any other ref.
func TestAdaptSurvivesItsText(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[int](k)
		ref := actor.Adapt(p.Ref(), atoi)
		parsed, err := actor.ParseRef[string](k.System(), ref.String())
		if err != nil {
			k.Fatal(err)
		}
		parsed.Tell("7")
		p.Want(7)
		k.System().Deliver(ref.PID().Id, nil, "8") // as remote does
		p.Want(8)
	})
}

func TestAdaptRefuses(t *testing.T) {
	tests := []struct {
		name string
		send func(k *actortest.Kit, ref actor.Ref[string]) error
		want error
	}{
		{"f panics", func(k *actortest.Kit, ref actor.Ref[string]) error {
			_, err := actor.Ask[int](k.Context(), ref.With("x"))
			return err
		}, actor.ErrMessageType},
		{"f panics in Send", func(k *actortest.Kit, ref actor.Ref[string]) error {
			return ref.Send(k.Context(), "x")
		}, actor.ErrMessageType},
		{"another type", func(k *actortest.Kit, ref actor.Ref[string]) error {
			_, err := actor.Ask[int](k.Context(), actor.RefOf[bool](k.System(), ref.PID()).With(true))
			return err
		}, actor.ErrMessageType},
		{"ended", func(k *actortest.Kit, ref actor.Ref[string]) error {
			k.Stop(ref)
			_, err := actor.Ask[int](k.Context(), ref.With("7"))
			return err
		}, actor.ErrStopped},
		{"ended, in Send", func(k *actortest.Kit, ref actor.Ref[string]) error {
			ref.Tell("7")
			k.Stop(ref)
			return ref.Send(k.Context(), "7")
		}, actor.ErrStopped},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				p := actortest.NewProbe[int](k)
				wantErr(t, test.send(k, actor.Adapt(p.Ref(), atoi)), test.want)
			})
		})
	}
}

// An adapter ends with its actor, and leaves nothing behind.
func TestAdaptEndsWithItsActor(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		before := registered(k)
		target := actortest.Spawn(k, actor.Func(func(*actor.Context[int], int) error { return nil }))
		watcher := actortest.NewProbe[int](k)
		refs := make([]actor.Ref[string], 100)
		for i := range refs {
			refs[i] = actor.Adapt(target, atoi)
		}
		watcher.Watch(refs[0])
		k.Stop(target)
		if got := watcher.WantTerminated(refs[0]); got.Why != nil {
			k.Errorf("why = %v, want nil", got.Why)
		}
		if got := watcher.WantTerminated(refs[1]); !errors.Is(got.Why, actor.ErrNoActor) {
			k.Errorf("why = %v, want ErrNoActor", got.Why)
		}
		k.Settle()
		if after := registered(k); after != before+1 { // the watcher
			k.Errorf("%d processes are registered, want %d", after, before+1)
		}
		if l := actor.Adapt(target, atoi); l.IsZero() {
			k.Error("an adapter to a stopped actor is the zero Ref")
		}
		k.Settle()
		if after := registered(k); after != before+1 {
			k.Errorf("an adapter to a stopped actor stays registered")
		}
	})
}

// Stopping an adapter does not stop the actor behind it.
func TestAdaptStopsAlone(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p, watcher := actortest.NewProbe[int](k), actortest.NewProbe[int](k)
		ref := actor.Adapt(p.Ref(), atoi)
		watcher.Watch(ref)
		k.Stop(ref)
		watcher.WantTerminated(ref)
		p.Ref().Tell(1)
		p.Want(1)
	})
}

func TestAdaptToNobody(t *testing.T) {
	if ref := actor.Adapt(actor.Ref[int]{}, atoi); !ref.IsZero() {
		t.Errorf("Adapt to the zero Ref = %v, want the zero Ref", ref)
	}
	sys := newSystem(t, actor.Config{Small: true})
	if ref := actor.Adapt(actor.EntityRef[int](sys, "room", "go"), atoi); ref.IsZero() {
		t.Error("Adapt to an entity is the zero Ref")
	}
}

func registered(k *actortest.Kit) (n int) {
	for _, bucket := range k.System().Proto().ProcessRegistry.LocalPIDs.LocalPIDs {
		n += bucket.Count()
	}
	return n
}
