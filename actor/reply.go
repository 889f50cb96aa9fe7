package actor

import (
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// question is who waits for an answer to the message in hand.
type question struct {
	asker *pa.PID  // nil if nobody does, or not any more
	rep   *replier // set once Replier was called: it then keeps the count of answers
}

// reply answers, once.
func (q *question) reply(c *core, answer any) {
	if q.rep != nil {
		q.rep.reply(answer)
		return
	}
	to := q.asker
	q.asker = nil
	c.sys.answer(c.self, to, answer)
}

// fail tells the asker, if it still waits, that the behavior failed.
func (q *question) fail(c *core, err error) {
	switch {
	case q.rep != nil:
		q.rep.fail(err)
	case q.asker != nil:
		to := q.asker
		q.asker = nil
		c.sys.answerFailure(c.self, to, err)
	}
}

// bury makes a dead letter of a message that the actor had kept.
func (q *question) bury(c *core, msg any) {
	from := q.asker
	if q.rep != nil {
		if from = nil; q.rep.claim() {
			from = q.rep.asker
		}
	}
	c.sys.DeadLetter(c.self, from, msg, ErrStopped)
}

// answer sends an answer on its way; to nobody it is a dead letter.
func (s *System) answer(self, to *pa.PID, answer any) {
	if to == nil {
		s.DeadLetter(nil, nil, answer, explain(ErrNoAsker, "actor: "+s.format(self)+" answers, but nobody asked, or has an answer already"))
		return
	}
	s.send(to, answer)
}

// answerFailure tells an asker of a failure. A protoactor actor in this system gets
// the *Failure itself.
func (s *System) answerFailure(self, to *pa.PID, err error) {
	f := failed(err)
	if !isAsker(to) && s.isLocal(to) {
		s.send(to, &Failure{Code: f.Code, Text: f.Text})
		return
	}
	s.send(to, f)
}

// replier answers one question, once, from anywhere.
type replier struct {
	sys   *System
	self  *pa.PID
	asker *pa.PID
	done  atomic.Bool
}

// claim is true for whoever may answer.
func (r *replier) claim() bool { return r.asker != nil && r.done.CompareAndSwap(false, true) }

func (r *replier) reply(answer any) {
	if r.claim() {
		r.sys.answer(r.self, r.asker, answer)
	} else {
		r.sys.answer(r.self, nil, answer)
	}
}

func (r *replier) fail(err error) {
	if r.claim() {
		r.sys.answerFailure(r.self, r.asker, err)
	}
}

// Replier answers a question later and from any goroutine. The first answer wins,
// whether given here or by the behavior; others are dead letters. The zero Replier
// does nothing.
type Replier struct{ r *replier }

// Reply answers.
func (r Replier) Reply(answer any) {
	if r.r != nil {
		r.r.reply(answer)
	}
}

// Fail answers with a *Failure, if nobody has answered.
func (r Replier) Fail(err error) {
	if r.r != nil {
		r.r.fail(err)
	}
}
