package main

import (
	"slices"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

const (
	beatEvery  = 2 * time.Second        // how often a session joins again
	askTime    = 2 * time.Second        // how long it waits for one answer of the room
	retryPause = 150 * time.Millisecond // before it asks again
	quietTime  = 5 * time.Second        // a room that is silent for so long is reported to the user
	heldLines  = 4096                   // lines that wait for an earlier one
)

// session is the actor of one connection, on the node that the user is
// connected to. It gives the client the room's lines in order and each once,
// asks the room for those that it missed, and says the user's lines until the
// room has them.
type session struct {
	room, user, node string
	at               actor.Ref[chatpb.Command] // the room
	home             func() string             // the node that hosts the room; "" = none
	send             func(frame any)           // to the client; never blocks

	resume      resume // what the client has from an earlier connection
	incarnation uint64 // of the room; 0 = not joined yet
	from, base  uint64
	last        uint64 // newest line given to the client
	recent      history
	held        map[uint64]*chatpb.Line // newer than last+1
	early       []*chatpb.Line          // of an incarnation that this session has not joined yet
	users       []string
	where       roomFrame // the last one sent
	acked       *chatpb.Line
	number      uint64 // of the last line without an id
	joins       int    // asks under way
	heard       time.Time
	quiet       bool

	post    *post
	attempt uint64 // of all lines
}

// resume is what a client says that it has seen.
type resume struct{ incarnation, last uint64 }

// post is the line that the room has not acknowledged yet. There is one at a
// time: the connection reads the next one after its answer.
type post struct {
	say   *chatpb.Say
	first uint64 // attempt
	at    time.Time
	done  actor.Replier
}

// Started joins the room at once.
func (s *session) Started(c *actor.Context[chatpb.Notice]) error {
	s.heard = time.Now()
	s.held = map[uint64]*chatpb.Line{}
	s.recent.limit = replayLines
	c.Every(beatEvery, &chatpb.Beat{})
	s.join(c)
	return nil
}

// Stopped frees the seat in the room, if that is still reached.
func (s *session) Stopped(c *actor.Context[chatpb.Notice], _ error) {
	s.at.Tell(&chatpb.Leave{Session: c.Self().String()})
}

// Receive dispatches.
func (s *session) Receive(c *actor.Context[chatpb.Notice], m chatpb.Notice) error {
	switch m := m.(type) {
	case *chatpb.Line:
		s.onLine(c, m)
	case *chatpb.Joined:
		s.onJoined(c, m)
	case *chatpb.Presence:
		s.onPresence(c, m)
	case *chatpb.Post:
		s.onPost(c, m)
	case *chatpb.Beat:
		s.onBeat(c)
	case *chatpb.Answered:
		s.onAnswered(c, m)
	case *chatpb.Unanswered:
		s.onUnanswered(c, m)
	case *chatpb.Retry:
		if s.post != nil && m.GetAttempt() == s.attempt {
			s.say(c)
		}
	}
	return nil
}

// ---- joining ----

func (s *session) join(c *actor.Context[chatpb.Notice]) {
	s.ask(c, s.request(c))
}

func (s *session) request(c *actor.Context[chatpb.Notice]) *chatpb.Join {
	return &chatpb.Join{Session: c.Self().String(), User: s.user, Incarnation: s.incarnation, Last: s.last}
}

// ask sends a Join or a History; the answer comes back as a message.
func (s *session) ask(c *actor.Context[chatpb.Notice], m chatpb.Command) {
	s.joins++
	actor.AskThen(c, s.at.With(m), askTime, func(a *chatpb.Joined, err error) chatpb.Notice {
		if err != nil {
			return &chatpb.Unanswered{Why: err.Error()}
		}
		return a
	})
}

func (s *session) onBeat(c *actor.Context[chatpb.Notice]) {
	now := time.Now()
	s.join(c)
	s.tellWhere()
	if s.post != nil && now.Sub(s.post.at) >= beatEvery/2 {
		s.say(c)
	}
	if !s.quiet && now.Sub(s.heard) > quietTime {
		s.quiet = true
		s.send(errorFrame{Type: "error", Code: "quiet", Text: "the room does not answer; trying on, nothing you said is lost"})
	}
}

func (s *session) onJoined(c *actor.Context[chatpb.Notice], m *chatpb.Joined) {
	s.joins = max(0, s.joins-1)
	s.heard = time.Now()
	if s.quiet {
		s.quiet, s.where = false, roomFrame{} // the next one tells the client that it is over
	}
	if m.GetWantHistory() {
		s.ask(c, &chatpb.History{Join: s.request(c), Lines: s.recent.newest(replayLines), Acknowledged: s.acked})
		return
	}
	first := s.incarnation == 0
	if first && m.GetSettling() && s.resume.incarnation != 0 {
		c.After(retryPause, &chatpb.Beat{}) // whether the client's lines are its past is not known yet
		return
	}
	if m.GetIncarnation() != s.incarnation && !s.change(m) {
		return
	}
	if first {
		s.begin(m)
	}
	s.tellWhere()
	s.tellUsers(m.GetUsers())
	s.take(c, m)
}

// change follows the room into another incarnation. It refuses the answer of an
// earlier one, which came late.
func (s *session) change(m *chatpb.Joined) bool {
	if m.GetIncarnation() < s.incarnation {
		return false
	}
	s.incarnation, s.from, s.base = m.GetIncarnation(), m.GetFrom(), m.GetBase()
	clear(s.held)
	for _, l := range s.early {
		if l.GetIncarnation() == s.incarnation {
			s.held[l.GetSeq()] = l
		}
	}
	s.early = nil
	if m.GetReset_() {
		s.last = m.GetBase()
		s.recent.reset(slices.DeleteFunc(s.recent.newest(replayLines), func(l *chatpb.Line) bool { return l.GetSeq() > s.last }))
		s.send(gapFrame{Type: "reset", Seq: s.last})
	}
	return true
}

// begin goes on where the client's earlier connection ended, if the room still
// has that past; else with what the room replays.
func (s *session) begin(m *chatpb.Joined) {
	r := s.resume
	switch {
	case r.incarnation == m.GetIncarnation() && r.last <= m.GetSeq(), r.incarnation == m.GetFrom() && r.last <= m.GetBase():
		s.last = r.last
	case r.incarnation != 0:
		s.send(gapFrame{Type: "reset"})
	}
	if s.last == 0 && len(m.GetLines()) > 0 {
		s.last = m.GetLines()[0].GetSeq() - 1
	}
}

// ---- what the room tells ----

func (s *session) onLine(c *actor.Context[chatpb.Notice], l *chatpb.Line) {
	s.heard = time.Now()
	switch {
	case l.GetIncarnation() != s.incarnation:
		if l.GetIncarnation() > s.incarnation && len(s.early) < heldLines {
			s.early = append(s.early, l)
		}
		s.catchUp(c)
	case l.GetSeq() == s.last+1:
		s.give(l)
		s.giveHeld()
	case l.GetSeq() > s.last:
		if len(s.held) < heldLines {
			s.held[l.GetSeq()] = l
		}
		s.catchUp(c)
	}
}

// catchUp asks the room for what is missing, unless it is being asked.
func (s *session) catchUp(c *actor.Context[chatpb.Notice]) {
	if s.joins == 0 {
		s.join(c)
	}
}

// take gives the client the lines of an answer that it does not have yet. The
// answer may be to an earlier question, so that lines before it are missing
// here: then it is asked again, and only what the room does not keep is a gap.
func (s *session) take(c *actor.Context[chatpb.Notice], m *chatpb.Joined) {
	for _, l := range m.GetLines() {
		switch {
		case l.GetSeq() <= s.last:
			continue
		case l.GetSeq() > s.last+1 && l.GetSeq() > m.GetOldest():
			s.join(c)
			return
		case l.GetSeq() > s.last+1:
			s.send(gapFrame{Type: "gap", Seq: l.GetSeq()})
		}
		s.give(l)
	}
	s.giveHeld()
}

func (s *session) giveHeld() {
	for l := s.held[s.last+1]; l != nil; l = s.held[s.last+1] {
		s.give(l)
	}
	for seq := range s.held {
		if seq <= s.last {
			delete(s.held, seq)
		}
	}
}

func (s *session) give(l *chatpb.Line) {
	s.last = l.GetSeq()
	delete(s.held, s.last)
	s.recent.add(l)
	s.send(newLineFrame(s.room, l))
}

func (s *session) onPresence(c *actor.Context[chatpb.Notice], m *chatpb.Presence) {
	s.heard = time.Now()
	if s.incarnation == 0 {
		return
	}
	s.tellUsers(m.GetUsers())
	if m.GetIncarnation() != s.incarnation || m.GetSeq() > s.last {
		s.catchUp(c)
	}
}

func (s *session) tellUsers(users []string) {
	if users == nil {
		users = []string{}
	}
	if s.users != nil && slices.Equal(users, s.users) {
		return
	}
	s.send(presenceFrame{Type: "presence", Users: users, Joined: without(users, s.users), Left: without(s.users, users)})
	s.users = users
}

// without returns the names in a that are not in b, never nil. Both are sorted.
func without(a, b []string) []string {
	rest := []string{}
	for _, name := range a {
		if _, found := slices.BinarySearch(b, name); !found {
			rest = append(rest, name)
		}
	}
	return rest
}

// tellWhere tells the client which node hosts the room, when that has changed.
func (s *session) tellWhere() {
	f := roomFrame{Type: "room", Room: s.room, User: s.user, Node: s.node, Home: s.home(), Epoch: epoch(s.incarnation)}
	if f != s.where {
		s.where = f
		s.send(f)
	}
}

// ---- what the user says ----

func (s *session) onPost(c *actor.Context[chatpb.Notice], m *chatpb.Post) {
	author, number := m.GetAuthor(), m.GetNumber()
	if author == "" {
		s.number++
		author, number = s.name(c), s.number
	}
	s.post = &post{
		say:   &chatpb.Say{User: s.user, Text: m.GetText(), Author: author, Number: number},
		first: s.attempt + 1,
		done:  c.Replier(),
	}
	s.say(c)
}

// say sends the pending line to the room, again if need be: the room knows it
// by author and number.
func (s *session) say(c *actor.Context[chatpb.Notice]) {
	s.attempt++
	s.post.at = time.Now()
	attempt := s.attempt
	actor.AskThen(c, s.at.With(s.post.say), askTime, func(a *chatpb.Said, err error) chatpb.Notice {
		if err != nil {
			return &chatpb.Unanswered{Attempt: attempt, Why: err.Error()}
		}
		return &chatpb.Answered{Attempt: attempt, Said: a}
	})
}

func (s *session) onAnswered(c *actor.Context[chatpb.Notice], m *chatpb.Answered) {
	s.heard = time.Now()
	if s.post == nil || m.GetAttempt() < s.post.first {
		return // of a line that is done
	}
	if m.GetSaid().GetAgain() {
		s.retry(c, m.GetAttempt())
		return
	}
	say := s.post.say
	s.acked = &chatpb.Line{Seq: m.GetSaid().GetSeq(), User: say.User, Text: say.Text, Author: say.Author, Number: say.Number}
	s.post.done.Reply(m.GetSaid())
	s.post = nil
}

func (s *session) onUnanswered(c *actor.Context[chatpb.Notice], m *chatpb.Unanswered) {
	if m.GetAttempt() > 0 {
		s.retry(c, m.GetAttempt())
		return
	}
	c.Log().Debug("room did not answer a join", "room", s.room, "err", m.GetWhy())
	s.joins = max(0, s.joins-1)
	if s.joins == 0 {
		c.After(retryPause, &chatpb.Beat{})
	}
}

// retry says the pending line again soon, if attempt was the newest.
func (s *session) retry(c *actor.Context[chatpb.Notice], attempt uint64) {
	if s.post != nil && attempt == s.attempt {
		c.After(retryPause, &chatpb.Retry{Attempt: attempt})
	}
}

// name is the author of lines without an id: this session, never another one.
func (s *session) name(c *actor.Context[chatpb.Notice]) string {
	return anonymous + c.Self().String()
}
