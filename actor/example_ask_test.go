package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pando-go/pando/actor"
)

// Each way in which an ask can end can be told from the others.
func ExampleAskError() {
	sys, _ := actor.NewSystem(actor.Config{Logger: slog.New(slog.DiscardHandler)})
	defer sys.Close(context.Background())
	oracle, _ := actor.Spawn(sys, "oracle", actor.Func(func(c *actor.Context[string], q string) error {
		switch q {
		case "why?":
			return nil // says nothing
		case "who?":
			return errors.New("the oracle will not say")
		}
		c.Reply(42)
		return nil
	}))
	nobody, _ := actor.ParseRef[string](sys, "pando://local@/nobody")

	questions := []struct {
		ref actor.Ref[string]
		q   string
	}{{oracle, "how many?"}, {oracle, "who?"}, {oracle, "why?"}, {nobody, "hello?"}}
	for _, q := range questions {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		n, err := actor.Ask[int](ctx, q.ref.With(q.q))
		cancel()
		var said *actor.Failure
		switch {
		case err == nil:
			fmt.Println(q.q, n)
		case errors.As(err, &said):
			fmt.Println(q.q, "failed:", said.Text)
		case errors.Is(err, actor.ErrTimeout):
			fmt.Println(q.q, "no answer in time")
		case errors.Is(err, actor.ErrNoActor):
			fmt.Println(q.q, "nobody is there")
		}
	}
	// Output:
	// how many? 42
	// who? failed: the oracle will not say
	// why? no answer in time
	// hello? nobody is there
}

// A time-out for one ask. Within is cheaper than a context for each, and goes
// together with one that is there anyway, as that of a request which is served.
func ExampleEnvelope_Within() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	sphinx, _ := actor.Spawn(sys, "sphinx", actor.Func(func(*actor.Context[string], string) error {
		return nil // says nothing
	}))

	_, err := actor.Ask[string](ctx, sphinx.With("what walks on three legs?").Within(10*time.Millisecond))
	fmt.Println(errors.Is(err, actor.ErrTimeout), err)
	// Output: true ask pando://local@/sphinx: actor: no answer in time
}

// In an actor, asking must not wait: the answer comes back as a message.
func ExampleAskThen() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	type priced struct {
		price int
		err   error
		asker actor.Replier
	}
	shop, _ := actor.Spawn(sys, "shop", actor.Func(func(c *actor.Context[string], _ string) error {
		c.Reply(3)
		return nil
	}))
	waiter, _ := actor.Spawn(sys, "waiter", actor.Func(func(c *actor.Context[any], m any) error {
		switch m := m.(type) {
		case string:
			asker := c.Replier()
			actor.AskThen(c, shop.With(m), time.Second, func(price int, err error) any {
				return priced{price, err, asker}
			})
		case priced:
			m.asker.Reply(fmt.Sprint("that is ", m.price))
		}
		return nil
	}))
	fmt.Println(actor.Ask[string](ctx, waiter.With("tea")))
	// Output: that is 3 <nil>
}

// A Replier answers after Receive has returned, and from any goroutine.
func ExampleReplier() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	var waiting []actor.Replier
	barrier, _ := actor.Spawn(sys, "barrier", actor.Func(func(c *actor.Context[string], _ string) error {
		if waiting = append(waiting, c.Replier()); len(waiting) == 2 {
			for _, r := range waiting {
				r.Reply("both are here")
			}
		}
		return nil
	}))
	first := make(chan string)
	go func() {
		s, _ := actor.Ask[string](ctx, barrier.With("first"))
		first <- s
	}()
	second, _ := actor.Ask[string](ctx, barrier.With("second"))
	fmt.Println(<-first, "-", second)
	// Output: both are here - both are here
}

// Price is how a shop talks.
type Price struct{ Cents int }

// An adapter lets an actor be spoken to in another's words.
func ExampleAdapt() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	told := make(chan string)
	buyer, _ := actor.Spawn(sys, "buyer", actor.Func(func(_ *actor.Context[string], m string) error {
		told <- m
		return nil
	}))
	prices := actor.Adapt(buyer, func(p Price) string { return fmt.Sprintf("costs %d.%02d", p.Cents/100, p.Cents%100) })
	prices.Tell(Price{1299})
	fmt.Println(<-told)
	// Output: costs 12.99
}
