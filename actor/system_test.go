package actor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

func TestConfigFaults(t *testing.T) {
	_, err := actor.NewSystem(actor.Config{Name: "a b", Address: "x/y"})
	if err == nil || !strings.Contains(err.Error(), `"a b"`) || !strings.Contains(err.Error(), `"x/y"`) {
		t.Errorf("NewSystem = %v, want both faults", err)
	}
}

func TestSilentSystem(t *testing.T) {
	var log bytes.Buffer
	sys := newSystem(t, actor.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ask[int](t, spawn(t, sys, "", doer), 1)
	if log.Len() > 0 {
		t.Errorf("logged:\n%s", &log)
	}
}

func TestUIDsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newSystem(t, actor.Config{}).UID()
		time.Sleep(time.Millisecond)
		if second := newSystem(t, actor.Config{}).UID(); second <= first {
			t.Errorf("UID %x after %x, want a larger one", second, first)
		}
	})
}

func TestCloseStopsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		plainStopped := false
		plain := sys.Proto().Root.Spawn(pa.PropsFromFunc(func(c pa.Context) {
			if _, ok := c.Message().(*pa.Stopped); ok {
				plainStopped = true
			}
		}))
		ref := spawnB(t, sys, "", func() actor.Behavior[any] {
			return &chronicler{d: d, start: func(c *actor.Context[any]) error {
				_, err := actor.Spawn(c, "", func() actor.Behavior[any] { return &chronicler{d: d} })
				return err
			}}
		})
		silent := spawn(t, sys, "", func(*actor.Context[any], any) error { return nil })
		result := make(chan error)
		go func() {
			_, err := actor.Ask[any](t.Context(), silent.With(1))
			result <- err
		}()
		synctest.Wait()
		if err := sys.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantErr(t, <-result, actor.ErrStopped)
		d.want(t, "started", "started", "stopped", "stopped")
		if !plainStopped {
			t.Error("a plain protoactor actor still runs")
		}
		_, err := actor.Ask[any](t.Context(), ref.With(1))
		wantErr(t, err, actor.ErrStopped)
		_, err = actor.Spawn(sys, "late", actor.Func(doer))
		wantErr(t, err, actor.ErrStopped)
		sys.Proto().Root.Send(plain, "nobody home")
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		release := make(chan struct{})
		in(spawn(t, sys, "", doer), func(*actor.Context[any]) { <-release })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, sys.Close(ctx), context.DeadlineExceeded)
		close(release)
	})
}

func TestQueuedMessagesBecomeDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		dead := collect(sys)
		ref := spawn(t, sys, "", doer)
		in(ref, func(c *actor.Context[any]) {
			for i := range 3 {
				ref.Tell(i)
			}
			c.Stop()
		})
		synctest.Wait()
		got := dead.list()
		if len(got) != 3 {
			t.Fatalf("%d dead letters, want 3", len(got))
		}
		for i, l := range got {
			if l.Message != i || !errors.Is(l.Reason, actor.ErrStopped) || l.To.Id != ref.PID().Id {
				t.Errorf("dead letter %d = %+v", i, l)
			}
		}
	})
}

func TestStopTakesQueuedMessagesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		for i := range 3 {
			ref.Tell(fmt.Sprint(i))
		}
		for range 2 {
			if err := actor.Stop(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		d.want(t, "started", "0", "1", "2", "stopped")
	})
}

func TestNames(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	spawn(t, sys, "x", doer)
	tests := map[string]struct {
		name string
		want error
	}{
		"taken": {"x", actor.ErrNameTaken}, "dollar": {"$x", actor.ErrBadName}, "hash": {"a#b", actor.ErrBadName},
		"slash": {"a/", actor.ErrBadName}, "long": {strings.Repeat("x", 513), actor.ErrBadName}, "UTF-8": {"\xff", actor.ErrBadName},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := actor.Spawn(sys, test.name, actor.Func(doer))
			wantErr(t, err, test.want)
		})
	}
}

// TestAnonymousIDsAreOfOneIncarnation: the n-th anonymous actor of the next
// incarnation has another id.
func TestAnonymousIDsAreOfOneIncarnation(t *testing.T) {
	a := newSystem(t, actor.Config{Address: "h:1", UID: 1})
	b := newSystem(t, actor.Config{Address: "h:1", UID: 2})
	ref := spawn(t, a, "", doer)
	if other := spawn(t, b, "", doer); other.String() == ref.String() {
		t.Errorf("both are %s", ref)
	}
	if p, q := a.Proto().ProcessRegistry.NextId(), b.Proto().ProcessRegistry.NextId(); p == q {
		t.Errorf("protoactor's own ids are both %s", p)
	}
	late, err := actor.ParseRef[any](b, ref.String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = actor.Ask[any](soon(t), late.With(1))
	wantErr(t, err, actor.ErrNoActor)
}

func TestAdopt(t *testing.T) {
	ps := pa.NewActorSystem(
		pa.WithLoggerFactory(func(*pa.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		pa.WithDeadLetterThrottleInterval(time.Millisecond))
	if _, err := actor.Adopt(ps, actor.Config{Address: "h:1"}); err == nil {
		t.Error("Adopt changed the address of a running system")
	}
	sys, err := actor.Adopt(ps, actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actor.Adopt(ps, actor.Config{}); err == nil {
		t.Error("adopted twice")
	}
	plain := ps.Root.Spawn(pa.PropsFromFunc(func(c pa.Context) {
		if m, ok := c.Message().(string); ok {
			c.Respond("plain " + m)
		}
	}))
	ref := actor.RefOf[string](sys, plain)
	if got := ask[string](t, ref, "hi"); got != "plain hi" {
		t.Errorf("answer = %q", got)
	}
	ask[int](t, spawn(t, sys, "typed", doer), 1)
	_, err = actor.Ask[any](soon(t), actor.RefOf[any](sys, ps.NewLocalPID("nobody")).With(1))
	wantErr(t, err, actor.ErrNoActor)
	if err := sys.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := ps.Root.RequestFuture(plain, "still", 5*time.Second).Result(); got != "plain still" {
		t.Errorf("after Close a foreign actor answers %v, %v", got, err)
	}
	if err := ps.Root.PoisonFuture(plain).Wait(); err != nil {
		t.Error(err)
	}
}

func TestPanickingSubscriberHarmsNobody(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	sys.Proto().EventStream.Subscribe(func(e any) {
		if _, ok := e.(*actor.DeadLetter); ok {
			panic("subscriber")
		}
	})
	sys.DeadLetter(nil, nil, "lost", actor.ErrMailboxFull)
	if got := sys.DeadLetters(); got != (actor.DeadLetterCounts{MailboxFull: 1}) {
		t.Errorf("counts = %+v", got)
	}
}

// TestBlockedActorsDoNotStarveOthers, in the whole stack.
func TestBlockedActorsDoNotStarveOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		echo := spawn(t, sys, "", doer)
		const n = 50
		done := make(chan int, n)
		for range n {
			in(spawn(t, sys, "", doer), func(*actor.Context[any]) {
				got, err := actor.Ask[int](t.Context(), echo.With(1))
				if err != nil {
					t.Error(err)
				}
				done <- got
			})
		}
		for range n {
			<-done
		}
	})
}

// TestEventStreamHasAnAddress: what is sent there is published, bare.
func TestEventStreamHasAnAddress(t *testing.T) {
	for name, cfg := range map[string]actor.Config{"full": {}, "small": {Small: true}} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t, cfg)
			var got []string
			defer sys.Subscribe(func(e any) {
				if m, ok := e.(string); ok {
					got = append(got, m)
				}
			})()
			to := sys.Proto().NewLocalPID("eventstream")
			sys.Proto().Root.Send(to, "plain")
			sys.Proto().Root.Send(to, &pa.MessageEnvelope{Message: "in an envelope"})
			if want := []string{"plain", "in an envelope"}; !slices.Equal(got, want) {
				t.Errorf("published %q, want %q", got, want)
			}
		})
	}
}
