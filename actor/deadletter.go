package actor

import (
	"errors"
	"runtime/debug"
	"sync/atomic"

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
	Other       uint64 // any other reason
}

type letterCounts struct {
	noActor, stopped, mailboxFull, nodeRemoved, messageType, notPortable, noAsker, other atomic.Uint64
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
		NoAsker: l.noAsker.Load(), Other: l.other.Load(),
	}
}

// DeadLetter reports a message that could not be delivered: it is counted and
// published, and who asked, if from is somebody who did, gets the *AskError that
// matches reason. For remote and services; any goroutine may call it.
func (s *System) DeadLetter(to, from *pa.PID, msg any, reason error) {
	if _, m, sender := pa.UnwrapEnvelope(msg); sender != nil {
		msg, from = m, sender
	}
	s.tellAsker(to, from, reason)
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
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("subscriber of dead letters panicked", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	s.proto.EventStream.Publish(l)
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
	case pa.SystemMessage, pa.MailboxMessage, *pa.PoisonPill, *signal:
		return false
	}
	return !isRefusal(msg)
}
