package remote

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// Who may not reach a name may not take it either.
func TestSpawnedNamesMustBeExposed(t *testing.T) {
	for _, tt := range []struct {
		name string
		want error
	}{
		{"", nil},
		{"worker/1", nil},
		{"billing", actor.ErrNotExposed},
		{"$guardian", actor.ErrBadName},
		{"$entities", actor.ErrBadName},
		{"$own.1", actor.ErrBadName},
		{"eventstream", actor.ErrBadName},
		{"worker/1#2", actor.ErrBadName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2, expose("worker/*"))
				started := 0
				b.onSpawn = func(_, _, name string) (*pa.PID, error) {
					started++
					return &pa.PID{Address: "b:1", Id: "x" + name}, nil
				}
				_, err := a.r.spawn(c.t.Context(), "b:1", "kind", "id", tt.name)
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if want := map[bool]int{true: 1}[tt.want == nil]; started != want {
					t.Errorf("got %d started, want %d", started, want)
				}
			})
		})
	}
}

func TestSpawnThatTakesTooLong(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2, func(c *Config) { c.SpawnTimeout = time.Second })
		hold := make(chan struct{})
		stopped := make(chan struct{})
		b.onSpawn = func(string, string, string) (*pa.PID, error) {
			<-hold
			return b.proto.Root.Spawn(pa.PropsFromFunc(func(x pa.Context) {
				if _, ok := x.Message().(*pa.Stopped); ok {
					close(stopped)
				}
			})), nil
		}
		begun := time.Now()
		_, err := a.r.spawn(c.t.Context(), "b:1", "kind", "id", "")
		var failure *actor.Failure
		if !errors.As(err, &failure) || failure.Code != FailureTimeout || time.Since(begun) != time.Second {
			t.Errorf("got %v after %v, want a timeout after a second", err, time.Since(begun))
		}
		close(hold)
		<-stopped // nobody knows of it, so it must not stay
	})
}

// Constructors that hang take their peer's share, not the node's.
func TestSpawnsOfOnePeerAreLimited(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b, d := c.start("a:1", 1), c.start("b:1", 2), c.start("d:1", 3)
		hold := make(chan struct{})
		var running atomic.Int32
		b.onSpawn = func(kind, _, _ string) (*pa.PID, error) {
			running.Add(1)
			if kind == "slow" {
				<-hold
			}
			return &pa.PID{Address: "b:1", Id: "x"}, nil
		}
		results := make(chan error, maxPeerSpawns+1)
		for range maxPeerSpawns + 1 {
			go func() {
				_, err := a.r.spawn(c.t.Context(), "b:1", "slow", "", "")
				results <- err
			}()
		}
		synctest.Wait()
		var failure *actor.Failure
		if err := <-results; !errors.As(err, &failure) || failure.Code != FailureBusy || running.Load() != maxPeerSpawns {
			t.Errorf("got %v with %d running, want one too many", err, running.Load())
		}
		if _, err := d.r.spawn(c.t.Context(), "b:1", "fast", "", ""); err != nil {
			t.Errorf("another peer is kept out: %v", err)
		}
		close(hold)
		for range maxPeerSpawns {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if _, err := a.r.spawn(c.t.Context(), "b:1", "fast", "", ""); err != nil {
			t.Errorf("after that: %v", err)
		}
	})
}

// TestRemoteSpawnHarmsNothing is about real actors: kinds with arguments, and every
// way to fail, beside one that lives through it all.
func TestRemoteSpawnHarmsNothing(t *testing.T) {
	type word = string
	kind := func(name string, f func(id string) actor.Behavior[word]) actor.Kind[word] {
		return actor.NewKind(name, f)
	}
	echo := kind("echo", func(id string) actor.Behavior[word] {
		return actor.Func(func(c *actor.Context[word], m word) error { c.Reply(id + " " + m); return nil })()
	})
	panics := kind("panics", func(id string) actor.Behavior[word] { panic("boom " + id) })
	nothing := kind("nothing", func(string) actor.Behavior[word] { return nil })
	local := kind("local", echo.New) // not registered: not exposed
	actorNodes(t, func(t *testing.T, here, there *actor.System) {
		if err := there.Register(echo, panics, nothing); err != nil {
			t.Fatal(err)
		}
		r := remoteOf(t, here, "there:1")
		first, err := Spawn(t.Context(), r, "there:1", echo, "Ada", "worker/1")
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			kind actor.Kind[word]
			id   string
			want func(error) bool
		}{
			{"worker/2", echo, "Bob", func(err error) bool { return err == nil }},
			{"", echo, "Cleo", func(err error) bool { return err == nil }},
			{"worker/1", echo, "Eve", func(err error) bool { return errors.Is(err, actor.ErrNameTaken) }},
			{"worker/3", local, "", func(err error) bool { return errors.Is(err, actor.ErrUnknownKind) }},
			{"service", echo, "", func(err error) bool { return errors.Is(err, actor.ErrNotExposed) }},
			{"worker/4", panics, "x", func(err error) bool {
				var f *actor.Failure
				return errors.As(err, &f) && strings.Contains(f.Text, "boom x")
			}},
			{"worker/5", nothing, "", func(err error) bool { return errors.As(err, new(*actor.Failure)) }},
			{"worker/6", echo, strings.Repeat("x", 2000), func(err error) bool { return errors.Is(err, ErrTooLarge) }},
		} {
			ref, err := Spawn(t.Context(), r, "there:1", tt.kind, tt.id, tt.name)
			if !tt.want(err) {
				t.Errorf("%s %s: got %v", tt.kind.Name, tt.name, err)
			}
			if err == nil {
				if got, err := actor.Ask[word](t.Context(), ref.With("?")); err != nil || got != tt.id+" ?" {
					t.Errorf("%s: got %q, %v", tt.name, got, err)
				}
			}
			if got, err := actor.Ask[word](t.Context(), first.With("!")); err != nil || got != "Ada !" {
				t.Errorf("after %s %s: the first actor says %q, %v", tt.kind.Name, tt.name, got, err)
			}
		}
	}, expose("worker/*"))
}

// remoteOf finds the Remote of a system by one of its peers.
func remoteOf(t *testing.T, sys *actor.System, address string) *Remote {
	t.Helper()
	process, ok := sys.Proto().ProcessRegistry.Get(&pa.PID{Address: address, Id: "x"})
	if !ok {
		t.Fatalf("%s does not resolve", address)
	}
	return process.(*route).p.Load().r
}
