package actor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pando-go/pando/actor"
)

// locked and unlocked are the two behaviors of a turnstile.
func locked(c *actor.Context[string], m string) error {
	if m == "coin" {
		c.Become(actor.Func(unlocked)())
		c.Reply("unlocked")
		return nil
	}
	c.Reply("pay first")
	return nil
}

func unlocked(c *actor.Context[string], m string) error {
	if m == "push" {
		c.Become(actor.Func(locked)())
		c.Reply("welcome")
		return nil
	}
	c.Reply("paid already")
	return nil
}

// What an actor does next can depend on what came before.
func ExampleContext_Become() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	turnstile, _ := actor.Spawn(sys, "turnstile", actor.Func(locked))
	for _, m := range []string{"push", "coin", "coin", "push", "push"} {
		answer, _ := actor.Ask[string](ctx, turnstile.With(m))
		fmt.Println(m, "->", answer)
	}
	// Output:
	// push -> pay first
	// coin -> unlocked
	// coin -> paid already
	// push -> welcome
	// push -> pay first
}

// printer keeps jobs that come before it is warm.
type printer struct{ warm bool }

func (p *printer) Receive(c *actor.Context[string], m string) error {
	switch {
	case m == "warm":
		p.warm = true
		c.Unstash()
	case !p.warm:
		return c.Stash()
	default:
		c.Reply("printed " + m)
	}
	return nil
}

// What cannot be handled yet is kept, with who waits for an answer.
func ExampleContext_Stash() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	ref, _ := actor.Spawn(sys, "printer", func() actor.Behavior[string] { return &printer{} })
	ref.Tell("a letter nobody waits for")
	ref.Tell("warm")
	fmt.Println(actor.Ask[string](ctx, ref.With("a poem")))
	// Output: printed a poem <nil>
}

// nurse watches a patient.
type nurse struct {
	patient actor.Ref[string]
	told    chan string
}

func (n *nurse) Started(c *actor.Context[string]) error {
	c.Watch(n.patient)
	return nil
}

func (n *nurse) Receive(c *actor.Context[string], _ string) error {
	c.Reply("ready")
	return nil
}

func (n *nurse) Terminated(_ *actor.Context[string], who actor.Gone) error {
	n.told <- fmt.Sprint(who.Ref, " is no more; why: ", who.Why)
	return nil
}

// Who watches an actor is told of its end, once.
func ExampleContext_Watch() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{Name: "ward", Address: "10.0.0.1:7001"})
	defer sys.Close(ctx)
	patient, _ := actor.Spawn(sys, "patient", actor.Func(func(c *actor.Context[string], _ string) error { return nil }))
	told := make(chan string, 1)
	watching, _ := actor.Spawn(sys, "nurse", func() actor.Behavior[string] { return &nurse{patient, told} })
	_, _ = actor.Ask[string](ctx, watching.With("ready?")) // it watches by then
	_ = actor.Stop(ctx, patient)
	fmt.Println(<-told)
	// Output: pando://ward@10.0.0.1:7001/patient is no more; why: <nil>
}

// A clerk passes questions on; the answer goes straight to who asked.
func ExampleContext_Forward() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	expert, _ := actor.Spawn(sys, "expert", actor.Func(func(c *actor.Context[string], q string) error {
		c.Reply("about " + q + ": it depends")
		return nil
	}))
	clerk, _ := actor.Spawn(sys, "clerk", actor.Func(func(c *actor.Context[string], _ string) error {
		c.Forward(expert)
		return nil
	}))
	fmt.Println(actor.Ask[string](ctx, clerk.With("mailboxes")))
	// Output: about mailboxes: it depends <nil>
}

// Every repeats until the timer is stopped or its actor ends.
func ExampleContext_Every() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	ticks := make(chan int)
	n, timer := 0, actor.Timer{}
	ref, _ := actor.Spawn(sys, "clock", actor.Func(func(c *actor.Context[string], m string) error {
		if m == "start" {
			timer = c.Every(time.Millisecond, "tick")
			return nil
		}
		if n++; n == 3 {
			timer.Stop()
			defer close(ticks)
		}
		ticks <- n
		return nil
	}))
	ref.Tell("start")
	for n := range ticks {
		fmt.Println("tick", n)
	}
	// Output:
	// tick 1
	// tick 2
	// tick 3
}

// session ends itself when nobody has said anything for a while.
type session struct{ ended chan string }

func (s *session) Started(c *actor.Context[string]) error {
	c.Idle(5*time.Millisecond, "idle")
	return nil
}

func (s *session) Receive(c *actor.Context[string], m string) error {
	if m == "idle" {
		c.Stop()
	}
	return nil
}

func (s *session) Stopped(*actor.Context[string], error) { s.ended <- "the session has ended" }

func ExampleContext_Idle() {
	ctx := context.Background()
	sys, _ := actor.NewSystem(actor.Config{})
	defer sys.Close(ctx)
	ended := make(chan string, 1)
	ref, _ := actor.Spawn(sys, "", func() actor.Behavior[string] { return &session{ended} })
	ref.Tell("hello")
	fmt.Println(<-ended)
	// Output: the session has ended
}
