package actor

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// DeadLetter is published on Proto().EventStream for each message that could not
// be delivered. Subscribers are called on the sender's goroutine and must not block.
type DeadLetter struct {
	To      *pa.PID // whom it was for; nil for an answer to nobody
	From    *pa.PID // who waits for an answer, nil if nobody does
	Message any     // without an envelope
	Reason  error   // matches one of the package's sentinels
}

// DeadLetterCounts says how many messages were not delivered, by reason, since
// the system was made.
type DeadLetterCounts struct {
	NoActor     uint64 // ErrNoActor
	Stopped     uint64 // ErrStopped
	MailboxFull uint64 // ErrMailboxFull
	NodeRemoved uint64 // ErrNodeRemoved
	MessageType uint64 // ErrMessageType
	NotPortable uint64 // ErrNotPortable
	NoAsker     uint64 // ErrNoAsker: answers that came late or twice
	NotExposed  uint64 // ErrNotExposed: from other nodes
	Other       uint64 // any other reason
}

type letterCounts struct {
	noActor, stopped, mailboxFull, nodeRemoved, messageType, notPortable, noAsker, notExposed, other atomic.Uint64
}

func (l *letterCounts) of(reason error) *atomic.Uint64 {
	switch {
	case errors.Is(reason, ErrNoActor):
		return &l.noActor
	case errors.Is(reason, ErrStopped):
		return &l.stopped
	case errors.Is(reason, ErrMailboxFull):
		return &l.mailboxFull
	case errors.Is(reason, ErrNodeRemoved):
		return &l.nodeRemoved
	case errors.Is(reason, ErrMessageType):
		return &l.messageType
	case errors.Is(reason, ErrNotPortable):
		return &l.notPortable
	case errors.Is(reason, ErrNoAsker):
		return &l.noAsker
	case errors.Is(reason, ErrNotExposed):
		return &l.notExposed
	}
	return &l.other
}

// DeadLetters counts what could not be delivered.
func (s *System) DeadLetters() DeadLetterCounts {
	l := &s.letters
	return DeadLetterCounts{
		NoActor: l.noActor.Load(), Stopped: l.stopped.Load(),
		MailboxFull: l.mailboxFull.Load(), NodeRemoved: l.nodeRemoved.Load(),
		MessageType: l.messageType.Load(), NotPortable: l.notPortable.Load(),
		NoAsker: l.noAsker.Load(), NotExposed: l.notExposed.Load(), Other: l.other.Load(),
	}
}

// DeadLetter reports a message that could not be delivered: it is counted and
// published, and who asked, if from is somebody who did, gets the *AskError that
// matches reason. For remote and services; any goroutine may call it.
func (s *System) DeadLetter(to, from *pa.PID, msg any, reason error) {
	if _, m, sender := pa.UnwrapEnvelope(msg); sender != nil {
		msg, from = m, sender
	}
	s.tellAsker(to, s.comeHome(from), reason)
	s.publish(&DeadLetter{To: to, From: from, Message: msg, Reason: reason})
}

// tellAsker spares the asker the wait. A protoactor actor is told in its own way.
func (s *System) tellAsker(to, from *pa.PID, reason error) {
	switch {
	case from == nil:
	case isAsker(from):
		s.send(from, refusal(reason))
	default:
		s.send(from, &pa.DeadLetterResponse{Target: to})
	}
}

func (s *System) publish(l *DeadLetter) {
	s.letters.of(l.Reason).Add(1)
	s.logLetter(l)
	s.announce(l)
}

// logLetter logs a few dead letters, and how many it has left out.
func (s *System) logLetter(l *DeadLetter) {
	ok, left := s.letterLog.admit(time.Now())
	if !ok {
		return
	}
	attrs := []any{
		slog.String("to", s.format(l.To)), slog.String("type", fmt.Sprintf("%T", l.Message)),
		slog.Any("reason", l.Reason),
	}
	if left > 0 {
		attrs = append(attrs, slog.Uint64("left_out", left))
	}
	s.log.Info("dead letter", attrs...)
}

// At most logBurst dead letters are logged in each logWindow.
const (
	logBurst  = 10
	logWindow = 10 * time.Second
)

// letterLog limits a log's rate. It has no timer: what was left out is told with
// the next line.
type letterLog struct {
	mu    sync.Mutex
	begun time.Time
	lines int
	left  uint64
}

func (l *letterLog) admit(now time.Time) (ok bool, left uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.begun) >= logWindow {
		l.begun, l.lines = now, 0
	}
	if l.lines == logBurst {
		l.left++
		return false, 0
	}
	l.lines++
	left, l.left = l.left, 0
	return true, left
}

// Subscribe calls f for each event on Proto().EventStream, such as *[DeadLetter]
// and *[Fault], on the goroutine that publishes it, until cancel. f must not block;
// if it panics, that is logged, and harms neither the publisher nor the others. A
// handler that is subscribed to the EventStream itself has no such protection from
// the others, nor they from it.
func (s *System) Subscribe(f func(event any)) (cancel func()) {
	sub := s.proto.EventStream.Subscribe(func(event any) { s.guard(f, event) })
	return func() { s.proto.EventStream.Unsubscribe(sub) }
}

// announce publishes an event of this package.
func (s *System) announce(event any) { s.guard(s.proto.EventStream.Publish, event) }

// guard calls a handler, whose panic is its own affair.
func (s *System) guard(f func(any), event any) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("event handler panicked", "event", fmt.Sprintf("%T", event), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	f(event)
}

// onDeadLetter turns protoactor's dead letters into ours.
func (s *System) onDeadLetter(event any) {
	l, ok := event.(*pa.DeadLetterEvent)
	if !ok {
		return
	}
	if w, ok := l.Message.(*pa.Watch); ok && s.owned {
		s.sendSystem(w.Watcher, &pa.Terminated{Who: l.PID, Why: pa.TerminatedReason_NotFound})
	}
	switch {
	case !isLetter(l.Message):
	case s.owned:
		s.DeadLetter(l.PID, l.Sender, l.Message, s.lostReason(l.PID))
	default: // protoactor has told the sender
		s.publish(&DeadLetter{To: l.PID, From: l.Sender, Message: l.Message, Reason: s.lostReason(l.PID)})
	}
}

func (s *System) lostReason(to *pa.PID) error {
	if to == nil {
		return ErrNoAsker // protoactor's Respond to nobody
	}
	return s.absentAt(to)
}

// isLetter tells a user's message from what the system sends itself.
func isLetter(msg any) bool {
	switch msg.(type) {
	case pa.SystemMessage, pa.MailboxMessage, *pa.PoisonPill, *signal, *asking:
		return false
	}
	return !isRefusal(msg)
}
