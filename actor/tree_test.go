package actor_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
)

var treeSeeds = flag.Int("trees", 300, "how many random trees TestRandomTrees grows")

// fate is what a node's supervisor always decides.
type fate int

const (
	resumes fate = iota
	restarts
	stops
	escalates
	restartsAll
	stopsAll
	fates
)

func (f fate) Decide(actor.Fault) actor.Decision {
	return [...]actor.Decision{
		actor.Resume(), actor.Restart(0), actor.StopIt(), actor.Escalate(),
		actor.Restart(0).ForAll(), actor.StopIt().ForAll(),
	}[f]
}

// modelNode is an actor of the reference: what it should have come to.
type modelNode struct {
	name   string
	fate   fate
	parent *modelNode
	kids   []*modelNode
	count  int // messages since the last start
	ref    actor.Ref[any]
}

// tree is the reference and the real actors beside it.
type tree struct {
	t     *testing.T
	sys   *actor.System
	rng   *rand.Rand
	roots []*modelNode
	made  int
	log   []string
}

// TestRandomTrees does random things to trees of actors, and to a model of them
// that is too simple to be wrong.
func TestRandomTrees(t *testing.T) {
	seeds := *treeSeeds
	if raceDetector {
		seeds /= 6
	}
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			tr := &tree{t: t, sys: newSystem(t, actor.Config{Small: true}), rng: rand.New(rand.NewPCG(seed, 1))}
			for range 40 {
				tr.step()
			}
			if t.Failed() {
				t.Fatalf("seed %d:\n%s", seed, strings.Join(tr.log, "\n"))
			}
		})
	}
}

func (tr *tree) step() {
	all := tr.all()
	op := tr.rng.IntN(10)
	if len(all) == 0 || op == 0 {
		tr.spawn(nil)
		return
	}
	n := all[tr.rng.IntN(len(all))]
	switch {
	case op < 4:
		tr.spawn(n)
	case op < 6:
		tr.note("tell %s", n.name)
		n.ref.Tell("tick")
		n.count++
	case op == 6:
		tr.note("stop %s", n.name)
		if err := actor.Stop(tr.t.Context(), n.ref); err != nil {
			tr.t.Error(err)
		}
		tr.kill(n)
	default:
		tr.note("fail %s (%d)", n.name, n.fate)
		n.ref.Tell(errBoom)
		tr.fail(n)
	}
	synctest.Wait()
	tr.compare()
}

func (tr *tree) note(format string, args ...any) {
	tr.log = append(tr.log, fmt.Sprintf(format, args...))
}

// ticker counts what it is told, and does as doer does else.
type ticker struct{ n int }

func (b *ticker) Receive(c *actor.Context[any], m any) error {
	switch m {
	case "tick":
		b.n++
	case "count":
		c.Reply(b.n)
	default:
		return doer(c, m)
	}
	return nil
}

func (tr *tree) spawn(parent *modelNode) {
	tr.made++
	n := &modelNode{name: fmt.Sprint("n", tr.made), fate: fate(tr.rng.IntN(int(fates))), parent: parent}
	make := func() actor.Behavior[any] { return &ticker{} }
	sup := actor.WithSupervisor(n.fate)
	if parent == nil {
		tr.note("spawn %s (%d)", n.name, n.fate)
		n.ref = spawnB(tr.t, tr.sys, n.name, make, sup)
		tr.roots = append(tr.roots, n)
		return
	}
	tr.note("spawn %s (%d) under %s", n.name, n.fate, parent.name)
	refs := make2[actor.Ref[any]]()
	in(parent.ref, func(c *actor.Context[any]) {
		ref, err := actor.Spawn(c, n.name, make, sup)
		if err != nil {
			tr.t.Error(err)
		}
		refs <- ref
	})
	n.ref = <-refs
	parent.kids = append(parent.kids, n)
}

func make2[T any]() chan T { return make(chan T, 1) }

// fail is what a failure should come to.
func (tr *tree) fail(n *modelNode) {
	switch n.fate {
	case restarts:
		tr.restart(n)
	case stops:
		tr.kill(n)
	case escalates:
		if n.parent == nil {
			tr.kill(n)
		} else {
			tr.fail(n.parent)
		}
	case restartsAll:
		for _, sib := range tr.siblings(n) {
			tr.restart(sib)
		}
	case stopsAll:
		for _, sib := range tr.siblings(n) {
			tr.kill(sib)
		}
	}
}

func (tr *tree) siblings(n *modelNode) []*modelNode {
	if n.parent == nil {
		return []*modelNode{n}
	}
	return slices.Clone(n.parent.kids)
}

func (tr *tree) restart(n *modelNode) { n.count, n.kids = 0, nil }

func (tr *tree) kill(n *modelNode) {
	list := &tr.roots
	if n.parent != nil {
		list = &n.parent.kids
	}
	*list = slices.DeleteFunc(*list, func(k *modelNode) bool { return k == n })
}

func (tr *tree) all() (all []*modelNode) {
	var walk func([]*modelNode)
	walk = func(kids []*modelNode) {
		for _, k := range kids {
			all = append(all, k)
			walk(k.kids)
		}
	}
	walk(tr.roots)
	return all
}

// compare holds the real tree to the model: the same actors, which answer, and
// have counted the same.
func (tr *tree) compare() {
	want := map[string]bool{}
	for _, n := range tr.all() {
		want[n.ref.PID().Id] = true
		got, err := actor.Ask[int](tr.t.Context(), n.ref.With("count"))
		if err != nil || got != n.count {
			tr.t.Errorf("after %d steps %s has %d, %v, want %d", len(tr.log), n.name, got, err, n.count)
		}
	}
	got := actor.Registered(tr.sys)
	for id := range want {
		if !got[id] {
			tr.t.Errorf("after %d steps %s is gone", len(tr.log), id)
		}
	}
	for id := range got {
		if !want[id] {
			tr.t.Errorf("after %d steps %s is still there", len(tr.log), id)
		}
	}
}

// TestChurn spawns, watches, asks, crashes and stops at random from many
// goroutines; then nothing is left in the registry, no question and no timer.
func TestChurn(t *testing.T) {
	sys := newSystem(t, actor.Config{})
	soonDone := soon(t)
	done := make(chan struct{})
	var held pins
	for w := range uint64(6) {
		go func() {
			defer func() { done <- struct{}{} }()
			rng := rand.New(rand.NewPCG(w, 3))
			for range 150 {
				churn(t, rng, sys, &held)
			}
		}()
	}
	for range 6 {
		<-done
	}
	if left := actor.Registered(sys); len(left) > 0 {
		t.Errorf("%d are left in the registry", len(left))
	}
	if n := actor.OpenAsks(sys); n > 0 {
		t.Errorf("%d questions are left", n)
	}
	if err := sys.Close(soonDone); err != nil {
		t.Error(err)
	}
	if n := held.left(); n > 0 {
		t.Errorf("%d behaviors are still reachable: their timers were left running", n)
	}
}

// pins tell how many behaviors the garbage collector could not free. A timer
// that was not stopped is reachable from the runtime, and so is all that its
// message would reach: its actor and the behavior.
type pins struct{ made, freed atomic.Int64 }

// pin returns a behavior that runs what it is sent, and is counted.
func (p *pins) pin() func() actor.Behavior[any] {
	b := &pinned{}
	p.made.Add(1)
	runtime.AddCleanup(b, func(freed *atomic.Int64) { freed.Add(1) }, &p.freed)
	return func() actor.Behavior[any] { return b }
}

type pinned struct{ _ [16]byte }

func (*pinned) Receive(c *actor.Context[any], m any) error { return doer(c, m) }

// left collects garbage until all is freed, or that has stopped to help.
func (p *pins) left() int64 {
	for range 50 {
		runtime.GC()
		for range 100 { // cleanups have a goroutine of their own
			runtime.Gosched()
		}
		if p.freed.Load() == p.made.Load() {
			break
		}
	}
	return p.made.Load() - p.freed.Load()
}

func churn(t *testing.T, rng *rand.Rand, sys *actor.System, held *pins) {
	sup := actor.WithSupervisor(actor.AllForOne(actor.Backoff{Min: time.Microsecond, Max: time.Millisecond}))
	parent := spawn(t, sys, "", doer, sup)
	kids := make(chan actor.Ref[any], 3)
	in(parent, func(c *actor.Context[any]) {
		for range 3 {
			kid, err := actor.Spawn(c, "", held.pin(), sup)
			if err != nil {
				t.Error(err)
			}
			c.Watch(kid)
			in(kid, func(c *actor.Context[any]) {
				c.After(time.Hour, do(func(*actor.Context[any]) {}))
				c.Every(time.Hour, do(func(*actor.Context[any]) {}))
			})
			c.After(time.Duration(500)*time.Microsecond, do(func(*actor.Context[any]) {}))
			actor.AskThen(c, kid.With(1), time.Millisecond,
				func(int, error) any { return do(func(*actor.Context[any]) {}) })
			kids <- kid
		}
	})
	for range 3 {
		kid := <-kids
		switch rng.IntN(4) {
		case 0:
			kid.Tell(errBoom)
		case 1:
			in(kid, func(c *actor.Context[any]) { c.Stop() })
		case 2:
			parent.Tell(errors.New("parent"))
		}
	}
	if err := actor.Stop(t.Context(), parent); err != nil {
		t.Error(err)
	}
}
