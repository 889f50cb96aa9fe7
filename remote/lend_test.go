package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/memnet"
)

// realNode is an actor system with a Remote.
type realNode struct {
	*actor.System
	r *Remote
}

// startReal starts a node with an address of the network.
func startReal(t *testing.T, net *memnet.Network, address string, uid uint64) *realNode {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := actor.NewSystem(actor.Config{Name: "test", Address: address, UID: uid, Logger: log, Small: true})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Listen(sys, ln, Config{Dial: net.Dialer(address), Logger: log, Expose: []string{"*"}, UserLanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &realNode{sys, r}
}

func (n *realNode) stop(t *testing.T) {
	t.Helper()
	if err := n.r.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := n.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// lent has two nodes, of which b runs the behavior "odd" beside an echo, in a
// bubble. All messages of a to b share a lane.
func lent(t *testing.T, odd func(m string), f func(t *testing.T, a, b *realNode, odd, echo actor.Ref[string])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		a, b := startReal(t, net, "a:1", 1), startReal(t, net, "b:1", 2)
		behave := func(name string, new func() actor.Behavior[string]) actor.Ref[string] {
			if _, err := actor.Spawn(b.System, name, new); err != nil {
				t.Fatal(err)
			}
			ref, err := actor.ParseRef[string](a.System, "pando://test@b:1/"+name)
			if err != nil {
				t.Fatal(err)
			}
			return ref
		}
		strange := behave("odd", actor.Func(func(_ *actor.Context[string], m string) error {
			odd(m)
			return nil
		}))
		echo := behave("echo", actor.Func(func(c *actor.Context[string], m string) error {
			c.Reply(m)
			return nil
		}))
		for range 3 { // from the second on, the names have numbers
			strange.Tell("first")
			synctest.Wait()
			if _, err := actor.Ask[string](t.Context(), echo.With("first")); err != nil {
				t.Fatal(err)
			}
		}
		defer func() { // also after t.Fatal: what runs on would keep the bubble, and the test, for ever
			a.stop(t)
			b.stop(t)
			time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
		}()
		f(t, a, b, strange, echo)
	})
}

func TestBlockedActorDoesNotHoldItsLane(t *testing.T) {
	gate := make(chan struct{})
	lent(t, func(m string) {
		if m == "block" {
			<-gate
		}
	}, func(t *testing.T, a, b *realNode, odd, echo actor.Ref[string]) {
		gate = make(chan struct{}) // of the bubble
		defer close(gate)          // whatever fails, the nodes can stop
		odd.Tell("block")
		synctest.Wait()
		for i := range 3 {
			text := fmt.Sprint(i)
			got, err := actor.Ask[string](t.Context(), echo.With(text).Within(3*stuckAfter))
			if errors.Is(err, actor.ErrTimeout) {
				t.Fatalf("ask %d: nobody has taken the reader's role from the actor that blocks: no answer after %v", i, 3*stuckAfter)
			}
			if err != nil || got != text {
				t.Errorf("got %q, %v, want %q", got, err, text)
			}
		}
	})
}

// TestWatchOfTheFirstTurn: the first turn that a connection lends starts the watch,
// which may look before the reader goes on. On the real clock, for in a bubble it
// never does: the race detector sees whether the two meet.
func TestWatchOfTheFirstTurn(t *testing.T) {
	net := memnet.New()
	a, b := startReal(t, net, "a:1", 1), startReal(t, net, "b:1", 2)
	defer b.stop(t)
	defer a.stop(t)
	began, gate := make(chan string), make(chan struct{})
	defer close(gate)
	if _, err := actor.Spawn(b.System, "odd", actor.Func(func(c *actor.Context[string], m string) error {
		began <- m
		if m == "block" {
			<-gate
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	odd, err := actor.ParseRef[string](a.System, "pando://test@b:1/odd")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"first", "block"} { // from the second on, the name has a number
		odd.Tell(m)
		<-began
	}
	last, err := actor.ParseRef[string](a.System, "pando://test@b:1/nobody")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actor.Ask[string](t.Context(), last.With("")); !errors.Is(err, actor.ErrNoActor) {
		t.Errorf("got %v, want %v from behind the actor that blocks", err, actor.ErrNoActor)
	}
}

func TestCloseDoesNotWaitForABlockedActor(t *testing.T) {
	gate := make(chan struct{})
	lent(t, func(m string) {
		if m == "block" {
			<-gate
		}
	}, func(t *testing.T, a, b *realNode, odd, _ actor.Ref[string]) {
		gate = make(chan struct{})
		odd.Tell("block")
		synctest.Wait()
		patience := time.AfterFunc(10*time.Second, func() {
			t.Error("Close waits for an actor that blocks")
			close(gate)
		})
		if err := b.r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if patience.Stop() {
			close(gate)
		}
	})
}

func TestActorThatEndsItsGoroutine(t *testing.T) {
	lent(t, func(m string) {
		if m == "exit" {
			runtime.Goexit()
		}
	}, func(t *testing.T, _, _ *realNode, odd, echo actor.Ref[string]) {
		for range 3 {
			odd.Tell("exit")
			synctest.Wait()
			if got, err := actor.Ask[string](t.Context(), echo.With("after").Within(time.Second)); err != nil || got != "after" {
				t.Errorf("got %q, %v, want the answer", got, err)
			}
		}
	})
}

// TestAskOfAnActorThatWasLentTheReader: its answer comes by the connection that it
// keeps from being read.
func TestAskOfAnActorThatWasLentTheReader(t *testing.T) {
	var ask func() (string, error)
	answers := make(chan string, 1)
	lent(t, func(m string) {
		if m == "ask" {
			got, err := ask()
			if err != nil {
				got = err.Error()
			}
			answers <- got
		}
	}, func(t *testing.T, a, b *realNode, odd, _ actor.Ref[string]) {
		answers = make(chan string, 1)
		if _, err := actor.Spawn(a.System, "echo", actor.Func(func(c *actor.Context[string], m string) error {
			c.Reply(m)
			return nil
		})); err != nil {
			t.Fatal(err)
		}
		back, err := actor.ParseRef[string](b.System, "pando://test@a:1/echo")
		if err != nil {
			t.Fatal(err)
		}
		ask = func() (string, error) { return actor.Ask[string](t.Context(), back.With("back").Within(time.Second)) }
		for range 5 {
			odd.Tell("ask")
			if got := <-answers; got != "back" {
				t.Errorf("got %q, want the answer", got)
			}
		}
	})
}

func TestLongTurnsAreNotLentTheReader(t *testing.T) {
	r := &receiver{lender: struct{ lender }{}}
	lent := func(took time.Duration, n int) (count int) {
		for range n {
			if r.lendable() {
				count++
				r.judge(took)
			}
		}
		return count
	}
	if got := lent(longTurn/2, 100); got != 100 {
		t.Errorf("got %d of 100 short turns, want all", got)
	}
	if got := lent(2*longTurn, 10_000); got > 20 {
		t.Errorf("got %d of 10,000 long turns, want few", got)
	}
	if lent(longTurn/2, 2*maxGrant); r.skip != 0 || r.grant != 0 {
		t.Errorf("after short turns again: %d are skipped, want none", r.skip)
	}
}
