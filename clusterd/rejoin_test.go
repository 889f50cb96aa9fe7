package clusterd

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// rejoins waits until n is Up under a later UID than that of former.
func (c *cluster) rejoins(n *Node, former member.Node) {
	c.t.Helper()
	c.eventually(n.address+" rejoins", func() bool {
		self := n.Self()
		return self.UID > former.UID && self.Status == member.Up
	})
	if self := n.Self().Node; self.UID != n.System().UID() {
		c.t.Errorf("%s: UID %x, its actor system's is %x", n.address, self.UID, n.System().UID())
	}
}

// ends waits until n has ended with an error that matches want.
func (c *cluster) ends(n *Node, want error) {
	c.t.Helper()
	c.eventually(n.address+" ends", func() bool {
		select {
		case <-n.Done():
			return true
		default:
			return false
		}
	})
	if err := n.Err(); !errors.Is(err, want) {
		c.t.Errorf("%s: Err() = %v, want %v", n.address, err, want)
	}
}

// isolate cuts the connections between one node and others, or heals them.
func (c *cluster) isolate(cut bool, one string, others ...string) {
	for _, o := range others {
		if cut {
			c.net.Cut(one, o)
		} else {
			c.net.Heal(one, o)
		}
	}
}

// A node is cut off, removed, and comes back: everything that the program holds
// of it still works.
func TestRejoin(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1")
		p := &probe{}
		cfg := c.config("c:1")
		cfg.Services = []Service{p}
		n := c.start(cfg)
		for _, m := range append(nodes, n) {
			c.sees(m, "a:1", "b:1", "c:1")
		}
		former := n.self()
		heard := listen(t, n)
		for round := range 3 {
			c.isolate(true, "c:1", "a:1", "b:1")
			c.sees(nodes[0], "a:1", "b:1")
			c.isolate(false, "c:1", "a:1", "b:1")
			c.rejoins(n, former)
			for _, m := range append(nodes, n) {
				c.sees(m, "a:1", "b:1", "c:1")
			}
			c.ready(n)
			if _, got, _ := p.told(); len(got) != round+1 || got[round] != "removed" {
				t.Errorf("the service was told %q, want removed %d times", got, round+1)
			}
			former = n.self()
		}
		nodes[0].Post(n.self(), "probe", []byte("hi")) // a has no such service, and c does
		time.Sleep(time.Second)
		if _, got, _ := p.told(); got[len(got)-1] != "a:1 hi" {
			t.Errorf("after the rejoin: got %q, want a message of a:1", got)
		}
		if err := n.Leave(t.Context()); err != nil {
			t.Errorf("Leave() = %v, want nil", err)
		}
		if got := heard(); !slices.Equal(got, []string{"snapshot", "removed", "snapshot", "removed", "snapshot", "removed", "snapshot", "removed"}) {
			t.Errorf("Events told %q, want a snapshot after each removal, and none after leaving", got)
		}
	})
}

// listen collects the snapshots and removals that a node tells until it ends.
func listen(t *testing.T, n *Node) (heard func() []string) {
	var got []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range n.Events(context.Background()) {
			switch e.(type) {
			case Snapshot:
				got = append(got, "snapshot")
			case SelfRemoved:
				got = append(got, "removed")
			}
		}
	}()
	synctest.Wait()
	return func() []string {
		<-done
		return got
	}
}

// An operator's word removes a node, which rejoins, too.
func TestRejoinAfterDown(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		former := nodes[2].self()
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.rejoins(nodes[2], former)
		for _, n := range nodes {
			c.sees(n, "a:1", "b:1", "c:1")
		}
	})
}

// The first seed, too, comes back into the cluster that removed it, and founds none.
func TestFirstSeedRejoins(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		former, id := nodes[0].self(), nodes[1].View().ClusterID
		c.isolate(true, "a:1", "b:1", "c:1")
		c.sees(nodes[1], "b:1", "c:1")
		c.isolate(false, "a:1", "b:1", "c:1")
		c.rejoins(nodes[0], former)
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		if got := nodes[0].View().ClusterID; got != id {
			t.Errorf("cluster %s, want %s, where the others are", got, id)
		}
	})
}

// What is hosted does not stop in time: the node ends, since a copy of it may run
// elsewhere by now.
func TestHandlerThatRunsOnEndsTheNode(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1")
		cfg := c.config("c:1")
		cfg.Services = []Service{&probe{hold: true}}
		n := c.start(cfg)
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.ends(n, ErrRemoved)
		if err := n.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Err() = %v, want it to tell of the deadline", err)
		}
	})
}

// Close ends a node in the middle of a rejoin.
func TestCloseDuringRejoin(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1")
		cfg := c.config("c:1")
		cfg.Services = []Service{&probe{hold: true}}
		cfg.LeaveTimeout = time.Minute
		n := c.start(cfg)
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.sees(nodes[0], "a:1", "b:1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave() = %v, want the context's error", err)
		}
		<-n.Done()
	})
}

// A local actor that watches one of another node hears that its own node was
// removed, lives on, and can be asked.
func TestLocalActorsOutliveTheIncarnation(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		n := nodes[2]
		c.sees(n, "a:1", "b:1", "c:1")
		target, err := actor.Spawn(nodes[0].System(), "target", actor.Func(func(*actor.Context[string], string) error { return nil }))
		if err != nil {
			t.Fatal(err)
		}
		w := &watching{}
		ref, err := actor.Spawn(n.System(), "watcher", func() actor.Behavior[string] { return w })
		if err != nil {
			t.Fatal(err)
		}
		ref.Tell(target.String())
		time.Sleep(time.Second)
		former := n.self()
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.rejoins(n, former)
		if got := w.heard(); got != 1 {
			t.Errorf("Terminated came %d times, want once", got)
		}
		if got, err := actor.Ask[string](t.Context(), ref.With("")); got != "here" || err != nil {
			t.Errorf("after the rejoin: got %q, %v, want an answer", got, err)
		}
	})
}

// watching watches the ref that it is told and answers an empty message.
type watching struct {
	mu   sync.Mutex
	gone int
}

func (w *watching) Receive(c *actor.Context[string], m string) error {
	if m == "" {
		c.Reply("here")
		return nil
	}
	who, err := actor.ParseRef[string](c.System(), m)
	if err == nil {
		c.Watch(who)
	}
	return err
}

func (w *watching) Terminated(*actor.Context[string], actor.Gone) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone++
	return nil
}

func (w *watching) heard() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

func TestNextUID(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	now := time.UnixMilli(1000)
	for _, tt := range []struct {
		name   string
		exceed uint64
		ms     uint64
	}{
		{"the clock's", 0, 1000},
		{"above an old one", 999<<20 | 5, 1000},
		{"in the same millisecond", 1000<<20 | 5, 1001},
		{"a clock that was set back", 5000 << 20, 5001},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := nextUID(now, rng, tt.exceed); got>>20 != tt.ms || got <= tt.exceed {
				t.Errorf("got %x, want %d ms and above %x", got, tt.ms, tt.exceed)
			}
		})
	}
}
