package actor

import (
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// request is the envelope among cells: a message and who waits for an answer. The
// cell that takes it out of its mailbox copies it and gives it back, so a question
// costs no memory. It never reaches anybody else, who might keep it.
type request struct {
	msg  any
	from question
}

type requests struct{ pool sync.Pool }

func (r *requests) get(msg any, from question) *request {
	q, ok := r.pool.Get().(*request)
	if !ok {
		q = new(request)
	}
	q.msg, q.from = msg, from
	return q
}

func (r *requests) put(q *request) {
	*q = request{}
	r.pool.Put(q)
}

// sendAs passes a message on whose answer goes to from. to is pid's cell, if known.
func (s *System) sendAs(to *core, pid *pa.PID, msg any, from question) {
	if to == nil || to.dead.Load() {
		if pid == nil && to != nil {
			pid = to.self()
		}
		to = s.coreOf(pid)
	}
	switch {
	case to != nil && !to.ours():
		(*process)(to).SendUserMessage(pid, wrap(msg, from.pid()))
	case to == nil:
		s.send(pid, wrap(msg, from.pid()))
	case from.nobody():
		(*process)(to).SendUserMessage(pid, msg)
	case isBatch(msg): // the mailbox takes it apart
		(*process)(to).SendUserMessage(pid, wrap(msg, from.pid()))
	default:
		(*process)(to).SendUserMessage(pid, s.requests.get(msg, from))
	}
}

func isBatch(msg any) bool {
	_, ok := msg.(pa.MessageBatch)
	return ok
}

// plainMessage is a message in a form that anybody understands.
func plainMessage(msg any) any {
	if q, ok := msg.(*request); ok {
		return wrap(q.msg, q.from.pid())
	}
	return msg
}

// open takes a message out of whatever envelope it is in.
func open(msg any) (bare any, from question) {
	switch m := msg.(type) {
	case *request:
		return m.msg, m.from
	case *pa.MessageEnvelope:
		return m.Message, question{asker: m.Sender}
	}
	return msg, question{}
}
