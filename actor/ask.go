package actor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor/internal/actorpb"
)

// Ask sends the message of e and waits for the answer. It ends with exactly one of
//
//   - the answer, if it is an R;
//   - *[AnswerTypeError], if it is something else;
//   - *[Failure], if the behavior returned an error, panicked or said Fail;
//   - *[AskError], if there will be no answer: see there for what it matches.
//
// How long it waits is ctx's affair. Without a deadline that may be for ever: an
// actor need not answer. In an actor, use [AskThen], which does not block it.
func Ask[R any](ctx context.Context, e Envelope) (R, error) {
	answer, err := e.ask(ctx)
	if err != nil {
		var none R
		return none, err
	}
	return as[R](e, answer)
}

// ask waits for any answer.
func (e Envelope) ask(ctx context.Context) (any, error) {
	if err := e.check(ctx); err != nil {
		return nil, e.fail(err)
	}
	a := e.sys.asks
	c := a.newCall(e.to)
	corr := a.next.Add(1)
	if !a.enter(corr, c, forever) {
		return nil, e.fail(ErrStopped)
	}
	e.sys.send(e.to, &pa.MessageEnvelope{Message: e.msg, Sender: askerPID(corr)})
	select {
	case answer := <-c.ch:
		a.recycle(c)
		return answer, nil
	case <-ctx.Done():
	}
	if a.take(corr) == nil { // somebody is answering at this moment
		answer := <-c.ch
		a.recycle(c)
		return answer, nil
	}
	a.recycle(c)
	return nil, e.fail(contextError(ctx))
}

func (e Envelope) check(ctx context.Context) error {
	switch {
	case e.to == nil:
		return ErrNoActor
	case ctx.Err() != nil:
		return contextError(ctx)
	}
	return nil
}

func (e Envelope) fail(err error) error { return &AskError{Ref: e.ref(), Err: err} }

func (e Envelope) ref() string {
	if e.sys == nil {
		return "the zero Ref"
	}
	return e.sys.format(e.to)
}

func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errDeadline
	}
	return errCancelled
}

// newCall takes a call from the free list.
func (a *asks) newCall(to *pa.PID) *call {
	c, ok := a.free.Get().(*call)
	if !ok {
		c = &call{ch: make(chan any, 1)}
	}
	c.to = to
	return c
}

// recycle takes back a call that has ended and whose channel is empty.
func (a *asks) recycle(c *call) {
	c.to = nil
	a.free.Put(c)
}

// as turns what came back into what was asked for.
func as[R any](e Envelope, answer any) (R, error) {
	var none R
	switch x := answer.(type) {
	case *actorpb.Failure:
		return none, asError(e.ref(), x)
	case *pa.DeadLetterResponse:
		return none, e.fail(e.sys.absentAt(e.to))
	case R:
		return x, nil
	case nil:
		if reflect.TypeFor[R]().Kind() == reflect.Interface {
			return none, nil
		}
	}
	return none, &AnswerTypeError{Ref: e.ref(), Got: fmt.Sprintf("%T", answer), Want: reflect.TypeFor[R]().String()}
}

// absentAt is the reason why nobody was found at pid, if nothing better is known.
func (s *System) absentAt(pid *pa.PID) error {
	if s.isLocal(pid) {
		return s.absent(pid.Id)
	}
	return ErrNoActor
}

// AskThen asks from inside an actor without blocking it. The answer, or the error
// that Ask would have returned, is passed to then, and what then returns is handled
// like a message to this actor. then runs in the actor, so it may use its state.
// After d the ask ends with ErrTimeout. If the actor stops or restarts first, then
// is never called.
func AskThen[R, M any](c *Context[M], e Envelope, d time.Duration, then func(R, error) M) {
	cell := c.cell
	finish := func(answer any) {
		r, err := as[R](e, answer)
		cell.handle(turn[M]{msg: then(r, err)})
	}
	cell.askThen(e, d, finish, func(err error) {
		var none R
		cell.later(func() { cell.handle(turn[M]{msg: then(none, err)}) })
	})
}

// askThen enters a question of this actor; finish runs in the actor.
func (c *core) askThen(e Envelope, d time.Duration, finish func(answer any), fail func(error)) {
	if e.to == nil {
		fail(e.fail(ErrNoActor))
		return
	}
	a, gen := c.sys.asks, c.gen
	corr := a.next.Add(1)
	q := &call{to: e.to, then: func(answer any) {
		c.post(&signal{gen: gen, run: func() {
			delete(c.calls, corr)
			finish(answer)
		}})
	}}
	if !a.enter(corr, q, d) {
		fail(e.fail(ErrStopped))
		return
	}
	if c.calls == nil {
		c.calls = map[uint64]*call{}
	}
	c.calls[corr] = q
	e.sys.send(e.to, &pa.MessageEnvelope{Message: e.msg, Sender: askerPID(corr)})
}

// giveUp ends the questions of a behavior that is no more.
func (c *core) giveUp() {
	for corr := range c.calls {
		if q := c.sys.asks.take(corr); q != nil {
			q.timer.Stop()
		}
	}
	c.calls = nil
}
