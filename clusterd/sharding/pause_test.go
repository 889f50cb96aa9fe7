package sharding

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
)

// TestFencedEntityBeginsNothing: without a lease an entity handles no message
// and no timer, and none starts; with the lease all of it goes on, in order.
func TestFencedEntityBeginsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		known, fresh := ref(n, room, "known"), ref(n, room, "fresh")
		w.ask(known, "1")
		n.fence(true)
		for i := 2; i <= 5; i++ {
			known.Tell(wrapperspb.String(fmt.Sprint(i)))
			fresh.Tell(wrapperspb.String(fmt.Sprint(i)))
		}
		w.settle()
		if got := n.attached.(*service).router.alive.Load(); got != 1 {
			t.Errorf("%d entities run, want the 1 that ran before", got)
		}
		n.fence(false)
		w.settle()
		if got, want := w.ask(known, "read"), "1,2,3,4,5"; got != want {
			t.Errorf("known: got %s, want %s", got, want)
		}
		if got, want := w.ask(fresh, "read"), "2,3,4,5"; got != want {
			t.Errorf("fresh: got %s, want %s", got, want)
		}
	})
}

// TestFenceKeepsTheOrder fences and lifts while messages flow.
func TestFenceKeepsTheOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		to := ref(n, room, "x")
		var want []string
		for i := range 2000 {
			to.Tell(wrapperspb.String(fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
			switch i % 50 {
			case 7:
				n.fence(true)
			case 11:
				synctest.Wait()
			case 31:
				n.fence(false)
			case 37:
				synctest.Wait()
			}
		}
		n.fence(false)
		w.settle()
		if got := w.ask(to, "read"); got != strings.Join(want, ",") {
			t.Errorf("got %.200s…, want 0 to 1999 in order", got)
		}
	})
}

// TestFencedEntityMoves: what was set aside goes with the slot.
func TestFencedEntityMoves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		to := ref(a, room, "x")
		w.ask(to, "1")
		a.fence(true)
		to.Tell(wrapperspb.String("2"))
		to.Tell(wrapperspb.String("3"))
		synctest.Wait()
		a.fenced.Store(false) // the lease is back, and the slot moves before anybody says so
		for i := range 8 {
			w.start(fmt.Sprintf("n%d:1", i), hosting(room)...)
		}
		w.decide(0)
		w.settle()
		if at := w.ask(to, "where"); at == "a:1" {
			t.Fatal("the slot did not move")
		}
		if got, want := w.ask(to, "read"), "1,2,3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// sleeper waits for its context to end.
type sleeper struct{ woken chan<- time.Duration }

func (s *sleeper) Receive(c *actor.Context[*text], m *text) error {
	begin := time.Now()
	select {
	case <-c.Context().Done():
		s.woken <- time.Since(begin)
	case <-time.After(time.Minute):
		s.woken <- -1
	}
	return nil
}

// TestFenceEndsContexts: a handler that still runs is told to return, and the
// next one gets a context that lives.
func TestFenceEndsContexts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		woken := make(chan time.Duration, 10)
		kind := actor.NewKind("sleeper", func(string) actor.Behavior[*text] { return &sleeper{woken} })
		n := w.start("a:1", hosting(kind)...)
		w.decide(0)
		w.settle()
		for range 2 {
			ref(n, kind, "x").Tell(wrapperspb.String(""))
			time.Sleep(5 * time.Second)
			n.fence(true)
			if got := <-woken; got != 5*time.Second {
				t.Errorf("context ended after %v, want 5s", got)
			}
			n.fence(false)
			time.Sleep(time.Second)
		}
	})
}

// TestLeaseThatComesBackUnheard: the lease was late by a moment, which the gate
// of an entity has seen and the node's loop has not. What was set aside goes on.
func TestLeaseThatComesBackUnheard(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		known, fresh := ref(n, room, "known"), ref(n, room, "fresh")
		w.ask(known, "1")
		n.fenced.Store(true)
		known.Tell(wrapperspb.String("2"))
		fresh.Tell(wrapperspb.String("3"))
		synctest.Wait()
		n.fenced.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		for r, want := range map[*actor.Ref[*text]]string{&known: "1,2", &fresh: "3"} {
			if got := w.ask(*r, "read"); got != want {
				t.Errorf("%s: got %s, want %s", r, got, want)
			}
		}
	})
}
