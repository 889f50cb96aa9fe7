package sharding

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

func with(k actor.Kind[*text], opts ...Option) installer { return hosted[*text]{k, opts} }

func TestPassivateAfter(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", with(room, PassivateAfter(8*time.Second)))
		w.decide(0)
		w.settle()
		busy, lazy := ref(a, room, "busy"), ref(a, room, "lazy")
		w.ask(lazy, "one")
		for i := range 12 {
			w.ask(busy, fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if ids := slices.Collect(idsOf(a, "room")); !slices.Equal(ids, []string{"busy"}) {
			t.Errorf("running are %v, want only the busy one", ids)
		}
		if got := w.ask(lazy, "read"); got != "" {
			t.Errorf("the lazy one has %q, want to be fresh", got)
		}
		if got, want := w.ask(busy, "read"), "0,1,2,3,4,5,6,7,8,9,10,11"; got != want {
			t.Errorf("the busy one has %q, want %q", got, want)
		}
		if got := stats(a).Passivated; got != 1 {
			t.Errorf("%d were passivated, want 1", got)
		}
	})
}

func TestAtMost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", with(room, AtMost(5)))
		w.decide(0)
		w.settle()
		for i := range 12 {
			w.ask(ref(a, room, fmt.Sprint(i)), "x")
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		ids := slices.Sorted(idsOf(a, "room"))
		if want := []string{"10", "11", "7", "8", "9"}; !slices.Equal(ids, want) {
			t.Errorf("running are %v, want the last five %v", ids, want)
		}
	})
}

func TestRememberedStartWithoutMessage(t *testing.T) {
	var starts atomic.Int32
	kind := actor.NewKind("daemon", func(id string) actor.Behavior[*text] { starts.Add(1); return &journal{id: id} })
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", with(kind, Remember()))
		w.decide(0)
		w.settle()
		for i := range 40 {
			w.ask(ref(a, kind, fmt.Sprint("d", i)), "x")
		}
		for i := range 10 { // these end by themselves
			ref(a, kind, fmt.Sprint("d", i)).Tell(wrapperspb.String("stop"))
		}
		w.settle()
		b := w.start("b:1", with(kind, Remember()))
		w.decide(0)
		w.settle()
		na, nb := stats(a).Kinds[0].Entities, stats(b).Kinds[0].Entities
		if na+nb != 30 || nb < 5 {
			t.Errorf("a runs %d and b %d, want 30 together and some on b", na, nb)
		}
		if got := starts.Load(); got != int32(40+nb) {
			t.Errorf("%d starts, want 40 and the %d that moved", got, nb)
		}
	})
}

func TestOptionsThatContradict(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for name, opts := range map[string][]Option{
			"remember and passivate": {Remember(), AtMost(5)},
			"too short":              {PassivateAfter(time.Millisecond)},
			"negative":               {AtMost(-1)},
		} {
			if _, err := mannerOf("room", opts); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func TestOnRole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		back := func(n *fakeNode) { n.roles = []string{"back"} }
		a := w.startWith("a:1", back, with(room, OnRole("back")))
		b := w.start("b:1", with(room, OnRole("back")))
		w.decide(0)
		w.settle()
		for i := range 20 {
			if got := w.ask(ref(b, room, fmt.Sprint(i)), "where"); got != "a:1" {
				t.Errorf("%d runs on %s, want a:1, which plays the role", i, got)
			}
		}
		if n := len(stats(b).Kinds); n != 0 || stats(a).Kinds[0].Slots != slots.Count {
			t.Errorf("b hosts %d kinds, a %+v", n, stats(a).Kinds)
		}
	})
}

func TestQueries(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		p := w.start("p:1", proxy{})
		w.decide(0)
		w.settle()
		slot := slots.Of("{tag}")
		for i := range 5 {
			w.ask(ref(p, room, fmt.Sprintf("{tag}%d", i)), "x")
		}
		at := locate(p, "room", slot)
		home := map[string]*fakeNode{"a:1": a, "b:1": b}[at.Address]
		if home == nil || at.Local || at.Epoch == 0 {
			t.Fatalf("locate at the proxy = %+v", at)
		}
		if got := locate(home, "room", slot); !got.Local || got.Moving || got.Address != at.Address || got.Epoch != at.Epoch {
			t.Errorf("locate at the home = %+v, want %+v, local", got, at)
		}
		if got, want := inSlot(home, "room", slot, 3), []string{"{tag}0", "{tag}1", "{tag}2"}; !slices.Equal(got, want) {
			t.Errorf("the first 3 in the slot are %v, want %v", got, want)
		}
		if got := len(inSlot(home, "room", slot, -1)); got != 5 {
			t.Errorf("%d entities in the slot, want 5", got)
		}
		for _, n := range []*fakeNode{a, b} {
			if got, want := table(n, "room"), table(p, "room"); len(want) < 2 || !slices.Equal(got, want) {
				t.Errorf("table of %s = %v, want %v as the proxy has", n.self, got, want)
			}
		}
	})
}

// A dry run says what then happens.
func TestPreview(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.start("b:1", hosting(room)...)
		w.decide(0)
		w.settle()
		list := preview(a, "room", Change{Join: []slots.Member{{Node: "c:1"}}})
		dry := new(slots.Set)
		for _, m := range list {
			if m.To != "c:1" {
				t.Errorf("movement %+v, want all to go to c:1", m)
			}
			dry.AddRange(uint16(m.First), uint16(m.Last))
		}
		if n := dry.Len(); n != slots.Count/3 {
			t.Errorf("%d slots would move, want %d", n, slots.Count/3)
		}
		c := w.start("c:1", hosting(room)...)
		w.decide(0)
		w.settle()
		real := c.attached.(*service).machine.Held("room")
		if !real.Equal(dry) {
			t.Errorf("%d slots have moved, want those of the dry run", real.Len())
		}
		if list := preview(a, "room", Change{}); len(list) != 0 {
			t.Errorf("without a change %v would move, want nothing", list)
		}
	})
}

func TestEvents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		for i := range 200 {
			w.ask(ref(a, room, fmt.Sprint("r", i)), "some state")
		}
		done := make(chan []Progress)
		go func() {
			var list []Progress
			for p := range eventsOf(t.Context(), a) {
				list = append(list, p)
				if p.Total == slots.Count/2 && p.Left == 0 {
					break
				}
			}
			done <- list
		}()
		w.start("b:1", hosting(room)...)
		w.decide(0)
		list := <-done
		last := list[len(list)-1]
		if last.Bytes < 100*10 || last.ETA != 0 {
			t.Errorf("the last event is %+v, want the bytes of about 100 entities", last)
		}
		for i, p := range list[1:] {
			if before := list[i]; p.Total == before.Total && p.Left > before.Left {
				t.Errorf("%d slots are left after %d", p.Left, before.Left)
			}
		}
	})
}

// One node's entities get nearly all messages: slots are exchanged until the
// load is even, and the numbers stay.
func TestRebalanceByLoad(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		w.decide(0)
		w.settle()
		var hot []string
		for i := range 12 {
			hot = append(hot, w.idAt(a, "room", i))
		}
		for range 600 {
			for _, id := range hot {
				ref(b, room, id).Tell(wrapperspb.String("x"))
			}
			time.Sleep(80 * time.Millisecond)
		}
		w.settle()
		on := map[string]int{}
		for _, id := range hot {
			on[home(a, "room", id)]++
		}
		if on["a:1"] < 4 || on["b:1"] < 4 {
			t.Errorf("hot entities are at %v, want about as many on each", on)
		}
		if x, y := stats(a).Kinds[0].Slots, stats(b).Kinds[0].Slots; x != y {
			t.Errorf("a has %d slots and b %d, want the same", x, y)
		}
		for _, id := range hot {
			if got := len(w.ask(ref(a, room, id), "read")); got != 2*600-1 {
				t.Errorf("%s has %d bytes of lines, want all 600", id, got)
			}
		}
	})
}

// When the whole cluster stops, entities stop where they are.
func TestShutdownMovesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		w.decide(0)
		w.settle()
		for i := range 20 {
			w.ask(ref(a, room, fmt.Sprint(i)), "x")
		}
		before := stats(a).Kinds[0].Slots
		w.shutdown = true
		a.status, b.status = member.Leaving, member.Leaving
		w.decide(50 * time.Millisecond)
		<-a.drained
		<-b.drained
		if got := stats(a); got.Kinds[0].Slots != before || got.Kinds[0].Entities != 0 || got.Moved != 0 {
			t.Errorf("a has %+v, want its %d slots, no entities and nothing moved", got, before)
		}
	})
}
