package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/pando-go/pando/examples/chat/chatpb"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// ear is a session that only listens.
type ear struct{ heard []chatpb.Notice }

func (e *ear) Tell(n chatpb.Notice) { e.heard = append(e.heard, n) }

func (e *ear) texts() []string {
	var all []string
	for _, n := range e.heard {
		if l, ok := n.(*chatpb.Line); ok {
			all = append(all, fmt.Sprintf("%d %s: %s", l.GetSeq(), l.GetUser(), l.GetText()))
		}
	}
	return all
}

// startRoom returns a room without memory; it opens settleTime after at.
func startRoom(at time.Time) *room {
	r := newRoom("go")
	r.begin(at)
	return r
}

func openRoom() *room {
	r := startRoom(noon.Add(-time.Minute))
	r.opened(noon)
	return r
}

func joinAs(r *room, user string) *ear {
	e := &ear{}
	r.seat(&chatpb.Join{Session: "s-" + user, User: user}, e, noon)
	return e
}

func sayAs(user string, number uint64, text string) *chatpb.Say {
	return &chatpb.Say{User: user, Author: user, Number: number, Text: text}
}

// fill says n lines and returns the room's answer to the last one.
func fill(r *room, n int) (last *chatpb.Said) {
	for i := range n {
		last = r.say(sayAs("ada", uint64(i+1), fmt.Sprint("line ", i+1)), noon)
	}
	return last
}

func lines(from, to uint64, incarnation uint64) []*chatpb.Line {
	var all []*chatpb.Line
	for seq := from; seq <= to; seq++ {
		all = append(all, &chatpb.Line{Seq: seq, Incarnation: incarnation, User: "ada", Author: "ada", Number: seq, Text: fmt.Sprint("line ", seq)})
	}
	return all
}

func seqs(all []*chatpb.Line) (s []uint64) {
	for _, l := range all {
		s = append(s, l.GetSeq())
	}
	return s
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(got, want, protocmp.Transform()); d != "" {
		t.Errorf("%s (-got +want):\n%s", what, d)
	}
}

func TestRoomTellsEverybodyTheSameLinesInOrder(t *testing.T) {
	r := openRoom()
	ada, bob := joinAs(r, "ada"), joinAs(r, "bob")
	r.say(sayAs("ada", 1, "hello"), noon)
	r.say(sayAs("bob", 1, "hi"), noon)
	want := []string{"1 ada: hello", "2 bob: hi"}
	same(t, "ada heard", ada.texts(), want)
	same(t, "bob heard", bob.texts(), want)
}

func TestRoomTakesEachLineOnce(t *testing.T) {
	r := openRoom()
	bob := joinAs(r, "bob")
	first := r.say(sayAs("ada", 1, "hello"), noon)
	again := r.say(sayAs("ada", 1, "hello"), noon)
	same(t, "answer to the repeated Say", again, first)
	r.say(sayAs("ada", 2, "hello"), noon)
	same(t, "bob heard", bob.texts(), []string{"1 ada: hello", "2 ada: hello"})
}

func TestRoomForgetsTheAuthorWhoWasSilentLongest(t *testing.T) {
	r := openRoom()
	for i := range authorsKept + 1 {
		r.say(sayAs(fmt.Sprint("author", i), 1, "x"), noon)
	}
	if _, ok := r.authors["author0"]; ok || len(r.authors) != authorsKept {
		t.Errorf("got %d authors, oldest kept %v; want %d, false", len(r.authors), ok, authorsKept)
	}
}

func TestRoomReplays(t *testing.T) {
	r := openRoom()
	fill(r, 150)
	for _, c := range []struct {
		name        string
		join        *chatpb.Join
		first, want int
	}{
		{"the newest 100 to a newcomer", &chatpb.Join{}, 51, 100},
		{"what is missing to a session that is behind", &chatpb.Join{Incarnation: r.incarnation, Last: 140}, 141, 10},
		{"more than 100 if it has them", &chatpb.Join{Incarnation: r.incarnation, Last: 20}, 21, 130},
		{"nothing to who has all", &chatpb.Join{Incarnation: r.incarnation, Last: 150}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.joined(c.join)
			if len(got.GetLines()) != c.want || got.GetSeq() != 150 {
				t.Fatalf("got %d lines at seq %d, want %d at 150", len(got.GetLines()), got.GetSeq(), c.want)
			}
			if c.want > 0 && got.GetLines()[0].GetSeq() != uint64(c.first) {
				t.Errorf("got first line %d, want %d", got.GetLines()[0].GetSeq(), c.first)
			}
		})
	}
}

func TestRoomPresence(t *testing.T) {
	r := openRoom()
	ada := joinAs(r, "ada")
	joinAs(r, "bob")
	r.seat(&chatpb.Join{Session: "s-bob2", User: "bob"}, &ear{}, noon) // a second tab
	r.leave("s-bob")
	same(t, "with one of two tabs closed", r.users(), []string{"ada", "bob"})
	r.leave("s-bob2")
	same(t, "with both closed", r.users(), []string{"ada"})
	last := ada.heard[len(ada.heard)-1]
	same(t, "what ada heard last", last, &chatpb.Presence{Users: []string{"ada"}, Incarnation: r.incarnation})
}

func TestRoomDropsSilentSessions(t *testing.T) {
	r := openRoom()
	joinAs(r, "ada")
	r.tick(noon.Add(seatTime))
	same(t, "in time", r.users(), []string{"ada"})
	r.tick(noon.Add(seatTime + 1))
	if got := r.users(); len(got) != 0 {
		t.Errorf("got %v after seatTime, want nobody", got)
	}
}

func TestRoomMovesWithItsState(t *testing.T) {
	before := openRoom()
	joinAs(before, "ada")
	fill(before, 120)
	state, err := before.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	wire, err := proto.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	received := &chatpb.RoomState{}
	if err := proto.Unmarshal(wire, received); err != nil {
		t.Fatal(err)
	}
	after := newRoom("go")
	if err := after.Restore(received); err != nil {
		t.Fatal(err)
	}
	after.begin(noon.Add(time.Hour))

	same(t, "users", after.users(), []string{"ada"})
	same(t, "a repeated line", after.say(sayAs("ada", 120, "line 120"), noon), &chatpb.Said{Seq: 120})
	same(t, "the next line", after.say(sayAs("ada", 121, "line 121"), noon), &chatpb.Said{Seq: 121})
	same(t, "a session that missed nothing but that", seqs(after.joined(&chatpb.Join{Incarnation: before.incarnation, Last: 120}).GetLines()), []uint64{121})
}

func TestRoomRefusesAForeignSnapshot(t *testing.T) {
	if err := newRoom("go").Restore(&chatpb.Tick{}); err == nil {
		t.Error("got nil, want an error")
	}
}

func TestFreshRoomWaitsForItsPast(t *testing.T) {
	r := startRoom(noon)
	same(t, "at once", r.say(sayAs("ada", 1, "x"), noon), &chatpb.Said{Again: true})
	same(t, "later", r.say(sayAs("ada", 1, "x"), noon.Add(settleTime)), &chatpb.Said{Seq: 1})
}

// bring lets a session hand a room what it has, if the room wants it.
func bring(r *room, incarnation, first, last uint64, at time.Time) *chatpb.Joined {
	join := &chatpb.Join{Incarnation: incarnation, Last: last}
	a := r.joined(join)
	if !a.GetWantHistory() {
		return a
	}
	r.recover(&chatpb.History{Join: join, Lines: lines(first, last, incarnation)}, at)
	return r.joined(join)
}

func TestRoomRecovers(t *testing.T) {
	const old = 7
	t.Run("its numbers go on and nothing is said twice", func(t *testing.T) {
		r := startRoom(noon)
		bring(r, old, 1, 50, noon)
		now := noon.Add(settleTime)
		same(t, "a line that arrived before the crash", r.say(sayAs("ada", 50, "line 50"), now), &chatpb.Said{Seq: 50})
		same(t, "the next one", r.say(sayAs("ada", 51, "line 51"), now), &chatpb.Said{Seq: 51})
		same(t, "to a newcomer", len(r.joined(&chatpb.Join{}).GetLines()), 51)
	})
	t.Run("the session with more wins, the others get the rest", func(t *testing.T) {
		r := startRoom(noon)
		bring(r, old, 1, 50, noon)
		bring(r, old, 20, 52, noon)
		same(t, "who had 50", seqs(r.joined(&chatpb.Join{Incarnation: r.incarnation, Last: 50}).GetLines()), []uint64{51, 52})
		same(t, "lines", len(r.history.lines), 52)
	})
	t.Run("a later incarnation wins", func(t *testing.T) {
		r := startRoom(noon)
		bring(r, old, 1, 50, noon)
		misled := r.incarnation
		bring(r, old+1, 1, 10, noon)
		same(t, "seq", r.seq, uint64(10))
		got := r.joined(&chatpb.Join{Incarnation: misled, Last: 50})
		if !got.GetReset_() || len(got.GetLines()) != 10 || got.GetWantHistory() {
			t.Errorf("who followed the older one got %v, want a reset with 10 lines", got)
		}
	})
	t.Run("an acknowledged line older than all that was kept is known", func(t *testing.T) {
		r := startRoom(noon)
		join := &chatpb.Join{Incarnation: old, Last: 500}
		r.recover(&chatpb.History{Join: join, Lines: lines(401, 500, old), Acknowledged: &chatpb.Line{Seq: 3, Author: "bob", Number: 9}}, noon)
		same(t, "said again", r.say(sayAs("bob", 9, "x"), noon.Add(settleTime)), &chatpb.Said{Seq: 3})
	})
	t.Run("who comes too late is set back", func(t *testing.T) {
		r := startRoom(noon)
		bring(r, old, 1, 50, noon)
		r.say(sayAs("bob", 1, "new"), noon.Add(settleTime))
		got := bring(r, old, 1, 52, noon)
		if !got.GetReset_() || got.GetBase() != 50 {
			t.Fatalf("got %v, want a reset to 50", got)
		}
		same(t, "lines", seqs(got.GetLines()), []uint64{51})
	})
	t.Run("who comes late with nothing more just goes on", func(t *testing.T) {
		r := startRoom(noon)
		bring(r, old, 1, 50, noon)
		r.say(sayAs("bob", 1, "new"), noon.Add(settleTime))
		got := bring(r, old, 1, 50, noon)
		if got.GetReset_() {
			t.Error("got a reset, want none")
		}
		same(t, "lines", seqs(got.GetLines()), []uint64{51})
	})
	t.Run("an unknown past is set back to nothing", func(t *testing.T) {
		r := openRoom()
		fill(r, 3)
		got := bring(r, old, 1, 50, noon)
		if !got.GetReset_() || got.GetBase() != 0 || len(got.GetLines()) != 3 {
			t.Errorf("got %v, want a reset to 0 with 3 lines", got)
		}
	})
}

func TestRoomTellsWhereItStandsWhenItOpens(t *testing.T) {
	r := startRoom(noon)
	ada := joinAs(r, "ada")
	bring(r, 7, 1, 50, noon)
	r.tick(noon.Add(settleTime))
	same(t, "told last", ada.heard[len(ada.heard)-1],
		chatpb.Notice(&chatpb.Presence{Users: []string{"ada"}, Incarnation: r.incarnation, Seq: 50}))
}

func TestHistoryIsBounded(t *testing.T) {
	t.Run("by lines", func(t *testing.T) {
		var h history
		for _, l := range lines(1, historyLines+10, 1) {
			h.add(l)
		}
		same(t, "lines", len(h.lines), historyLines)
		same(t, "oldest", h.lines[0].GetSeq(), uint64(11))
	})
	t.Run("by bytes, but never below what is replayed", func(t *testing.T) {
		var h history
		for _, l := range lines(1, 300, 1) {
			l.Text = string(make([]byte, textMax))
			h.add(l)
		}
		same(t, "lines", len(h.lines), replayLines)
	})
}

func TestHistoryMerge(t *testing.T) {
	var h history
	h.reset(lines(5, 8, 1))
	h.merge(append(lines(1, 6, 1), lines(9, 9, 1)...))
	same(t, "seqs", seqs(h.lines), []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	same(t, "after 7", seqs(h.after(7)), []uint64{8, 9})
}

func TestLobbyListsRooms(t *testing.T) {
	l := newLobby()
	l.announce(&chatpb.Room{Name: "go", Users: 2, Seq: 9}, noon)
	l.announce(&chatpb.Room{Name: "ada", Users: 1}, noon.Add(listedTime))
	names := func(at time.Time) (all []string) {
		for _, r := range l.list(at).GetRooms() {
			all = append(all, r.GetName())
		}
		return all
	}
	same(t, "while both are announced", names(noon.Add(listedTime)), []string{"ada", "go"})
	same(t, "after one fell silent", names(noon.Add(listedTime+1)), []string{"ada"})
}
