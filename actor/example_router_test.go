package actor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pando-go/pando/actor"
)

// A pool spreads work over routees that it starts, and replaces when they stop.
func ExamplePool() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Name: "demo", Address: "10.0.0.1:7001"})
	defer sys.Close(ctx)
	worker := actor.Func(func(c *actor.Context[int], n int) error {
		c.Reply(fmt.Sprint(c.Self(), " says ", n*n))
		return nil
	})
	pool, err := actor.Pool(sys, "workers", 2, worker, actor.RoundRobin)
	if err != nil {
		panic(err)
	}
	for n := range 3 {
		fmt.Println(actor.Ask[string](ctx, pool.With(n)))
	}
	// Output:
	// pando://demo@10.0.0.1:7001/workers/1 says 0 <nil>
	// pando://demo@10.0.0.1:7001/workers/2 says 1 <nil>
	// pando://demo@10.0.0.1:7001/workers/1 says 4 <nil>
}

// One set of actors behind routers of several kinds.
func ExampleGroup() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	var clerks []actor.Ref[string]
	for _, name := range []string{"ada", "bob", "cem"} {
		clerk, _ := actor.Spawn(sys, name, actor.Func(func(c *actor.Context[string], customer string) error {
			c.Reply(name)
			return nil
		}))
		clerks = append(clerks, clerk)
	}
	routings := []struct {
		name string
		by   actor.Routing[string]
	}{
		{"turns", actor.RoundRobin[string]},
		{"customer", actor.ConsistentHash(func(customer string) string { return customer })},
	}
	for _, r := range routings {
		group, _ := actor.Group(sys, r.name, clerks, r.by)
		fmt.Print(r.name, ":")
		for _, customer := range []string{"mia", "mia", "noa", "noa"} {
			clerk, _ := actor.Ask[string](ctx, group.With(customer))
			fmt.Print(" ", customer, " to ", clerk)
		}
		fmt.Println()
	}
	// Output:
	// turns: mia to ada mia to bob noa to cem noa to ada
	// customer: mia to bob mia to bob noa to cem noa to cem
}

// All are asked; the first good answer counts.
func ExampleScatterGather() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	mirror := func(name string, alive bool) actor.Ref[string] {
		ref, _ := actor.Spawn(sys, name, actor.Func(func(c *actor.Context[string], file string) error {
			if alive {
				c.Reply(file + " from " + name)
			}
			return nil
		}))
		return ref
	}
	mirrors := []actor.Ref[string]{mirror("hanging", false), mirror("near", true)}
	group, _ := actor.Group(sys, "mirrors", mirrors, actor.ScatterGather[string](5*time.Second))
	fmt.Println(actor.Ask[string](ctx, group.With("README")))
	// Output: README from near <nil>
}
