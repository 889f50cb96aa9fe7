package actor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/mailbox"
)

// Each test here is a defect that another runtime has.

// TestNoAnswerReachesAnotherAsk: asks that give up just when the answer comes,
// from many goroutines. A pooled answer channel once handed one asker's answer to
// the next.
func TestNoAnswerReachesAnotherAsk(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	ref := spawn(t, sys, "", doer)
	var wg sync.WaitGroup
	var answered, given atomic.Int64
	for w := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				want := w<<32 | i
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%13)*time.Microsecond)
				got, err := actor.Ask[int](ctx, ref.With(want))
				cancel()
				switch {
				case errors.Is(err, actor.ErrTimeout):
					given.Add(1)
				case err != nil || got != want:
					t.Errorf("answer = %#x, %v, want %#x", got, err, want)
				default:
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d answered, %d gave up", answered.Load(), given.Load())
}

// TestPanicsKillNobodyElse: a process once died of one actor's fourth panic.
func TestPanicsKillNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		panics := func(*actor.Context[int], int) error { panic("again") }
		bad := spawn(t, sys, "", panics, actor.WithSupervisor(actor.Backoff{Limit: 3}))
		plain := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
			if _, ok := c.Message().(int); ok {
				panic(errBoom)
			}
		}))
		good := spawn(t, sys, "", doer)
		for i := range 20 {
			bad.Tell(i)
			sys.Proto().Root.Send(plain, i)
		}
		time.Sleep(time.Hour)
		if got := ask[int](t, good, 1); got != 1 {
			t.Errorf("answer = %d", got)
		}
		_, err := actor.Ask[any](t.Context(), bad.With(1))
		wantErr(t, err, actor.ErrStopped)
	})
}

// TestNoForeignSender: an index that meant both "nobody" and "the first sender"
// once gave anonymous messages somebody else's sender.
func TestNoForeignSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		var got []string
		pid := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
			if m, ok := c.Message().(string); ok {
				got = append(got, fmt.Sprint(m, c.Sender() != nil, c.MessageHeader() != nil))
			}
		}))
		asker := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
			if c.Message() == "go" {
				for range 3 {
					c.Request(pid, "from me ")
					c.Send(pid, "from nobody ")
				}
			}
		}))
		sys.Proto().Root.Send(asker, "go")
		synctest.Wait()
		want := strings.Repeat("from me true true,from nobody false false,", 3)
		if s := strings.Join(got, ",") + ","; s != want {
			t.Errorf("got %s\nwant %s", s, want)
		}
	})
}

// TestStopRightAfterStart: the end of an actor that had hardly begun once took the
// node down.
func TestStopRightAfterStart(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	for i := range 300 {
		d := &diary{}
		ref := spawnB(t, sys, "", func() actor.Behavior[any] { return &chronicler{d: d} })
		if i%2 == 0 {
			sys.Proto().Root.Stop(ref.PID())
		}
		if err := actor.Stop(soon(t), ref); err != nil {
			t.Fatal(err)
		}
		d.want(t, "started", "stopped")
	}
	ask[int](t, spawn(t, sys, "", doer), 1)
}

// TestNoLostWakeUp: a message posted just when the mailbox falls idle.
func TestNoLostWakeUp(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	ref := spawn(t, sys, "", doer)
	for i := range 5_000 {
		if got := ask[int](t, ref, any(i)); got != i {
			t.Fatalf("answer = %d, want %d", got, i)
		}
	}
}

// TestMailboxIsNotShared: options are used for many actors, and each gets its own
// mailbox.
func TestMailboxIsNotShared(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	opt := actor.WithMailbox(mailbox.Bounded(1000, mailbox.Fail))
	a, b := spawn(t, sys, "a", doer, opt), spawn(t, sys, "b", doer, opt)
	release := make(chan struct{})
	defer close(release)
	in(a, func(*actor.Context[any]) { <-release })
	if got := ask[int](t, b, 1); got != 1 {
		t.Errorf("answer = %d", got)
	}
}

// TestBoundedMailbox: what does not fit is a dead letter with its reason, a
// patient sender waits, and neither timers nor stops are lost.
func TestBoundedMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		release := make(chan struct{})
		var seen atomic.Int64
		ref := spawn(t, sys, "", func(c *actor.Context[int], m int) error {
			seen.Add(1)
			if m < 0 {
				c.After(time.Millisecond, 7)
				<-release
			}
			return nil
		}, actor.WithMailbox(mailbox.Bounded(2, mailbox.Fail)))
		ref.Tell(-1)
		synctest.Wait()
		for i := range 5 {
			ref.Tell(i)
		}
		if got := sys.DeadLetters(); got != (actor.DeadLetterCounts{MailboxFull: 3}) {
			t.Errorf("dead letters = %+v, want 3 for a full mailbox", got)
		}
		wantErr(t, ref.Send(t.Context(), 9), actor.ErrMailboxFull)
		_, err := actor.Ask[int](t.Context(), ref.With(9))
		wantErr(t, err, actor.ErrMailboxFull)
		time.Sleep(time.Second) // the timer rings into the full mailbox
		close(release)
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
		if seen.Load() != 4 {
			t.Errorf("%d messages seen, want the first, two that fitted, and the timer's", seen.Load())
		}
	})
}

// TestDeadLetterLogIsLimited: a flood is a few lines and a count.
func TestDeadLetterLogIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		sys := newSystem(t, actor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 1000 {
			sys.DeadLetter(nil, nil, "lost", actor.ErrMailboxFull)
		}
		if n := strings.Count(log.String(), "dead letter"); n != 10 {
			t.Errorf("%d lines, want 10", n)
		}
		time.Sleep(time.Minute)
		sys.DeadLetter(nil, nil, "lost", actor.ErrMailboxFull)
		if !strings.Contains(log.String(), "left_out=990") {
			t.Errorf("the log does not say what was left out:\n%s", &log)
		}
	})
}

// TestSubscribersAreIndependent: one that panics skips no other, and hits neither
// the sender nor the actor that the message was for.
func TestSubscribersAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		var n atomic.Int64
		defer sys.Subscribe(func(any) { panic("no") })()
		defer sys.Subscribe(func(e any) {
			if _, ok := e.(*actor.DeadLetter); ok {
				n.Add(1)
			}
		})()
		gone := spawn(t, sys, "", doer)
		if err := actor.Stop(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		gone.Tell("from outside")
		sender := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
			if c.Message() == "go" {
				c.Send(gone.PID(), "from an actor")
				c.Respond("well")
			}
		}))
		got, err := sys.Proto().Root.RequestFuture(sender, "go", time.Minute).Result()
		if got != "well" || err != nil {
			t.Errorf("answer = %v, %v", got, err)
		}
		if n.Load() != 2 {
			t.Errorf("%d dead letters heard of, want 2", n.Load())
		}
	})
}

// TestPlainPanicIsOneLineAndOneEvent with the value and the stack.
func TestPlainPanicIsOneLineAndOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		sys := newSystem(t, actor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		var faults []*actor.Fault
		defer sys.Subscribe(func(e any) {
			if f, ok := e.(*actor.Fault); ok {
				faults = append(faults, f)
			}
		})()
		pid := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
			if _, ok := c.Message().(string); ok {
				panic(errBoom)
			}
		}))
		sys.Proto().Root.Send(pid, "x")
		time.Sleep(time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "boom") {
			t.Errorf("%d lines logged, want 1 that says boom:\n%s", n, &log)
		}
		if len(faults) != 1 || faults[0].Message != "x" || !strings.Contains(faults[0].Stack, "regression_test.go") {
			t.Errorf("faults = %+v, want one with a stack", faults)
		}
	})
}

// TestNoAllocations: what is sent all the time costs no memory.
func TestNoAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector drops what is pooled")
	}
	sys := newSystem(t, actor.Config{})
	m := &ball{}
	done := make(chan struct{})
	tell := spawn(t, sys, "", func(*actor.Context[*ball], *ball) error { done <- struct{}{}; return nil })
	echo := spawn(t, sys, "", func(c *actor.Context[*ball], m *ball) error { c.Reply(m); return nil })
	pong := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
		if b, ok := c.Message().(*ball); ok {
			c.Respond(b)
		}
	}))
	ping := sys.Proto().Root.Spawn(actor.CellFunc(func(c pa.Context) {
		if b, ok := c.Message().(*ball); ok {
			if c.Sender() == nil {
				done <- struct{}{}
			}
			_ = b
		} else if c.Message() == poke {
			c.Request(pong, m)
		}
	}))
	ctx := t.Context()
	tests := map[string]func(){
		"tell":          func() { tell.Tell(m); <-done },
		"ask and reply": func() { _, _ = actor.Ask[*ball](ctx, echo.With(m)) },
		"ask within":    func() { _, _ = actor.Ask[*ball](ctx, echo.With(m).Within(time.Minute)) },
		"request and respond": func() {
			sys.Proto().Root.Send(ping, poke)
			<-done
		},
	}
	for name, f := range tests {
		if n := testing.AllocsPerRun(2000, f); n >= 1 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

type nudge struct{}

var poke any = &nudge{}

// TestForeignOptionsAreRefused, in place of middleware that is never called.
func TestForeignOptionsAreRefused(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	pass := func(next pa.ReceiverFunc) pa.ReceiverFunc { return next }
	options := map[string]pa.PropsOption{
		"receiver":   pa.WithReceiverMiddleware(pass),
		"sender":     pa.WithSenderMiddleware(func(next pa.SenderFunc) pa.SenderFunc { return next }),
		"spawn":      pa.WithSpawnMiddleware(func(next pa.SpawnFunc) pa.SpawnFunc { return next }),
		"decorator":  pa.WithContextDecorator(func(next pa.ContextDecoratorFunc) pa.ContextDecoratorFunc { return next }),
		"init":       pa.WithOnInit(func(pa.Context) {}),
		"supervisor": pa.WithSupervisor(pa.NewRestartingStrategy()),
		"mailbox":    pa.WithMailbox(mailbox.Unbounded()),
	}
	for name, option := range options {
		typed := actor.Props(actor.Func(doer)).Configure(option)
		plain := actor.CellFunc(func(pa.Context) {}).Configure(option)
		for _, props := range []*pa.Props{typed, plain} {
			if _, err := sys.Proto().Root.SpawnNamed(props, name); err == nil || !strings.Contains(err.Error(), "actor.With") {
				t.Errorf("%s: error = %v, want one that names our option", name, err)
			}
		}
	}
}

// TestTypedActorsTakeMiddleware as untyped ones do.
func TestTypedActorsTakeMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		see := func(next pa.ReceiverFunc) pa.ReceiverFunc {
			return func(c pa.ReceiverContext, env *pa.MessageEnvelope) {
				d.add(fmt.Sprintf("sees %T", env.Message))
				next(c, env)
			}
		}
		ref := spawn(t, sys, "", doer, actor.WithReceiverMiddleware(see))
		if got := ask[string](t, ref, "hi"); got != "hi" {
			t.Errorf("answer = %q", got)
		}
		d.want(t, "sees *actor.Started", "sees string")
	})
}

// TestLimitWithinAWindow: a limit counts what happened lately, and may escalate.
func TestLimitWithinAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		sup := actor.Backoff{Min: 1, Max: 1, Limit: 2, Within: time.Minute}
		ref := spawnChronicler(t, sys, d, actor.WithSupervisor(sup))
		for range 3 {
			ref.Tell(errBoom)
			time.Sleep(40 * time.Second)
		}
		d.want(t, "started", "stopped: boom", "started", "stopped: boom", "started", "stopped: boom", "started")
		for range 2 {
			ref.Tell(errBoom)
		}
		time.Sleep(time.Second)
		d.want(t, "stopped: boom", "started", "stopped: boom")
	})
}

// TestBackoffReset: a quiet time of the length that was asked for makes the next
// pause short again.
func TestBackoffReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		starts := make(chan time.Time, 100)
		ref := spawnB(t, sys, "", func() actor.Behavior[any] {
			starts <- time.Now()
			return actor.Func(doer)()
		}, actor.WithSupervisor(actor.Backoff{Min: time.Second, Max: time.Hour, Jitter: -1, Reset: time.Minute}))
		<-starts
		pause := func() time.Duration {
			begun := time.Now()
			ref.Tell(errBoom)
			return (<-starts).Sub(begun)
		}
		got := []time.Duration{pause(), pause(), pause()}
		time.Sleep(2 * time.Minute)
		got = append(got, pause(), pause())
		if want := "[1s 2s 4s 1s 2s]"; fmt.Sprint(got) != want {
			t.Errorf("pauses %v, want %s", got, want)
		}
	})
}

// TestCloseFindsCellsUnderForeignGuardians, which nobody else would stop.
func TestCloseFindsCellsUnderForeignGuardians(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		root := sys.Proto().Root.Copy().WithGuardian(pa.NewRestartingStrategy())
		pid := root.Spawn(actor.Props(func() actor.Behavior[any] { return &chronicler{d: d} }))
		root.Send(pid, errBoom)
		root.Send(pid, "next")
		synctest.Wait()
		if err := sys.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.want(t, "started", "stopped: boom", "started", "next", "stopped")
	})
}
