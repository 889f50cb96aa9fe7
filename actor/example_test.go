package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pando-go/pando/actor"
)

type Hello struct{ Name string }

// One actor, one question.
func Example() {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{})
	if err != nil {
		panic(err)
	}
	defer sys.Close(ctx)
	greeter, err := actor.Spawn(sys, "greeter", actor.Func(func(c *actor.Context[Hello], m Hello) error {
		c.Reply("hello " + m.Name)
		return nil
	}))
	if err != nil {
		panic(err)
	}
	fmt.Println(actor.Ask[string](ctx, greeter.With(Hello{"Ada"})))
	// Output: hello Ada <nil>
}

// counter is a behavior with state.
type counter struct{ n int }

func (b *counter) Receive(c *actor.Context[int], add int) error {
	if add < 0 {
		return errors.New("counters only grow")
	}
	b.n += add
	c.Reply(b.n)
	return nil
}

// A behavior that fails is replaced by a new one; who asked is told.
func ExampleAsk() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(ctx)
	ref, _ := actor.Spawn(sys, "counter", func() actor.Behavior[int] { return &counter{} })

	fmt.Println(actor.Ask[int](ctx, ref.With(2)))
	_, err := actor.Ask[int](ctx, ref.With(-1))
	var failure *actor.Failure
	fmt.Println(errors.As(err, &failure), err)
	fmt.Println(actor.Ask[int](ctx, ref.With(1)))
	_ = actor.Stop(ctx, ref)
	_, err = actor.Ask[int](ctx, ref.With(1))
	fmt.Println(errors.Is(err, actor.ErrNoActor))
	// Output:
	// 2 <nil>
	// true counters only grow
	// 1 <nil>
	// true
}

// A Ref crosses the wire, and goes into maps, as its text.
func ExampleParseRef() {
	sys, _ := actor.NewSystem(actor.Config{Name: "chat", Address: "10.0.0.1:7001"})
	defer sys.Close(context.Background())
	ref, _ := actor.Spawn(sys, "greeter", actor.Func(func(*actor.Context[Hello], Hello) error { return nil }))
	fmt.Println(ref)
	same, err := actor.ParseRef[Hello](sys, "pando://chat@10.0.0.1:7001/greeter")
	fmt.Println(same.String() == ref.String(), err)
	_, err = actor.ParseRef[Hello](sys, "pando://shop@10.0.0.1:7001/greeter")
	fmt.Println(err)
	fmt.Println(actor.EntityRef[Hello](sys, "room", "go"))
	// Output:
	// pando://chat@10.0.0.1:7001/greeter
	// true <nil>
	// actor: bad ref "pando://shop@10.0.0.1:7001/greeter": is of cluster "shop", this is "chat"
	// pando://chat/room/go
}

// Slow work is done beside the actor; its result comes back as a message.
func ExampleGo() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	type result struct {
		n     int
		asker actor.Replier
	}
	ref, _ := actor.Spawn(sys, "", actor.Func(func(c *actor.Context[any], m any) error {
		switch m := m.(type) {
		case int:
			asker := c.Replier()
			actor.Go(c, func(context.Context) (int, error) { return m * m, nil },
				func(n int, _ error) any { return result{n, asker} })
		case result:
			m.asker.Reply(m.n)
		}
		return nil
	}))
	fmt.Println(actor.Ask[int](ctx, ref.With(7)))
	// Output: 49 <nil>
}

// Timers end with their actor.
func ExampleContext_After() {
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(context.Background())
	done := make(chan string)
	ref, _ := actor.Spawn(sys, "", actor.Func(func(c *actor.Context[string], m string) error {
		if m == "start" {
			c.After(time.Millisecond, "ring")
			return nil
		}
		done <- m
		return nil
	}))
	ref.Tell("start")
	fmt.Println(<-done)
	// Output: ring
}
