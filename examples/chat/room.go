package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

// Room is the kind of the actors that hold a room's lines. The cluster runs
// each room once, on a node of its choice; any node reaches it by name.
var Room = actor.NewKind("room", func(id string) actor.Behavior[chatpb.Command] { return newRoom(id) })

const (
	settleTime    = time.Second     // how long a room without memory waits for its sessions to bring it back
	seatTime      = 7 * time.Second // a session that has not joined again for so long is gone
	roomTick      = time.Second
	announceEvery = 4 // ticks
	authorsKept   = 4096
)

// listener is what a room knows of a session: an [actor.Ref] does.
type listener interface{ Tell(chatpb.Notice) }

// room orders the lines of one room and tells each to every session.
//
// Its numbers go on for ever: a planned move carries the whole state (it is a
// sharding.Mover), and after a crash the sessions hand it back, see recover.
type room struct {
	name        string
	incarnation uint64   // names this memory; drawn from the clock, so that the later of two is greater
	from, base  uint64   // it goes on from line base of the incarnation before; 0 = from nothing
	dropped     []uint64 // names that this memory had before a later one was brought back
	seq         uint64   // newest line
	written     bool     // it has taken a line itself: what was lost before stays lost
	open        bool     // it takes lines
	started     time.Time
	history     history
	seats       map[string]*seat    // by session
	authors     map[string]authored // for lines that are said twice
	ticks       int
}

// seat is one session in the room.
type seat struct {
	user string
	to   listener
	seen time.Time
}

// authored is the newest line of an author.
type authored struct{ number, seq uint64 }

func newRoom(name string) *room {
	return &room{name: name, seats: map[string]*seat{}, authors: map[string]authored{}}
}

// Started begins the time in which a room without memory waits. It runs after Restore.
func (r *room) Started(c *actor.Context[chatpb.Command]) error {
	now := time.Now()
	r.begin(now)
	for session, s := range r.seats { // after a move: the refs need this node's system
		to, err := actor.ParseRef[chatpb.Notice](c.System(), session)
		if err != nil {
			return fmt.Errorf("restored session: %w", err)
		}
		s.to = to
	}
	c.Every(roomTick, &chatpb.Tick{})
	return nil
}

func (r *room) begin(now time.Time) {
	r.started = now
	if r.incarnation == 0 {
		r.incarnation = uint64(now.UnixNano())
	}
	for _, s := range r.seats {
		s.seen = now
	}
}

// Receive dispatches. Whoever asks is answered at once; nothing here waits.
func (r *room) Receive(c *actor.Context[chatpb.Command], m chatpb.Command) error {
	switch m := m.(type) {
	case *chatpb.Join:
		if err := r.sit(c, m); err != nil {
			return err
		}
		c.Reply(r.joined(m))
	case *chatpb.History:
		if err := r.sit(c, m.GetJoin()); err != nil {
			return err
		}
		r.recover(m, time.Now())
		c.Reply(r.joined(m.GetJoin()))
	case *chatpb.Say:
		c.Reply(r.say(m, time.Now()))
	case *chatpb.Leave:
		r.leave(m.GetSession())
	case *chatpb.Tick:
		r.tick(time.Now())
		r.announce(c.System())
	}
	return nil
}

// Terminated frees the seat of a session that stopped or whose node is gone.
func (r *room) Terminated(_ *actor.Context[chatpb.Command], who actor.Gone) error {
	r.leave(who.Ref)
	return nil
}

// sit gives a session its place, or keeps it there.
func (r *room) sit(c *actor.Context[chatpb.Command], m *chatpb.Join) error {
	who, err := actor.ParseRef[chatpb.Notice](c.System(), m.GetSession())
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	c.Watch(who)
	r.seat(m, who, time.Now())
	return nil
}

func (r *room) seat(m *chatpb.Join, to listener, now time.Time) {
	s, known := r.seats[m.GetSession()]
	if !known {
		s = &seat{user: m.GetUser()}
		r.seats[m.GetSession()] = s
	}
	s.to, s.seen = to, now
	if !known {
		r.tellPresence()
	}
}

func (r *room) leave(session string) {
	if _, ok := r.seats[session]; ok {
		delete(r.seats, session)
		r.tellPresence()
	}
}

// joined tells a session what it lacks.
func (r *room) joined(m *chatpb.Join) *chatpb.Joined {
	a := &chatpb.Joined{
		Incarnation: r.incarnation, From: r.from, Base: r.base,
		Seq: r.seq, Oldest: r.history.oldest(), Users: r.users(), Settling: !r.open,
	}
	switch inc, last := m.GetIncarnation(), m.GetLast(); {
	case inc == 0:
		a.Lines = r.history.newest(replayLines)
	case inc == r.incarnation && last <= r.seq, inc == r.from && last <= r.base:
		a.Lines = r.history.after(last)
	case r.lacks(inc, last):
		a.WantHistory = true
	case inc == r.from:
		a.Reset_, a.Lines = true, r.history.after(r.base)
	default:
		a.Reset_, a.Base, a.Lines = true, 0, r.history.newest(replayLines)
	}
	return a
}

// lacks reports whether what a session has can still become the room's past:
// as long as the room has added nothing itself, the latest memory wins, and of
// one memory the most of it.
func (r *room) lacks(incarnation, last uint64) bool {
	if r.written || incarnation == r.incarnation || slices.Contains(r.dropped, incarnation) {
		return false
	}
	return incarnation > r.from || incarnation == r.from && last > r.seq
}

// recover takes a session's lines as the room's own past.
func (r *room) recover(m *chatpb.History, now time.Time) {
	inc, last := m.GetJoin().GetIncarnation(), m.GetJoin().GetLast()
	if !r.lacks(inc, last) {
		return
	}
	if inc != r.from {
		r.forget(now)
		r.from = inc
	}
	r.history.merge(m.GetLines())
	r.seq, r.base = last, last
	for _, l := range append(m.GetLines(), m.GetAcknowledged()) {
		r.remember(l)
	}
}

// forget drops an older memory for the sake of a later one. Who took the older
// one for this incarnation must notice, so it gets another name.
func (r *room) forget(now time.Time) {
	if r.from != 0 {
		r.dropped = append(r.dropped, r.incarnation)
		r.incarnation = max(r.incarnation+1, uint64(now.UnixNano()))
	}
	r.history.reset(nil)
	r.seq, r.base = 0, 0
	clear(r.authors)
}

// say adds a line, once.
func (r *room) say(m *chatpb.Say, now time.Time) *chatpb.Said {
	if !r.opened(now) {
		return &chatpb.Said{Again: true}
	}
	if a, ok := r.authors[m.GetAuthor()]; ok && m.GetNumber() <= a.number {
		return &chatpb.Said{Seq: a.seq}
	}
	r.seq++
	r.written = true
	l := &chatpb.Line{
		Seq: r.seq, Incarnation: r.incarnation,
		User: m.GetUser(), Text: m.GetText(),
		Author: m.GetAuthor(), Number: m.GetNumber(),
		At: now.UnixMilli(),
	}
	r.history.add(l)
	r.remember(l)
	r.tell(l)
	return &chatpb.Said{Seq: l.Seq}
}

// remember notes the newest line of its author, and drops the author who has
// been silent longest when they are too many.
func (r *room) remember(l *chatpb.Line) {
	if l.GetAuthor() == "" || l.GetNumber() < r.authors[l.GetAuthor()].number {
		return
	}
	r.authors[l.GetAuthor()] = authored{number: l.GetNumber(), seq: l.GetSeq()}
	if len(r.authors) <= authorsKept {
		return
	}
	oldest, seq := "", uint64(0)
	for author, a := range r.authors {
		if oldest == "" || a.seq < seq {
			oldest, seq = author, a.seq
		}
	}
	delete(r.authors, oldest)
}

// opened reports whether the room takes lines. It opens a short while after its
// start, when the sessions have had time to bring back what it knew.
func (r *room) opened(now time.Time) bool {
	if !r.open && now.Sub(r.started) >= settleTime {
		r.open = true
		r.tellPresence() // with seq: who has less than was brought back asks for it
	}
	return r.open
}

func (r *room) tick(now time.Time) {
	r.opened(now)
	gone := false
	for session, s := range r.seats {
		if now.Sub(s.seen) > seatTime {
			delete(r.seats, session)
			gone = true
		}
	}
	if gone {
		r.tellPresence()
	}
	r.ticks++
}

// announce lists the room in the lobby, as long as somebody is in it.
func (r *room) announce(sys *actor.System) {
	if len(r.seats) == 0 || r.ticks%announceEvery != 1 {
		return
	}
	actor.EntityRef[chatpb.LobbyCommand](sys, Lobby.Name, lobbyID).Tell(&chatpb.Announce{
		Room: &chatpb.Room{Name: r.name, Users: uint32(len(r.users())), Seq: r.seq},
	})
}

func (r *room) tellPresence() {
	r.tell(&chatpb.Presence{Users: r.users(), Incarnation: r.incarnation, Seq: r.seq})
}

// tell sends one message to every session. Each gets it in the order of all
// the others from this room; what is lost on the way shows as a gap in seq.
func (r *room) tell(n chatpb.Notice) {
	for _, s := range r.seats {
		if s.to != nil {
			s.to.Tell(n)
		}
	}
}

// users lists who is here, each once, sorted.
func (r *room) users() []string {
	names := make(map[string]bool, len(r.seats))
	for _, s := range r.seats {
		names[s.user] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Snapshot is the state that moves with the room in a planned hand-over.
func (r *room) Snapshot() (proto.Message, error) {
	s := &chatpb.RoomState{
		Incarnation: r.incarnation, Seq: r.seq, Lines: r.history.lines,
		From: r.from, Base: r.base, Open: r.open, Written: r.written,
	}
	for _, session := range slices.Sorted(maps.Keys(r.seats)) {
		s.Seats = append(s.Seats, &chatpb.Seat{Session: session, User: r.seats[session].user})
	}
	for _, author := range slices.Sorted(maps.Keys(r.authors)) {
		a := r.authors[author]
		s.Authors = append(s.Authors, &chatpb.Authored{Author: author, Number: a.number, Seq: a.seq})
	}
	return s, nil
}

// Restore takes the state over on the new node, before the first message.
func (r *room) Restore(m proto.Message) error {
	s, ok := m.(*chatpb.RoomState)
	if !ok {
		return fmt.Errorf("restore room %s: got %T, want *chatpb.RoomState", r.name, m)
	}
	r.incarnation, r.seq, r.from, r.base = s.GetIncarnation(), s.GetSeq(), s.GetFrom(), s.GetBase()
	r.open, r.written = s.GetOpen(), s.GetWritten()
	r.history.reset(s.GetLines())
	for _, p := range s.GetSeats() {
		r.seats[p.GetSession()] = &seat{user: p.GetUser()}
	}
	for _, a := range s.GetAuthors() {
		r.authors[a.GetAuthor()] = authored{number: a.GetNumber(), seq: a.GetSeq()}
	}
	return nil
}
