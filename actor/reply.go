package actor

import (
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// question is who waits for an answer to a message: nobody, a question in the
// table of asks, or an actor.
type question struct {
	asker *pa.PID  // an actor; or what pid made of the others
	corr  uint64   // an ask of this system, 0 if it is none
	back  *core    // a cell of this system, nil if it is none
	rep   *replier // set once Replier was called: it then keeps the count of answers
}

// nobody tells that nobody waits, or not any more.
func (q *question) nobody() bool { return q.asker == nil && q.corr == 0 && q.back == nil }

// pid is who waits in protoactor's terms, nil for nobody.
func (q *question) pid() *pa.PID {
	switch {
	case q.asker != nil:
	case q.corr != 0:
		q.asker = askerPID(q.corr)
	case q.back != nil:
		q.asker = q.back.self()
	}
	return q.asker
}

// reply answers, once.
func (q *question) reply(c *core, answer any) {
	if q.rep != nil {
		q.rep.reply(answer)
		return
	}
	to := *q
	*q = question{}
	c.sys.answer(c, to, answer)
}

// fail tells the asker, if it still waits, that the behavior failed.
func (q *question) fail(c *core, err error) {
	switch {
	case q.rep != nil:
		q.rep.fail(err)
	case !q.nobody():
		to := *q
		*q = question{}
		c.sys.answerFailure(c, to, err)
	}
}

// bury makes a dead letter of a message that the actor had kept.
func (q *question) bury(c *core, msg any) {
	from := *q
	if q.rep != nil {
		if from = (question{}); q.rep.claim() {
			from = q.rep.asker
		}
	}
	c.sys.DeadLetter(c.self(), from.pid(), msg, ErrStopped)
}

// answer sends an answer on its way; to nobody it is a dead letter.
func (s *System) answer(self *core, to question, answer any) {
	switch {
	case to.corr != 0:
		if !s.asks.complete(to.corr, answer) && !isRefusal(answer) {
			s.DeadLetter(to.pid(), nil, answer, ErrNoAsker)
		}
	case to.back != nil:
		(*process)(to.back).SendUserMessage(nil, answer)
	case to.asker != nil:
		s.send(to.asker, answer)
	default:
		s.DeadLetter(nil, nil, answer, explain(ErrNoAsker, "actor: "+self.String()+" answers, but nobody asked, or has an answer already"))
	}
}

// answerFailure tells an asker of a failure. A protoactor actor in this system gets
// the *Failure itself.
func (s *System) answerFailure(self *core, to question, err error) {
	f := failed(err)
	if to.corr == 0 && !isAsker(to.pid()) && s.isLocal(to.pid()) {
		s.send(to.pid(), &Failure{Code: f.Code, Text: f.Text})
		return
	}
	s.answer(self, to, f)
}

// replier answers one question, once, from anywhere.
type replier struct {
	sys   *System
	self  *core
	asker question
	done  atomic.Bool
}

// claim is true for whoever may answer.
func (r *replier) claim() bool { return !r.asker.nobody() && r.done.CompareAndSwap(false, true) }

func (r *replier) reply(answer any) {
	if r.claim() {
		r.sys.answer(r.self, r.asker, answer)
	} else {
		r.sys.answer(r.self, question{}, answer)
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
