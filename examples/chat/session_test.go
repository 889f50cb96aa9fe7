package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

// bench is an actor system with one room behind a wire that can be cut. It
// lives in a bubble of testing/synctest, so its time is virtual.
type bench struct {
	t    *testing.T
	sys  *actor.System
	wire actor.Ref[chatpb.Command]

	mu   sync.Mutex
	room actor.Ref[chatpb.Command]
	mode string // "" passes all, "cut" nothing, "mute" all but the answers, "hold" keeps it until ""
}

func onBench(t *testing.T, f func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		sys, err := actor.NewSystem(actor.Config{Name: "chat", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := sys.Close(context.Background()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second) // protoactor's count of dead letters ends by a timer
		}()
		b := &bench{t: t, sys: sys}
		b.newRoom()
		b.wire, err = actor.Spawn(sys, "", actor.Func(b.pass))
		if err != nil {
			t.Fatal(err)
		}
		f(b)
	})
}

func (b *bench) pass(c *actor.Context[chatpb.Command], m chatpb.Command) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.mode {
	case "":
		c.Forward(b.room)
		c.Unstash()
	case "hold":
		return c.Stash()
	case "mute":
		b.room.Tell(m)
	}
	return nil
}

func (b *bench) set(mode string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mode = mode
}

// newRoom starts a room without memory, in place of the one that was there.
func (b *bench) newRoom() {
	b.t.Helper()
	room, err := actor.Spawn(b.sys, "", func() actor.Behavior[chatpb.Command] { return newRoom("go") })
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	old := b.room
	b.room = room
	b.mu.Unlock()
	if !old.IsZero() {
		if err := actor.Stop(b.t.Context(), old); err != nil {
			b.t.Fatal(err)
		}
	}
}

// screen is a session with what its client was sent.
type screen struct {
	t    *testing.T
	user string
	ref  actor.Ref[chatpb.Notice]

	mu     sync.Mutex
	frames []any
}

func (b *bench) connect(user string, from resume) *screen {
	b.t.Helper()
	s := &screen{t: b.t, user: user}
	ref, err := actor.Spawn(b.sys, "", func() actor.Behavior[chatpb.Notice] {
		return &session{
			room: "go", user: user, node: "here", resume: from, at: b.wire,
			home: func() string { return "here" },
			send: func(f any) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.frames = append(s.frames, f)
			},
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	s.ref = ref
	synctest.Wait()
	return s
}

// say says a line and waits until the room has it.
func (s *screen) say(text string) uint64 {
	s.t.Helper()
	return s.post(&chatpb.Post{Text: text})
}

func (s *screen) post(p *chatpb.Post) uint64 {
	s.t.Helper()
	said, err := actor.Ask[*chatpb.Said](s.t.Context(), s.ref.With(p))
	if err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return said.GetSeq()
}

// lines are the room's lines that the client has, and what else it was told of them.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	for _, f := range s.frames {
		switch f := f.(type) {
		case lineFrame:
			all = append(all, fmt.Sprintf("%d %s: %s", f.Seq, f.User, f.Text))
		case gapFrame:
			all = append(all, fmt.Sprintf("%s %d", f.Type, f.Seq))
		case errorFrame:
			all = append(all, "error "+f.Code)
		}
	}
	return all
}

func last[F any](s *screen) (f F) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, any := range s.frames {
		if is, ok := any.(F); ok {
			f = is
		}
	}
	return f
}

func TestSessionsHearTheSame(t *testing.T) {
	onBench(t, func(b *bench) {
		ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
		ada.say("hello")
		bob.say("hi")
		eve := b.connect("eve", resume{})
		want := []string{"1 ada: hello", "2 bob: hi"}
		for _, s := range []*screen{ada, bob, eve} {
			same(t, s.user+" heard", s.lines(), want)
			same(t, s.user+" sees", last[presenceFrame](s).Users, []string{"ada", "bob", "eve"})
		}
		same(t, "ada is told of the last one", last[presenceFrame](ada), presenceFrame{
			Type: "presence", Users: []string{"ada", "bob", "eve"}, Joined: []string{"eve"}, Left: []string{},
		})
		where := last[roomFrame](ada)
		if where.Home != "here" || where.Epoch == "" || where.User != "ada" {
			t.Errorf("got %+v, want the room's home, its epoch and the user", where)
		}
	})
}

func TestSessionLeavesItsSeat(t *testing.T) {
	onBench(t, func(b *bench) {
		ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
		if err := actor.Stop(b.t.Context(), bob.ref); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		same(t, "left", last[presenceFrame](ada).Left, []string{"bob"})
	})
}

func TestSessionSaysALineOnce(t *testing.T) {
	for _, mode := range []string{"cut", "mute"} {
		t.Run(mode, func(t *testing.T) {
			onBench(t, func(b *bench) {
				ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
				ada.say("one")
				b.set(mode) // the line, or its answer, is lost again and again
				time.AfterFunc(2*askTime, func() { b.set("") })
				same(t, "seq", ada.say("two"), uint64(2))
				bob.say("three")
				same(t, "bob heard", bob.lines(), []string{"1 ada: one", "2 ada: two", "3 bob: three"})
			})
		})
	}
}

func TestSessionKnowsALineByItsID(t *testing.T) {
	onBench(t, func(b *bench) {
		ada := b.connect("ada", resume{})
		ada.post(&chatpb.Post{Text: "one", Author: "tab", Number: 7})
		again := b.connect("ada", resume{}) // another connection of the same client
		same(t, "seq", again.post(&chatpb.Post{Text: "one", Author: "tab", Number: 7}), uint64(1))
		same(t, "ada heard", ada.lines(), []string{"1 ada: one"})
	})
}

func TestSessionFindsWhatItMissed(t *testing.T) {
	onBench(t, func(b *bench) {
		ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
		ada.say("one")
		b.room.Tell(&chatpb.Leave{Session: bob.ref.String()}) // so it is not told
		ada.say("two")
		ada.say("three")
		same(t, "before", bob.lines(), []string{"1 ada: one"})
		time.Sleep(beatEvery)
		synctest.Wait()
		same(t, "after", bob.lines(), []string{"1 ada: one", "2 ada: two", "3 ada: three"})
	})
}

func TestSessionPutsLinesInOrder(t *testing.T) {
	onBench(t, func(b *bench) {
		ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
		ada.say("one")
		b.room.Tell(&chatpb.Leave{Session: bob.ref.String()})
		ada.say("two")
		ada.say("three")
		incarnation, err := parseEpoch(last[roomFrame](bob).Epoch)
		if err != nil {
			t.Fatal(err)
		}
		third := &chatpb.Line{Seq: 3, Incarnation: incarnation, User: "ada", Text: "three"}
		bob.ref.Tell(third) // overtakes the second
		bob.ref.Tell(third) // comes twice
		synctest.Wait()
		same(t, "bob heard", bob.lines(), []string{"1 ada: one", "2 ada: two", "3 ada: three"})
	})
}

func TestSessionsBringARoomBack(t *testing.T) {
	onBench(t, func(b *bench) {
		ada, bob := b.connect("ada", resume{}), b.connect("bob", resume{})
		ada.say("one")
		bob.say("two")
		b.newRoom()
		same(t, "seq after the crash", ada.say("three"), uint64(3))
		want := []string{"1 ada: one", "2 bob: two", "3 ada: three"}
		same(t, "ada heard", ada.lines(), want)
		time.Sleep(beatEvery)
		synctest.Wait()
		same(t, "bob heard", bob.lines(), want)
		same(t, "a newcomer hears", b.connect("eve", resume{}).lines(), want)
	})
}

func TestSessionGoesOnWhereItsClientWas(t *testing.T) {
	onBench(t, func(b *bench) {
		ada := b.connect("ada", resume{})
		for i := range 150 {
			ada.say(fmt.Sprint(i))
		}
		incarnation, err := parseEpoch(last[roomFrame](ada).Epoch)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "with 148", b.connect("bob", resume{incarnation, 148}).lines(), []string{"149 ada: 148", "150 ada: 149"})
		same(t, "with 30: more than a newcomer gets", len(b.connect("bob", resume{incarnation, 30}).lines()), 120)
		if got := b.connect("bob", resume{incarnation + 1, 30}).lines(); len(got) != 101 || got[0] != "reset 0" {
			t.Errorf("of an unknown epoch: got %d lines, first %q; want a reset and 100", len(got), got[0])
		}
		b.newRoom()
		eve := b.connect("eve", resume{incarnation, 149}) // before the room knows its past
		time.Sleep(2 * beatEvery)
		synctest.Wait()
		same(t, "after a crash", eve.lines(), []string{"150 ada: 149"})
	})
}

// A slow room: the answer to a newcomer's first question comes together with
// the one to its second, and both are older than what it has by then.
func TestSessionAsksAgainAfterALateAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		ada := b.connect("ada", resume{})
		for i := range 150 {
			ada.say(fmt.Sprint(i))
		}
		incarnation, err := parseEpoch(last[roomFrame](ada).Epoch)
		if err != nil {
			t.Fatal(err)
		}
		b.set("hold")
		bob := b.connect("bob", resume{incarnation, 30})
		time.Sleep(beatEvery * 3 / 2)
		b.set("")
		b.wire.Tell(&chatpb.Tick{})
		synctest.Wait()
		got := bob.lines()
		if len(got) != 120 || got[0] != "31 ada: 30" {
			t.Errorf("got %d lines, first %q; want 120 from line 31 on", len(got), got[0])
		}
	})
}

func TestSessionTellsOfALineThatNobodyKeeps(t *testing.T) {
	onBench(t, func(b *bench) {
		ada := b.connect("ada", resume{})
		for range historyLines + 50 {
			ada.say("x")
		}
		incarnation, err := parseEpoch(last[roomFrame](ada).Epoch)
		if err != nil {
			t.Fatal(err)
		}
		got := b.connect("bob", resume{incarnation, 30}).lines()
		if len(got) != historyLines+1 || got[0] != "gap 51" {
			t.Errorf("got %d lines, first %q; want a gap at 51 and %d lines", len(got), got[0], historyLines)
		}
	})
}

func TestSessionTellsOfASilentRoom(t *testing.T) {
	onBench(t, func(b *bench) {
		ada := b.connect("ada", resume{})
		before := last[roomFrame](ada)
		b.set("cut")
		time.Sleep(quietTime + 2*beatEvery)
		synctest.Wait()
		same(t, "told", ada.lines(), []string{"error quiet"})
		b.set("")
		ada.mu.Lock()
		ada.frames = nil
		ada.mu.Unlock()
		time.Sleep(2 * beatEvery)
		synctest.Wait()
		same(t, "told when it is back", last[roomFrame](ada), before)
	})
}
