package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// lamp tells of its life.
type lamp struct{ say func(...any) }

func (l *lamp) Started(*actor.Context[string]) error { l.say("started"); return nil }

func (l *lamp) Receive(_ *actor.Context[string], m string) error {
	l.say("got", m)
	if m == "a stone" {
		return errors.New("broken glass")
	}
	return nil
}

func (l *lamp) Stopped(_ *actor.Context[string], cause error) { l.say("stopped, cause:", cause) }

// A behavior may also implement Starter, Stopper and Watcher. After a failure a
// new one takes its place.
func ExampleBehavior() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(ctx)
	ref, _ := actor.Spawn(sys, "lamp", func() actor.Behavior[string] {
		return &lamp{func(words ...any) { fmt.Println(words...) }}
	})
	for _, m := range []string{"power", "a stone", "power again"} {
		ref.Tell(m)
	}
	_ = actor.Stop(ctx, ref)
	// Output:
	// started
	// got power
	// got a stone
	// stopped, cause: broken glass
	// started
	// got power again
	// stopped, cause: <nil>
}

// Actors spawned by an actor are its children: they stop with it.
func ExampleSpawn() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Name: "demo", Address: "10.0.0.1:7001"})
	defer sys.Close(ctx)
	parent, _ := actor.Spawn(sys, "parent", actor.Func(func(c *actor.Context[string], name string) error {
		child, err := actor.Spawn(c, name, actor.Func(func(*actor.Context[int], int) error { return nil }))
		if err != nil {
			return err // the asker gets it as a *Failure
		}
		c.Reply(child.String())
		return nil
	}))
	fmt.Println(actor.Ask[string](ctx, parent.With("child")))
	_, err := actor.Spawn(sys, "parent", actor.Func(func(*actor.Context[int], int) error { return nil }))
	fmt.Println(errors.Is(err, actor.ErrNameTaken))
	// Output:
	// pando://demo@10.0.0.1:7001/parent/child <nil>
	// true
}

// Stop lets an actor finish what is queued.
func ExampleStop() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	sum := 0
	adder, _ := actor.Spawn(sys, "adder", actor.Func(func(_ *actor.Context[int], n int) error {
		sum += n
		return nil
	}))
	for n := range 101 {
		adder.Tell(n)
	}
	err := actor.Stop(ctx, adder)
	fmt.Println(sum, err)
	// Output: 5050 <nil>
}

// A supervisor decides by the failure what becomes of the actor.
func ExampleSupervisorFunc() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(ctx)
	errTypo := errors.New("typo")
	tolerant := actor.SupervisorFunc(func(f actor.Fault) actor.Decision {
		if errors.Is(f.Err, errTypo) {
			return actor.Resume() // keeps its state
		}
		return actor.Restart(0)
	})
	lines := func() actor.Behavior[string] {
		n := 0
		return actor.Func(func(c *actor.Context[string], m string) error {
			switch m {
			case "tpyo":
				return errTypo
			case "crash":
				panic("no more paper")
			}
			n++
			c.Reply(n)
			return nil
		})()
	}
	ref, _ := actor.Spawn(sys, "lines", lines, actor.WithSupervisor(tolerant))
	for _, m := range []string{"one", "tpyo", "two", "crash", "one again"} {
		n, err := actor.Ask[int](ctx, ref.With(m))
		fmt.Println(m, n, err)
	}
	// Output:
	// one 1 <nil>
	// tpyo 0 typo
	// two 2 <nil>
	// crash 0 panic: no more paper
	// one again 1 <nil>
}

// Backoff with a limit gives an actor up.
func ExampleBackoff() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(ctx)
	ref, _ := actor.Spawn(sys, "", actor.Func(func(*actor.Context[int], int) error { return errors.New("no") }),
		actor.WithSupervisor(actor.Backoff{Min: 1, Limit: 2}))
	for n := range 4 {
		_, err := actor.Ask[int](ctx, ref.With(n))
		fmt.Println(err != nil, errors.Is(err, actor.ErrStopped))
	}
	// Output:
	// true false
	// true false
	// true false
	// true true
}

// What cannot be delivered is published, with the reason.
func ExampleDeadLetter() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	sys.Proto().EventStream.Subscribe(func(event any) {
		if l, ok := event.(*actor.DeadLetter); ok {
			fmt.Printf("%v: %v\n", l.Message, l.Reason)
		}
	})
	ref, _ := actor.Spawn(sys, "", actor.Func(func(*actor.Context[string], string) error { return nil }))
	_ = actor.Stop(ctx, ref)
	ref.Tell("too late")
	fmt.Println(sys.DeadLetters().Stopped)
	// Output:
	// too late: actor: stopped
	// 1
}

// A kind is what other nodes can start by its name.
func ExampleKind() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	greeter := actor.NewKind("greeter", func(id string) actor.Behavior[string] {
		return actor.Func(func(c *actor.Context[string], who string) error {
			c.Reply(id + " greets " + who)
			return nil
		})()
	})
	_ = sys.Register(greeter)
	pid, _ := sys.SpawnKind("greeter", "Ada", "") // what remote does when another node asks
	fmt.Println(actor.Ask[string](ctx, actor.RefOf[string](sys, pid).With("Grace")))
	// Output: Ada greets Grace <nil>
}

// Plain protoactor actors and typed ones talk to each other.
func ExampleRefOf() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	plain := pa.PropsFromFunc(func(c pa.Context) {
		if n, ok := c.Message().(int); ok {
			c.Respond(n * n)
		}
	})
	square := actor.RefOf[int](sys, sys.Proto().Root.Spawn(plain))
	fmt.Println(actor.Ask[int](ctx, square.With(9)))
	// Output: 81 <nil>
}

// A running protoactor program gets refs, asks and typed actors.
func ExampleAdopt() {
	ctx := context.Background()
	ps := pa.NewActorSystem(pa.WithLoggerFactory(func(*pa.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	defer ps.Shutdown()
	sys, _ := actor.Adopt(ps, actor.Config{})
	defer sys.Close(ctx)
	typed := ps.Root.Spawn(actor.Props(actor.Func(func(c *actor.Context[int], n int) error {
		c.Reply(n + 1)
		return nil
	})))
	fmt.Println(actor.Ask[int](ctx, actor.RefOf[int](sys, typed).With(1)))
	// Output: 2 <nil>
}
