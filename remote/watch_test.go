package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/mailbox"
)

// watcher is an actor that watches what it is told to and keeps what it hears.
type watcher struct {
	mu  sync.Mutex
	got []string
}

type (
	doWatch   struct{ *pa.PID }
	doUnwatch struct{ *pa.PID }
)

func (w *watcher) Receive(c pa.Context) {
	switch m := c.Message().(type) {
	case doWatch:
		c.Watch(m.PID)
	case doUnwatch:
		c.Unwatch(m.PID)
	case *pa.Terminated:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, fmt.Sprint(m.Who.Address, "/", m.Who.Id, " ", m.Why))
	}
}

func (w *watcher) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got
	w.got = nil
	return got
}

// watcher starts a watcher of some PIDs.
func (n *node) watcher(name string, pids ...*pa.PID) (*watcher, *pa.PID) {
	w := new(watcher)
	pid, err := n.proto.Root.SpawnNamed(pa.PropsFromProducer(func() pa.Actor { return w }, ourMailbox), name)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, p := range pids {
		n.proto.Root.Send(pid, doWatch{fresh(p)})
	}
	synctest.Wait()
	return w, pid
}

// fresh returns a PID that has not resolved its process: that of another
// system would be kept.
func fresh(p *pa.PID) *pa.PID { return &pa.PID{Address: p.Address, Id: p.Id} }

// ourMailbox takes messages before its actor has started: protoactor's own
// races when somebody watches a name that is just being spawned.
var ourMailbox = pa.WithMailbox(mailbox.Unbounded())

// idler starts an actor that does nothing.
func (n *node) idler(name string) *pa.PID {
	pid, err := n.proto.Root.SpawnNamed(pa.PropsFromFunc(func(pa.Context) {}, ourMailbox), name)
	if err != nil {
		n.t.Fatal(err)
	}
	return pid
}

func (n *node) tables(address string) (watching, watchers int) {
	p := n.r.peer(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watching), len(p.watchers)
}

func wantTables(t *testing.T, n *node, address string, watching, watchers int) {
	t.Helper()
	if x, y := n.tables(address); x != watching || y != watchers {
		t.Errorf("%s of %s: got %d watching, %d watchers, want %d and %d", n.node.Address, address, x, y, watching, watchers)
	}
}

func TestTerminatedWhenStopped(t *testing.T) {
	stops := map[string]func(n *node, pid *pa.PID){
		"stop":   func(n *node, pid *pa.PID) { n.proto.Root.Stop(pid) },
		"poison": func(n *node, pid *pa.PID) { n.proto.Root.Poison(pid) },
	}
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				there := b.idler("there")
				w, _ := a.watcher("w", there)
				a.proto.Root.Send(&pa.PID{Address: "a:1", Id: "w"}, doWatch{fresh(there)}) // again
				synctest.Wait()
				wantTables(t, a, "b:1", 1, 0)
				wantTables(t, b, "a:1", 0, 1)
				stop(a, &pa.PID{Address: "b:1", Id: "there"}) // from the other node
				synctest.Wait()
				wantTexts(t, "terminated", w.take(), "b:1/there Stopped")
				a.r.Removed(b.node)
				synctest.Wait()
				wantTexts(t, "terminated after removal", w.take())
				wantTables(t, a, "b:1", 0, 0)
				wantTables(t, b, "a:1", 0, 0)
			})
		})
	}
}

func TestTerminatedWhenThereIsNoActor(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		w, _ := a.watcher("w", b.pid("nobody"))
		wantTexts(t, "terminated", w.take(), "b:1/nobody NotFound")
		wantTables(t, a, "b:1", 0, 0)
		wantTables(t, b, "a:1", 0, 0)
	})
}

func TestUnwatch(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		there := b.idler("there")
		w, pid := a.watcher("w", there)
		a.proto.Root.Send(pid, doUnwatch{fresh(there)})
		synctest.Wait()
		b.proto.Root.Stop(there)
		synctest.Wait()
		wantTexts(t, "terminated", w.take())
		wantTables(t, b, "a:1", 0, 0)
	})
}

func TestALostConnectionTerminatesNobody(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		there := b.idler("there")
		w, _ := a.watcher("w", there)
		c.Cut("a:1", "b:1")
		time.Sleep(time.Minute)
		c.Reset("a:1", "b:1")
		time.Sleep(time.Minute)
		wantTexts(t, "while cut", w.take())
		b.proto.Root.Stop(there)
		time.Sleep(time.Minute)
		wantTexts(t, "while cut", w.take())
		c.Heal("a:1", "b:1")
		time.Sleep(5 * time.Second)
		wantTexts(t, "after the heal", w.take(), "b:1/there Stopped")
	})
}

func TestWatchBeforeThePeerStarts(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		w, _ := a.watcher("w", &pa.PID{Address: "b:1", Id: "there"})
		time.Sleep(time.Minute)
		b := c.start("b:1", 2)
		there := b.idler("there")
		time.Sleep(3 * time.Second)
		wantTexts(t, "terminated", w.take())
		b.proto.Root.Stop(there)
		synctest.Wait()
		wantTexts(t, "terminated", w.take(), "b:1/there Stopped")
	})
}

func TestRestartTerminatesOnRemovalOnly(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		b.idler("there")
		here := a.idler("here")
		w, _ := a.watcher("w", b.pid("there"))
		wb, _ := b.watcher("wb", here)
		c.crash(b)
		a.tell(b.pid("box/1"), "for the old")
		b2 := c.start("b:1", 3)
		b2.idler("there")
		b2.handle("svc")
		a.r.Post(Node{"b:1", 0}, "svc", nil)
		time.Sleep(10 * time.Second)
		wantTexts(t, "after the restart", w.take())
		wantTables(t, a, "b:1", 1, 0) // the former b watches nothing any more
		if dead := a.deads(); len(b2.texts("box/1")) > 0 || len(dead) != 1 || !errors.Is(dead[0].Reason, actor.ErrNodeRemoved) {
			t.Errorf("got dead letters %v, want what was for the old incarnation", dead)
		}
		wb2, _ := b2.watcher("wb", here)
		wantTables(t, a, "b:1", 1, 1)
		a.r.Removed(b.node)
		synctest.Wait()
		wantTexts(t, "after the removal", w.take(), "b:1/there AddressTerminated")
		a.tell(b2.pid("box/1"), "for the new")
		a.proto.Root.Stop(here)
		time.Sleep(time.Second)
		wantTexts(t, "mail", b2.texts("box/1"), "for the new")
		wantTexts(t, "new watcher", wb2.take(), "a:1/here Stopped")
		wantTexts(t, "old watcher", wb.take())
		if len(a.removed) != 1 || a.removed[0] != b.node {
			t.Errorf("got removed %v, want %v", a.removed, b.node)
		}
	})
}

func TestRemoved(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		there, here := b.idler("there"), a.idler("here")
		w, pid := a.watcher("w", there)
		wb, _ := b.watcher("wb", here)
		a.tell(b.pid("box/1"), "1")
		b.tell(a.pid("box/1"), "1")
		time.Sleep(2 * ackDelay) // until they are acknowledged
		c.CutOneWay("b:1", "a:1")
		a.tell(b.pid("box/1"), "unacknowledged")
		synctest.Wait()
		a.r.Removed(b.node)
		a.r.Removed(b.node)
		c.Heal("a:1", "b:1")
		time.Sleep(time.Second)
		wantTexts(t, "terminated", w.take(), "b:1/there AddressTerminated")
		wantTables(t, a, "b:1", 0, 0)
		a.tell(b.pid("box/1"), "late")
		for _, d := range a.deads() {
			if !errors.Is(d.Reason, actor.ErrNodeRemoved) {
				t.Errorf("got %v, want ErrNodeRemoved", d)
			}
		}
		if n := len(a.deads()); n != 2 {
			t.Errorf("got %d dead letters, want 2", n)
		}
		a.proto.Root.Send(pid, doWatch{fresh(there)})
		synctest.Wait()
		wantTexts(t, "a watch after the removal", w.take(), "b:1/there AddressTerminated")

		b.tell(a.pid("box/1"), "2") // refused: user traffic of a removed node
		got := a.handle("svc")
		b.r.Post(a.node, "svc", []byte("am I removed?"))
		a.r.Post(b.node, "svc", []byte("yes"))
		time.Sleep(time.Second)
		wantTexts(t, "mail", a.texts("box/1"), "1")
		posts, _ := got.take()
		wantTexts(t, "control", posts, "b:1#2 am I removed?")
		var refused *RefusedError
		dead := b.deads()
		if len(dead) != 1 || !errors.Is(dead[0].Reason, actor.ErrNodeRemoved) || !errors.As(dead[0].Reason, &refused) || refused.Code != CodeRemoved {
			t.Errorf("got dead letters %v, want one refused as removed", dead)
		}
		a.proto.Root.Stop(here)
		time.Sleep(time.Second)
		wantTexts(t, "the removed node's watcher", wb.take())
	})
}

func TestRemovedBeforeAnyContact(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		w, _ := a.watcher("w", &pa.PID{Address: "b:1", Id: "there"})
		a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, "m")
		a.r.Known(Node{"b:1", 2})
		a.r.Removed(Node{"b:1", 2})
		time.Sleep(time.Second)
		wantTexts(t, "terminated", w.take(), "b:1/there AddressTerminated")
		if dead := a.deads(); len(dead) != 1 || !errors.Is(dead[0].Reason, actor.ErrNodeRemoved) {
			t.Errorf("got dead letters %v, want one", dead)
		}
	})
}

func TestWatchUnderAnotherSpelling(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Alias("bee:1", "b:1")
		x, y := b.idler("x"), b.idler("y")
		w, _ := a.watcher("w", &pa.PID{Address: "bee:1", Id: "x"}, &pa.PID{Address: "bee:1", Id: "y"})
		b.proto.Root.Stop(x)
		synctest.Wait()
		wantTexts(t, "terminated", w.take(), "bee:1/x Stopped")
		a.r.Removed(b.node)
		synctest.Wait()
		wantTexts(t, "terminated", w.take(), "bee:1/y AddressTerminated")
		b.proto.Root.Stop(y)
	})
}

func TestTerminatedExactlyOnceUnderResets(t *testing.T) {
	const n = 200
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		var all []*watcher
		for i := range n {
			there := b.idler(fmt.Sprint("there", i))
			w, _ := a.watcher(fmt.Sprint("w", i), there)
			all = append(all, w)
			if i%7 == 0 {
				c.Reset("a:1", "b:1")
			}
			if i%3 > 0 {
				b.proto.Root.Stop(there)
			}
			if i%5 == 0 {
				c.Reset("a:1", "b:1")
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(10 * time.Second)
		for i, w := range all {
			if got, want := len(w.take()), min(1, i%3); got != want {
				t.Errorf("watcher %d: got %d Terminated, want %d", i, got, want)
			}
		}
		a.r.Removed(b.node)
		synctest.Wait()
		for i, w := range all {
			if got, want := len(w.take()), 1-min(1, i%3); got != want {
				t.Errorf("watcher %d after removal: got %d Terminated, want %d", i, got, want)
			}
		}
	})
}

func TestBoundedSystemLog(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		p := a.r.peer("b:1")
		there, me := &pa.PID{Address: "b:1", Id: "there"}, a.pid("me")
		for range 10_000 {
			p.watch(there, me)
			p.unwatch(there, me)
		}
		q := p.control
		q.mu.Lock()
		defer q.mu.Unlock()
		if x, y := len(q.system.pending), len(q.system.unsent); x != 1 || y > 100 {
			t.Errorf("got %d pending, %d unsent, want 1 and few", x, y)
		}
	})
}

func TestSpawn(t *testing.T) {
	tests := []struct {
		name  string
		kind  string
		check func(pid *pa.PID, err error) bool
	}{
		{"started", "ok", func(pid *pa.PID, err error) bool {
			return err == nil && pid.Address == "b:1" && pid.Id == "ok/id/name"
		}},
		{"unknown kind", "unknown", func(_ *pa.PID, err error) bool { return errors.Is(err, actor.ErrUnknownKind) }},
		{"name taken", "taken", func(_ *pa.PID, err error) bool { return errors.Is(err, actor.ErrNameTaken) }},
		{"failure", "failure", func(_ *pa.PID, err error) bool {
			var f *actor.Failure
			return errors.As(err, &f) && f.Code == "code" && f.Text == "text"
		}},
		{"panic", "panic", func(_ *pa.PID, err error) bool {
			var f *actor.Failure
			return errors.As(err, &f) && f.Code == FailurePanic && f.Text == "boom"
		}},
		{"other", "other", func(_ *pa.PID, err error) bool {
			var f *actor.Failure
			return errors.As(err, &f) && f.Code == FailureSpawn && f.Text == "other"
		}},
	}
	spawn := func(kind, id, name string) (*pa.PID, error) {
		switch kind {
		case "ok":
			return &pa.PID{Address: "b:1", Id: kind + "/" + id + "/" + name}, nil
		case "taken":
			return nil, fmt.Errorf("x: %w", actor.ErrNameTaken)
		case "failure":
			return nil, fmt.Errorf("x: %w", &actor.Failure{Code: "code", Text: "text"})
		case "panic":
			panic("boom")
		case "other":
			return nil, errors.New("other")
		}
		return nil, actor.ErrUnknownKind
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				b.onSpawn = spawn
				for _, from := range []*node{a, b} {
					if pid, err := from.r.spawn(c.t.Context(), "b:1", tt.kind, "id", "name"); !tt.check(pid, err) {
						t.Errorf("from %s: got %v, %v", from.node.Address, pid, err)
					}
				}
			})
		})
	}
}

func TestSpawnThatIsNotAnswered(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		hold := make(chan struct{})
		b.onSpawn = func(string, string, string) (*pa.PID, error) {
			<-hold
			return nil, errors.New("late")
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
		defer cancel()
		if _, err := a.r.spawn(ctx, "b:1", "k", "", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		go func() {
			time.Sleep(time.Second)
			c.Reset("a:1", "b:1")
		}()
		if _, err := a.r.spawn(c.t.Context(), "b:1", "k", "", ""); !errors.Is(err, ErrLost) {
			t.Errorf("got %v, want ErrLost", err)
		}
		if _, err := a.r.spawn(c.t.Context(), "c:1", "k", "", ""); !errors.Is(err, ErrNobody) {
			t.Errorf("got %v, want ErrNobody", err)
		}
		close(hold)
	})
}
