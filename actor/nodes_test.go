package actor_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/remote/memnet"
)

type word = wrapperspb.StringValue

// onNodes runs f with systems that reach each other over a network in memory.
func onNodes(t *testing.T, f func(t *testing.T, here, there *actor.System)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var systems []*actor.System
		var stops []func() error
		for i, address := range []string{"here:1", "there:1"} {
			sys, err := actor.NewSystem(actor.Config{
				Name: "test", Address: address, UID: uint64(i + 1), Small: true, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			ln, err := n.Listen(address)
			if err != nil {
				t.Fatal(err)
			}
			r, err := remote.Listen(sys, ln, remote.Config{Dial: n.Dialer(address), Expose: []string{"*"}, Logger: sys.Log()})
			if err != nil {
				t.Fatal(err)
			}
			systems = append(systems, sys)
			stops = append(stops, func() error {
				return errors.Join(r.Close(context.Background()), sys.Close(context.Background()))
			})
		}
		f(t, systems[0], systems[1])
		for _, stop := range stops {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// abroad is ref as another node sees it.
func abroad[M any](t *testing.T, on *actor.System, ref actor.Ref[M]) actor.Ref[M] {
	t.Helper()
	parsed, err := actor.ParseRef[M](on, ref.String())
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func namer(t *testing.T, on *actor.System, name string) actor.Ref[*word] {
	t.Helper()
	return spawn(t, on, name, func(c *actor.Context[*word], m *word) error {
		c.Reply(wrapperspb.String(name + m.Value))
		return nil
	})
}

// A group's routees may live on other nodes, and so may who asks it.
func TestGroupAcrossNodes(t *testing.T) {
	onNodes(t, func(t *testing.T, here, there *actor.System) {
		a, b := namer(t, here, "a"), namer(t, there, "b")
		for name, r := range map[string]actor.Routing[*word]{
			"turns": actor.RoundRobin[*word], "all": actor.ScatterGather[*word](time.Second),
		} {
			group, err := actor.Group(here, name, []actor.Ref[*word]{a, abroad(t, here, b)}, r)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for range 2 {
				got[ask[*word](t, abroad(t, there, group), wrapperspb.String("!")).Value] = true
			}
			if name == "turns" && (!got["a!"] || !got["b!"]) {
				t.Errorf("%s: answers %v, want both a! and b!", name, got)
			}
		}
		turns, err := actor.ParseRef[*word](here, "pando://test@here:1/turns")
		if err != nil {
			t.Fatal(err)
		}
		if err := actor.Stop(soon(t), b); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		left, err := actor.Routees(soon(t), turns)
		if err != nil || len(left) != 1 || left[0].String() != a.String() {
			t.Errorf("after the end of b: routees %v, %v, want only a", left, err)
		}
	})
}

// An adapter's text leads back to it from other nodes, and a watch of it too.
func TestAdaptAcrossNodes(t *testing.T) {
	onNodes(t, func(t *testing.T, here, there *actor.System) {
		target := spawn(t, here, "target", func(c *actor.Context[string], m string) error {
			c.Reply(wrapperspb.String("got " + m))
			return nil
		})
		adapter := actor.Adapt(target, func(m *word) string { return m.Value })
		far := abroad(t, there, adapter)
		if got := ask[*word](t, far, wrapperspb.String("x")).Value; got != "got x" {
			t.Errorf("answer = %q, want got x", got)
		}
		gone := make(chan string, 1)
		watching := spawnB(t, there, "", func() actor.Behavior[string] {
			return &farWatcher{who: far, gone: gone}
		})
		ask[string](t, watching, "ready?")
		if err := actor.Stop(soon(t), target); err != nil {
			t.Fatal(err)
		}
		if got := <-gone; got != adapter.String() {
			t.Errorf("told of the end of %s, want %s", got, adapter)
		}
	})
}

// farWatcher tells of the end of who.
type farWatcher struct {
	who  actor.Addressable
	gone chan string
}

func (w *farWatcher) Started(c *actor.Context[string]) error { c.Watch(w.who); return nil }

func (w *farWatcher) Receive(c *actor.Context[string], _ string) error { c.Reply("yes"); return nil }

func (w *farWatcher) Terminated(_ *actor.Context[string], who actor.Gone) error {
	w.gone <- who.Ref
	return nil
}
