package sharding

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type text = wrapperspb.StringValue

// journal is an entity that remembers every line that it was sent.
type journal struct {
	id    string
	lines []string
}

func (j *journal) Receive(c *actor.Context[*text], m *text) error {
	switch m.Value {
	case "read":
		c.Reply(wrapperspb.String(strings.Join(j.lines, ",")))
	case "where":
		c.Reply(wrapperspb.String(c.System().Address()))
	case "stop":
		c.Stop()
	case "fail":
		return errors.New("failed as told")
	default:
		j.lines = append(j.lines, m.Value)
		c.Reply(wrapperspb.String(m.Value))
	}
	return nil
}

// mover is a journal whose lines move with it.
type mover struct{ journal }

func (m *mover) Snapshot() (proto.Message, error) {
	return wrapperspb.String(strings.Join(m.lines, ",")), nil
}

func (m *mover) Restore(state proto.Message) error {
	if s := state.(*text).Value; s != "" {
		m.lines = strings.Split(s, ",")
	}
	return nil
}

var (
	room  = actor.NewKind("room", func(id string) actor.Behavior[*text] { return &mover{journal{id: id}} })
	plain = actor.NewKind("plain", func(id string) actor.Behavior[*text] { return &journal{id: id} })
)

func hosting(kinds ...actor.Kind[*text]) (list []installer) {
	for _, k := range kinds {
		list = append(list, hosted[*text]{kind: k})
	}
	return list
}

func ref(n *fakeNode, k actor.Kind[*text], id string) actor.Ref[*text] {
	return actor.EntityRef[*text](n.sys, k.Name, id)
}

func (w *world) ask(r actor.Ref[*text], line string) string {
	w.t.Helper()
	answer, err := tryAsk(w.t.Context(), r, line)
	if err != nil {
		w.t.Fatalf("ask %s %q: %v", r, line, err)
	}
	return answer
}

func tryAsk(ctx context.Context, r actor.Ref[*text], line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := actor.Ask[*text](ctx, r.With(wrapperspb.String(line)))
	return answer.GetValue(), err
}

// idAt returns an id whose home in the present view is n.
func (w *world) idAt(n *fakeNode, kind string, nth int) string {
	w.t.Helper()
	for i := range 10000 {
		id := fmt.Sprintf("id%d", i)
		if home(n, kind, id) == n.self.Address {
			if nth--; nth < 0 {
				return id
			}
		}
	}
	w.t.Fatalf("%s is nobody's home", n.self)
	return ""
}

func TestRefFromEveryNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room, plain)...)
		b := w.start("b:1", hosting(room)...)
		c := w.start("c:1", proxy{})
		w.decide(10 * time.Millisecond)
		w.settle()
		homes := map[string]int{}
		for i := range 20 {
			id := fmt.Sprintf("go %d/#%x", i, i)
			for _, n := range []*fakeNode{a, b, c} {
				w.ask(ref(n, room, id), n.self.Address)
			}
			if got, want := w.ask(ref(b, room, id), "read"), "a:1,b:1,c:1"; got != want {
				t.Errorf("room %q has %q, want %q", id, got, want)
			}
			where := w.ask(ref(c, room, id), "where")
			if got := home(c, "room", id); got != where {
				t.Errorf("Home of %q = %q, want %q", id, got, where)
			}
			homes[where]++
			if got := w.ask(ref(c, plain, id), "where"); got != "a:1" {
				t.Errorf("plain %q runs on %s, want a:1, its only host", id, got)
			}
		}
		if homes["a:1"] < 3 || homes["b:1"] < 3 {
			t.Errorf("rooms are at %v, want some on both hosts", homes)
		}
		s := stats(a)
		if len(s.Kinds) != 2 || s.Kinds[0].Slots != slots.Count || s.Kinds[0].Entities != 20 || s.Waiting != 0 {
			t.Errorf("stats of a = %+v, want all slots and 20 entities of plain", s)
		}
	})
}

func TestAskBeforeJoinWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		time.AfterFunc(time.Second, func() { w.decide(0) })
		if got := w.ask(ref(a, room, "go"), "early"); got != "early" {
			t.Errorf("answer %q, want early", got)
		}
	})
}

func TestDeadLetters(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		nobody := actor.NewKind[*text]("ghost", plain.New)
		for _, c := range []struct {
			name string
			ref  actor.Ref[*text]
			want error
			text string
		}{
			{"kind that nobody hosts", ref(a, nobody, "x"), actor.ErrNoActor, "no member hosts"},
			{"empty id", ref(a, room, ""), actor.ErrNoActor, "not the name"},
			{"long id", ref(a, room, strings.Repeat("x", 513)), actor.ErrNoActor, "not the name"},
			{"id that is not UTF-8", ref(a, room, "\xff"), actor.ErrNoActor, "not the name"},
		} {
			_, err := tryAsk(t.Context(), c.ref, "hello")
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %v that says %q", c.name, err, c.want, c.text)
			}
		}
	})
}

func TestStopItselfLosesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", proxy{})
		w.decide(0)
		w.settle()
		for _, n := range []*fakeNode{a, b} {
			r := ref(n, room, "go")
			for i := range 200 {
				if i%50 == 10 {
					r.Tell(wrapperspb.String("stop"))
				}
				if got := w.ask(r, fmt.Sprint(i)); got != fmt.Sprint(i) {
					t.Fatalf("answer %q, want %d", got, i)
				}
			}
		}
		var wg sync.WaitGroup
		for i := range 100 { // many at once, stops among them
			wg.Go(func() {
				r := ref(a, room, "go")
				r.Tell(wrapperspb.String("stop"))
				if _, err := tryAsk(t.Context(), r, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := a.sys.DeadLetters(); got != (actor.DeadLetterCounts{}) {
			t.Errorf("dead letters %+v, want none", got)
		}
	})
}

func TestStopWhileFailed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		r := ref(a, room, "go")
		for range 6 { // the pause before a restart grows
			if _, err := tryAsk(t.Context(), r, "fail"); err == nil {
				t.Fatal("no error, want a failure")
			}
		}
		if got := w.ask(r, "on"); got != "on" {
			t.Errorf("answer %q, want on", got)
		}
	})
}

// Users on three nodes say things by ask while a fourth node joins and leaves:
// nothing is lost, nothing comes twice, and each user's lines keep their order.
func TestPlannedMove(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		nodes := []*fakeNode{
			w.start("a:1", hosting(room)...), w.start("b:1", hosting(room)...), w.start("c:1", hosting(room)...),
		}
		w.decide(0)
		w.settle()
		const users, rooms, each = 6, 8, 150
		var wg sync.WaitGroup
		for u := range users {
			wg.Go(func() {
				for i := range each {
					for k := range rooms {
						r := ref(nodes[u%3], room, fmt.Sprint("room", k))
						if _, err := tryAsk(t.Context(), r, fmt.Sprintf("%d-%d", u, i)); err != nil {
							t.Errorf("user %d line %d room %d: %v", u, i, k, err)
						}
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		time.Sleep(500 * time.Millisecond)
		d := w.start("d:1", hosting(room)...)
		w.decide(30 * time.Millisecond)
		time.Sleep(time.Second)
		if s := stats(d).Kinds[0]; s.Slots == 0 {
			t.Errorf("newcomer has %+v, want slots", s)
		}
		d.status = member.Leaving
		w.decide(30 * time.Millisecond)
		<-d.drained
		if s := stats(d).Kinds[0]; s.Slots != 0 || s.Entities != 0 {
			t.Errorf("drained node has %+v, want nothing", s)
		}
		d.close()
		w.decide(30 * time.Millisecond)
		wg.Wait()
		for k := range rooms {
			got := strings.Split(w.ask(ref(nodes[0], room, fmt.Sprint("room", k)), "read"), ",")
			next := [users]int{}
			for _, line := range got {
				var u, i int
				fmt.Sscanf(line, "%d-%d", &u, &i)
				if i != next[u] {
					t.Fatalf("room %d: user %d's line %d comes where %d should", k, u, i, next[u])
				}
				next[u]++
			}
			if len(got) != users*each {
				t.Errorf("room %d has %d lines, want %d", k, len(got), users*each)
			}
		}
	})
}

func TestCrashIssuesAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		w.decide(0)
		w.settle()
		id := w.idAt(b, "room", 0)
		r := ref(a, room, id)
		w.ask(r, "one")
		b.crash()
		time.AfterFunc(2*time.Second, func() { w.decide(0) })
		time.Sleep(3 * time.Second)
		if got := w.ask(r, "read"); got != "" {
			t.Errorf("after the crash the room has %q, want a fresh one", got)
		}
		if s := stats(a).Kinds[0]; s.Slots != slots.Count {
			t.Errorf("the survivor holds %d slots, want all", s.Slots)
		}
	})
}

func TestLastHostLeaves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		w.decide(0)
		w.settle()
		w.ask(ref(a, room, "go"), "one")
		a.status = member.Leaving
		w.decide(0)
		<-a.drained
		if s := stats(a).Kinds[0]; s.Slots != 0 || s.Entities != 0 {
			t.Errorf("drained node has %+v, want nothing", s)
		}
	})
}

// A question to an entity that moves to the asker's own node comes back by way
// of the former home, and is answered there.
func TestAnswerAfterDetour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start("b:1", hosting(room)...)
		a := w.start("a:1", hosting(room)...)
		a.status = member.WeaklyUp
		w.decide(0)
		w.settle()
		a.status = member.Up
		w.decide(300 * time.Millisecond) // b knows at once, a later
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for range 50 { // before, while and after it moves
					if got := w.ask(ref(a, room, fmt.Sprint(i)), "hello"); got != "hello" {
						t.Errorf("answer %q, want hello", got)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if s := stats(a); s.Kinds[0].Entities == 0 {
			t.Errorf("stats of the newcomer %+v, want entities", s)
		}
	})
}
