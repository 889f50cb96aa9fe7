package clusterd_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/remote/memnet"
)

type text = wrapperspb.StringValue

// ledger notes where entities run, over all nodes of a test.
type ledger struct {
	mu      sync.Mutex
	running map[string][]string // id → nodes
}

// note adds or takes away one run of an entity.
func (l *ledger) note(id, node string, begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if begins {
		l.running[id] = append(l.running[id], node)
		return
	}
	l.running[id] = slices.DeleteFunc(l.running[id], func(n string) bool { return n == node })
}

// at lists the nodes that run an entity.
func (l *ledger) at(id string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.running[id])
}

// thing is an entity that answers with the node that it runs on. A message
// "slow" keeps it for a while.
type thing struct {
	id   string
	node string
	l    *ledger
}

func (e *thing) Started(c *actor.Context[*text]) error {
	e.node = c.System().Address()
	e.l.note(e.id, e.node, true)
	return nil
}

func (e *thing) Stopped(*actor.Context[*text], error) { e.l.note(e.id, e.node, false) }

func (e *thing) Receive(c *actor.Context[*text], m *text) error {
	if m.Value == "slow" {
		time.Sleep(3 * time.Second)
	}
	c.Reply(wrapperspb.String(e.node))
	return nil
}

// A node that hosts entities is cut off, removed and healed. Its entities end
// before it joins again; afterwards all entities are reached from every node,
// also from the one that came back, by refs that were made before.
func TestEntitiesAfterRejoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{running: map[string][]string{}}
		kind := actor.NewKind("thing", func(id string) actor.Behavior[*text] { return &thing{id: id, l: l} })
		net := memnet.New()
		var nodes []*clusterd.Node
		for _, a := range []string{"a:1", "b:1", "c:1"} {
			nodes = append(nodes, startOn(t, net, a, kind))
		}
		c := nodes[2]
		upEverywhere(t, nodes)
		var ids []string
		for i := range 40 {
			ids = append(ids, fmt.Sprint("id", i))
		}
		refs := refsOf(c, kind, ids)
		if homes := askAll(t, refs); !slices.Contains(homes, "c:1") {
			t.Fatalf("homes = %q, want some at c:1", homes)
		}
		former := c.Self().Node
		for _, o := range []string{"a:1", "b:1"} {
			net.Cut("c:1", o)
		}
		waitFor(t, "removal of c", func() bool { return len(nodes[0].View().Members) == 2 })
		if homes := askAll(t, refsOf(nodes[0], kind, ids)); slices.Contains(homes, "c:1") {
			t.Errorf("homes = %q, want none at c:1", homes)
		}
		for _, o := range []string{"a:1", "b:1"} {
			net.Heal("c:1", o)
		}
		waitFor(t, "rejoin of c", func() bool { s := c.Self(); return s.UID > former.UID && s.Status == member.Up })
		upEverywhere(t, nodes)
		time.Sleep(5 * time.Second) // slots move
		for _, n := range nodes {
			askAll(t, refsOf(n, kind, ids))
		}
		if homes := askAll(t, refs); !slices.Contains(homes, "c:1") {
			t.Errorf("homes = %q, want some at c:1 again", homes)
		}
		for _, id := range ids {
			if at := l.at(id); len(at) != 1 {
				t.Errorf("%s runs at %q, want one node", id, at)
			}
		}
	})
}

// The rejoin waits for a handler that runs.
func TestRejoinWaitsForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{running: map[string][]string{}}
		kind := actor.NewKind("thing", func(id string) actor.Behavior[*text] { return &thing{id: id, l: l} })
		net := memnet.New()
		nodes := []*clusterd.Node{startOn(t, net, "a:1", kind), startOn(t, net, "b:1", kind)}
		upEverywhere(t, nodes)
		var id string
		for i := 0; ; i++ {
			if id = fmt.Sprint("id", i); sharding.Home(nodes[1], "thing", id) == "b:1" {
				break
			}
		}
		ref := sharding.Ref(nodes[1], kind, id)
		ref.Tell(wrapperspb.String("slow"))
		synctest.Wait()
		former := nodes[1].Self().Node
		if err := nodes[0].Down(t.Context(), "b:1"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "removal of b", func() bool { return len(nodes[0].View().Members) == 1 })
		if at := l.at(id); !slices.Equal(at, []string{"b:1"}) || nodes[1].Self().UID != former.UID {
			t.Errorf("while a handler runs: entity at %q, UID new: %t; want it at b:1 under the old one", at, nodes[1].Self().UID != former.UID)
		}
		waitFor(t, "rejoin of b", func() bool { s := nodes[1].Self(); return s.UID > former.UID && s.Status == member.Up })
		askAll(t, refsOf(nodes[1], kind, []string{id}))
	})
}

func startOn(t *testing.T, net *memnet.Network, address string, kind actor.Kind[*text]) *clusterd.Node {
	t.Helper()
	n, err := clusterd.Start(t.Context(), clusterd.On(net, clusterd.Config{
		Name: "test", Listen: address, Seeds: []string{"a:1", "b:1"}, Plaintext: true, Timing: engine.Fast(),
		Services: []clusterd.Service{sharding.Host(kind)}, Logger: slog.New(slog.DiscardHandler),
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = n.Leave(ctx) // the last ones have nobody left to agree with
	})
	return n
}

// waitFor waits in virtual time for a condition.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within 30 s: %s", what)
}

func upEverywhere(t *testing.T, nodes []*clusterd.Node) {
	t.Helper()
	for _, n := range nodes {
		waitFor(t, n.Self().Address+" sees all up", func() bool {
			v := n.View()
			return v.Converged && len(v.Members) == len(nodes) &&
				!slices.ContainsFunc(v.Members, func(m clusterd.Member) bool { return m.Status != member.Up })
		})
	}
}

func refsOf(n *clusterd.Node, kind actor.Kind[*text], ids []string) (refs []actor.Ref[*text]) {
	for _, id := range ids {
		refs = append(refs, sharding.Ref(n, kind, id))
	}
	return refs
}

// askAll asks each entity where it runs.
func askAll(t *testing.T, refs []actor.Ref[*text]) (homes []string) {
	t.Helper()
	for _, ref := range refs {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		at, err := actor.Ask[*text](ctx, ref.With(wrapperspb.String("where")))
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		homes = append(homes, at.Value)
	}
	return homes
}
