package actortest_test

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// greet is a message with an address for the answer.
type greet struct {
	name string
	to   actor.Ref[string]
}

// newGreeter makes an actor that answers after an hour.
func newGreeter() actor.Behavior[greet] { return slowGreeter{} }

type slowGreeter struct{}

func (slowGreeter) Receive(c *actor.Context[greet], m greet) error {
	switch {
	case m.name == "":
		return errors.New("nobody to greet")
	case m.name[0] == '+':
		m.to.Tell("hello " + m.name[1:])
	default:
		c.After(time.Hour, greet{"+" + m.name, m.to})
	}
	return nil
}

// A test of an actor in ten lines and without a sleep.
func TestTenLines(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		greeter := actortest.Spawn(k, newGreeter)
		guest := actortest.NewProbe[string](k)
		greeter.Tell(greet{"Ada", guest.Ref()})
		guest.WantNone(59 * time.Minute)
		k.Advance(time.Minute)
		guest.Want("hello Ada")
	})
}

func TestTimeIsVirtual(t *testing.T) {
	start := time.Now()
	actortest.Run(t, func(k *actortest.Kit) {
		began := time.Now()
		probe := actortest.NewProbe[int](k)
		probe.Ref().Tell(1)
		probe.Want(1)
		probe.WantNone(24 * time.Hour)
		if got := time.Since(began); got != 24*time.Hour {
			k.Errorf("a day took %v", got)
		}
	})
	if real := time.Since(start); real > 5*time.Second {
		t.Errorf("a virtual day took %v", real)
	}
}

func TestSettleHandlesEverything(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		n := 0
		ref := actortest.Spawn(k, actor.Func(func(c *actor.Context[int], left int) error {
			n++
			if left > 0 {
				c.Self().Tell(left - 1)
			}
			return nil
		}))
		ref.Tell(999)
		k.Settle()
		if n != 1000 {
			k.Errorf("handled %d messages, want 1000", n)
		}
	})
}

// An actor that blocks does not keep Settle from handling what others get.
func TestSettleBesideABlockedActor(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		for range 10 {
			actortest.Spawn(k, actor.Func(func(*actor.Context[int], int) error { time.Sleep(time.Second); return nil })).Tell(1)
		}
		k.Settle()
		p, start := actortest.NewProbe[int](k), time.Now()
		forward := actortest.Spawn(k, actor.Func(func(_ *actor.Context[int], n int) error { p.Ref().Tell(n); return nil }))
		for n := range 100 {
			forward.Tell(n)
			k.Settle()
			p.Want(n)
		}
		if took := time.Since(start); took != 0 {
			k.Errorf("took %v of virtual time, want none", took)
		}
	})
}

func TestDeadLettersAndFaults(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		greeter := actortest.Spawn(k, newGreeter)
		greeter.Tell(greet{})
		faults := k.Faults()
		if len(faults) != 1 || faults[0].Err.Error() != "nobody to greet" {
			k.Errorf("faults = %v, want one", faults)
		}
		k.Advance(time.Second) // restarted by then
		k.Stop(greeter)
		greeter.Tell(greet{name: "Ada"})
		letters := k.DeadLetters()
		if len(letters) != 1 || !errors.Is(letters[0].Reason, actor.ErrStopped) {
			k.Fatalf("dead letters = %v, want one with ErrStopped", letters)
		}
		if got := letters[0].Message.(greet).name; got != "Ada" {
			k.Errorf("the dead letter is for %q, want Ada", got)
		}
	})
}

func TestAsk(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		square := actortest.Spawn(k, actor.Func(func(c *actor.Context[int], n int) error {
			c.Reply(n * n)
			return nil
		}))
		if got := actortest.Ask[int](k, square.With(7)); got != 49 {
			k.Errorf("answer = %d, want 49", got)
		}
	})
}

// A probe answers in place of an actor that the one under test talks to.
func TestProbeReplies(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		shop := actortest.NewProbe[string](k)
		buyer := actortest.Spawn(k, actor.Func(func(c *actor.Context[string], m string) error {
			if m == "buy" {
				asker := c.Replier()
				actor.AskThen(c, shop.Ref().With("price?"), time.Minute, func(p int, err error) string {
					if err != nil {
						asker.Fail(err)
						return "no"
					}
					asker.Reply(p + 1)
					return "yes"
				})
			}
			return nil
		}))
		answers := make(chan int, 1)
		go func() {
			n, _ := actor.Ask[int](k.Context(), buyer.With("buy"))
			answers <- n
		}()
		shop.Want("price?")
		shop.Reply(41)
		if got := <-answers; got != 42 {
			k.Errorf("answer = %d, want 42", got)
		}

		go func() {
			_, err := actor.Ask[int](k.Context(), buyer.With("buy"))
			if err == nil {
				k.Error("no error although the shop said no")
			}
			answers <- 0
		}()
		shop.Next()
		shop.Fail(errors.New("sold out"))
		<-answers
	})
}

func TestWantTerminated(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		probe := actortest.NewProbe[int](k)
		stops := actor.Func(func(c *actor.Context[int], _ int) error { c.Stop(); return nil })

		watched := actortest.Spawn(k, stops)
		probe.Watch(watched)
		watched.Tell(1)
		if got := probe.WantTerminated(watched); got.Why != nil || got.Ref != watched.String() {
			k.Errorf("watched: %+v, want Why nil for %s", got, watched)
		}

		before := actortest.Spawn(k, stops)
		before.Tell(1)
		k.Settle()
		if got := probe.WantTerminated(before); !errors.Is(got.Why, actor.ErrNoActor) {
			k.Errorf("stopped before the watch: %+v, want ErrNoActor", got)
		}

		after := actortest.Spawn(k, stops)
		go func() { time.Sleep(time.Second); after.Tell(1) }()
		probe.WantTerminated(after)
	})
}

func TestWantAll(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		probe := actortest.NewProbe[int](k)
		for i := range 10 {
			sender := actortest.Spawn(k, actor.Func(func(_ *actor.Context[int], n int) error {
				probe.Ref().Tell(n)
				return nil
			}))
			sender.Tell(i)
		}
		probe.WantAll(9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
		probe.WantNone(0)
	})
}

func TestProbeRefusesOtherTypes(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		probe := actortest.NewProbe[int](k)
		actor.RefOf[string](k.System(), probe.Ref().PID()).Tell("no int")
		letters := k.DeadLetters()
		if len(letters) != 1 || !errors.Is(letters[0].Reason, actor.ErrMessageType) {
			k.Errorf("dead letters = %v, want one with ErrMessageType", letters)
		}
		probe.WantNone(0)
	})
}

// In a synchronous system a Tell returns when everything is done.
func TestRunInline(t *testing.T) {
	actortest.RunInline(t, func(k *actortest.Kit) {
		var heard []string
		var echo actor.Ref[string]
		shout := actortest.Spawn(k, actor.Func(func(_ *actor.Context[string], m string) error {
			heard = append(heard, "shout "+m)
			if len(m) < 3 {
				echo.Tell(m + m[:1])
			}
			return nil
		}))
		echo = actortest.Spawn(k, actor.Func(func(_ *actor.Context[string], m string) error {
			heard = append(heard, "echo "+m)
			shout.Tell(m)
			return nil
		}))
		shout.Tell("a")
		want := []string{"shout a", "echo aa", "shout aa", "echo aaa", "shout aaa"}
		if !slices.Equal(heard, want) {
			k.Errorf("heard %q, want %q", heard, want)
		}
		k.Stop(shout)
		shout.Tell("b")
		if got := k.System().DeadLetters().Stopped; got != 1 {
			k.Errorf("%d dead letters, want 1", got)
		}
	})
}

// The budget is 100 µs; what a system allocates is the part that can be tested.
func TestManySystemsAreCheap(t *testing.T) {
	const n = 100
	actortest.Run(t, func(*actortest.Kit) {}) // what is made once
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		sys, err := actor.NewSystem(actor.Config{Small: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := sys.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / n; got > 32<<10 {
		t.Errorf("a small system allocates %d bytes, want 32 KiB at most", got)
	}
}

func BenchmarkNewSystem(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sys, err := actor.NewSystem(actor.Config{Small: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := sys.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
