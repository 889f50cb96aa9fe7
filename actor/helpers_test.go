package actor_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pando-go/pando/actor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSystem(t testing.TB, cfg actor.Config) *actor.System {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	sys, err := actor.NewSystem(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sys.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return sys
}

func spawn[M any](t testing.TB, in actor.Spawner, name string, f func(*actor.Context[M], M) error, opts ...actor.SpawnOption) actor.Ref[M] {
	t.Helper()
	return spawnB(t, in, name, actor.Func(f), opts...)
}

func spawnB[M any](t testing.TB, in actor.Spawner, name string, new func() actor.Behavior[M], opts ...actor.SpawnOption) actor.Ref[M] {
	t.Helper()
	ref, err := actor.Spawn(in, name, new, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// asks that a test expects to be answered get this long, for a failing test's sake.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func ask[R, M any](t testing.TB, ref actor.Ref[M], m M) R {
	t.Helper()
	r, err := actor.Ask[R](soon(t), ref.With(m))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
}

// letters collects dead letters.
type letters struct {
	mu  sync.Mutex
	all []*actor.DeadLetter
}

func collect(sys *actor.System) *letters {
	l := &letters{}
	sys.Proto().EventStream.Subscribe(func(e any) {
		if d, ok := e.(*actor.DeadLetter); ok {
			l.mu.Lock()
			l.all = append(l.all, d)
			l.mu.Unlock()
		}
	})
	return l
}

func (l *letters) list() []*actor.DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*actor.DeadLetter(nil), l.all...)
}
