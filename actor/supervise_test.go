package actor_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"

	"github.com/pando-go/pando/actor"
)

// diary records what happens to a behavior.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(want, d.lines); diff != "" {
		t.Errorf("diary (-want +got):\n%s", diff)
	}
	d.lines = nil
}

// chronicler is a behavior that does as it is told and writes it down.
type chronicler struct {
	d      *diary
	start  func(c *actor.Context[any]) error
	onGone func(c *actor.Context[any], g actor.Gone) error
}

func (b *chronicler) Started(c *actor.Context[any]) error {
	b.d.add("started")
	if b.start != nil {
		return b.start(c)
	}
	return nil
}

func (b *chronicler) Stopped(_ *actor.Context[any], cause error) {
	if cause != nil {
		b.d.add("stopped: " + cause.Error())
	} else {
		b.d.add("stopped")
	}
}

func (b *chronicler) Terminated(c *actor.Context[any], g actor.Gone) error {
	line := "gone"
	if g.Why != nil {
		line += ": " + g.Why.Error()
	}
	b.d.add(line)
	if b.onGone != nil {
		return b.onGone(c, g)
	}
	return nil
}

func (b *chronicler) Receive(c *actor.Context[any], m any) error {
	if s, ok := m.(string); ok {
		b.d.add(s)
		return nil
	}
	return doer(c, m)
}

func spawnChronicler(t *testing.T, in actor.Spawner, d *diary, opts ...actor.SpawnOption) actor.Ref[any] {
	t.Helper()
	return spawnB(t, in, "", func() actor.Behavior[any] { return &chronicler{d: d} }, opts...)
}

var errBoom = errors.New("boom")

func TestRestartAfterBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		ref.Tell(errBoom)
		ref.Tell("after")
		synctest.Wait()
		d.want(t, "started")
		time.Sleep(5 * time.Millisecond)
		d.want(t)
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		d.want(t, "stopped: boom", "started", "after")
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		d.want(t, "stopped")
	})
}

// TestRestartForEver: a hundred failures in a row, each a restart, ten seconds
// apart in the end.
func TestRestartForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d)
		begun := time.Now()
		for range 100 {
			ref.Tell(errBoom)
		}
		if _, err := actor.Ask[int](t.Context(), ref.With(0)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < 700*time.Second || took > 1200*time.Second {
			t.Errorf("100 restarts took %v, want about 900 s", took)
		}
	})
}

func TestSupervisors(t *testing.T) {
	tests := map[string]struct {
		s    actor.Supervisor
		want []string
	}{
		"stop":     {actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.StopIt() }), []string{"started", "stopped: boom"}},
		"resume":   {actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Resume() }), []string{"started", "after"}},
		"restart":  {actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Restart(0) }), []string{"started", "stopped: boom", "started", "after"}},
		"escalate": {actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Escalate() }), []string{"started", "stopped: boom"}},
		"limit":    {actor.Backoff{Limit: -1}, []string{"started", "stopped: boom", "started", "after"}},
		"panic":    {actor.SupervisorFunc(func(actor.Fault) actor.Decision { panic("no idea") }), []string{"started", "stopped"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys, d := newSystem(t, actor.Config{}), &diary{}
				ref := spawnChronicler(t, sys, d, actor.WithSupervisor(test.s))
				ref.Tell(errBoom)
				ref.Tell("after")
				time.Sleep(time.Second)
				d.want(t, test.want...)
			})
		})
	}
}

func TestBackoffLimitStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		ref := spawnChronicler(t, sys, d, actor.WithSupervisor(actor.Backoff{Limit: 1}))
		ref.Tell(errBoom)
		ref.Tell(errBoom)
		time.Sleep(time.Second)
		d.want(t, "started", "stopped: boom", "started", "stopped: boom")
		_, err := actor.Ask[any](t.Context(), ref.With(1))
		wantErr(t, err, actor.ErrStopped)
	})
}

// TestEscalate: the child's failure is its parent's, whose restart stops the child.
func TestEscalate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d, kid := newSystem(t, actor.Config{}), &diary{}, &diary{}
		up := actor.WithSupervisor(actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Escalate() }))
		var child actor.Ref[any]
		ref := spawnB(t, sys, "parent", func() actor.Behavior[any] {
			return &chronicler{d: d, start: func(c *actor.Context[any]) (err error) {
				child, err = actor.Spawn(c, "child", func() actor.Behavior[any] { return &chronicler{d: kid} }, up)
				return err
			}}
		})
		ask[int](t, ref, 1)
		child.Tell(errBoom)
		time.Sleep(time.Second)
		d.want(t, "started", "stopped: child pando://local@/parent/child failed: boom", "started")
		kid.want(t, "started", "stopped", "started")
	})
}

func TestFailureInStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		n := 0
		ref := spawnB(t, sys, "", func() actor.Behavior[any] {
			return &chronicler{d: d, start: func(*actor.Context[any]) error {
				if n++; n < 3 {
					return errBoom
				}
				return nil
			}}
		})
		ref.Tell("hi")
		time.Sleep(time.Second)
		d.want(t, "started", "stopped: boom", "started", "stopped: boom", "started", "hi")
	})
}

func TestConstructorPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		n := 0
		make := func() actor.Behavior[any] {
			if n++; n != 2 {
				panic("no")
			}
			return actor.Func(doer)()
		}
		_, err := actor.Spawn(sys, "x", make)
		var se *actor.SpawnError
		if !errors.As(err, &se) || se.Name != "x" || !strings.Contains(se.Err.Error(), "no") {
			t.Errorf("Spawn = %v, want a SpawnError", err)
		}
		ref := spawnB(t, sys, "x", make)
		ref.Tell(errBoom)
		time.Sleep(time.Minute) // restarts keep failing in the constructor
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wantErr(t, actor.Stop(ctx, ref), context.DeadlineExceeded) // it never gets that far
	})
}

func TestStopWhileWaitingForRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		dead := collect(sys)
		ref := spawnChronicler(t, sys, d, actor.WithSupervisor(actor.Backoff{Min: time.Hour}))
		ref.Tell(errBoom)
		synctest.Wait()
		result := make(chan error)
		go func() {
			_, err := actor.Ask[any](t.Context(), ref.With("kept"))
			result <- err
		}()
		synctest.Wait()
		sys.Proto().Root.Stop(ref.PID())
		wantErr(t, <-result, actor.ErrStopped)
		time.Sleep(3 * time.Hour)
		d.want(t, "started", "stopped")
		if got := dead.list(); len(got) != 1 || got[0].Message != "kept" || !errors.Is(got[0].Reason, actor.ErrStopped) {
			t.Errorf("dead letters = %+v, want the one that was queued", got)
		}
	})
}

// TestNoResurrection: a restart that comes after the stop must not bring the actor
// back, as it does under protoactor's own mailbox.
func TestNoResurrection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		now := actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Restart(0) })
		ref := spawnChronicler(t, sys, d, actor.WithSupervisor(now))
		ref.Tell(do(func(c *actor.Context[any]) {
			c.Stop()
			panic("and out")
		}))
		time.Sleep(time.Second)
		d.want(t, "started", "stopped")
	})
}

func TestPoisonIsReportedWithStackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		sys := newSystem(t, actor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		var faults int
		sys.Proto().EventStream.Subscribe(func(e any) {
			if _, ok := e.(*actor.Fault); ok {
				faults++
			}
		})
		ref := spawn(t, sys, "p", doer)
		for range 5 {
			ref.Tell(do(func(*actor.Context[any]) { panic("ouch") }))
		}
		ask[int](t, ref, 1)
		if got := strings.Count(log.String(), "actor failed"); got != 1 {
			t.Errorf("reported in full %d times, want once:\n%s", got, &log)
		}
		if !strings.Contains(log.String(), "supervise_test.go") {
			t.Errorf("no stack in:\n%s", &log)
		}
		if got := strings.Count(log.String(), "actor keeps failing"); got != 2 {
			t.Errorf("counted %d times, want at the 2nd and the 4th:\n%s", got, &log)
		}
		if faults != 5 {
			t.Errorf("%d faults published, want 5", faults)
		}
	})
}

func TestPlainChildIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t, actor.Config{})
		starts := make(chan int, 10)
		props := pa.PropsFromFunc(func(c pa.Context) {
			switch c.Message().(type) {
			case *pa.Started:
				starts <- 1
			case string:
				panic("ouch")
			}
		})
		kids := make(chan *pa.PID, 1)
		parent := spawn(t, sys, "", doer)
		parent.Tell(do(func(c *actor.Context[any]) { kids <- c.Proto().Spawn(props) }))
		<-starts
		sys.Proto().Root.Send(<-kids, "fail")
		<-starts
	})
}

func TestPropsUnderProtoactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, d := newSystem(t, actor.Config{}), &diary{}
		props := actor.Props(func() actor.Behavior[any] { return &chronicler{d: d} })
		pid := sys.Proto().Root.Spawn(props)
		sys.Proto().Root.Send(pid, "one")
		sys.Proto().Root.Send(pid, errBoom)
		sys.Proto().Root.Send(pid, "two")
		time.Sleep(time.Second)
		d.want(t, "started", "one", "stopped: boom", "started", "two")
	})
}
