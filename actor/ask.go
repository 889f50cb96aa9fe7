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
// It waits until ctx ends or, if that comes first, for the time that
// [Envelope.Within] sets. Without either that may be for ever: an actor need not
// answer. Where asks serve a request, give them its context; where each wants a
// time-out of its own, Within is much cheaper than a context for each. In an actor,
// use [AskThen], which does not block it.
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
	wire, ok := a.wires.Get().(chan any)
	if !ok {
		wire = make(chan any, 1)
	}
	limit := e.limit
	if limit == 0 {
		limit = forever
	}
	corr, err := a.enter(call{to: e.to, wire: wire}, limit)
	if err != nil {
		return nil, e.fail(err)
	}
	e.sys.sendAs(e.cell, e.to, e.msg, question{corr: corr})
	e.sys.lookOut(e.to, wire)
	return e.await(ctx, corr, wire)
}

// lookOut lets the way to whom was asked have the asker, who has nothing else to
// do, see to the answer.
func (s *System) lookOut(to *pa.PID, wire <-chan any) {
	if to == nil || s.isLocal(to) {
		return
	}
	if p, ok := s.proto.ProcessRegistry.Get(to); ok {
		if a, ok := p.(Awaiter); ok {
			a.Await(wire)
		}
	}
}

// await waits for the one answer that a question gets, or gives it up.
func (e Envelope) await(ctx context.Context, corr uint64, wire chan any) (any, error) {
	a := e.sys.asks
	done := ctx.Done()
	if done == nil {
		answer := <-wire
		a.wires.Put(wire)
		return answer, nil
	}
	select {
	case answer := <-wire:
		a.wires.Put(wire)
		return answer, nil
	case <-done:
	}
	if _, mine := a.take(corr); !mine { // somebody is answering at this moment
		answer := <-wire
		a.wires.Put(wire)
		return answer, nil
	}
	a.wires.Put(wire)
	return nil, e.fail(contextError(ctx))
}

func (e Envelope) check(ctx context.Context) error {
	switch {
	case e.to == nil && e.cell == nil:
		return ErrNoActor
	case ctx.Err() != nil:
		return contextError(ctx)
	case e.limit < 0:
		return errDeadline
	}
	return nil
}

func (e Envelope) fail(err error) error { return &AskError{Ref: e.ref(), Err: err} }

// pid is whom the message is for, nil if it is for nobody.
func (e Envelope) pid() *pa.PID {
	if e.to == nil && e.cell != nil {
		return e.cell.self()
	}
	return e.to
}

func (e Envelope) ref() string {
	if e.sys == nil {
		return "the zero Ref"
	}
	return e.sys.format(e.pid())
}

func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errDeadline
	}
	return errCancelled
}

// as turns what came back into what was asked for.
func as[R any](e Envelope, answer any) (R, error) {
	var none R
	switch x := answer.(type) {
	case *actorpb.Failure:
		return none, asError(e.ref(), x)
	case *pa.DeadLetterResponse:
		return none, e.fail(e.sys.absentAt(e.pid()))
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
// After d, or what [Envelope.Within] set if that is less, the ask ends with
// ErrTimeout. If the actor stops or restarts first, then
// is never called.
func AskThen[R, M any](c *Context[M], e Envelope, d time.Duration, then func(R, error) M) {
	cell := c.cell
	fail := func(err error) {
		var none R
		cell.later(func() { cell.handleThen(then(none, err)) })
	}
	if e.to == nil && e.cell == nil {
		fail(e.fail(ErrNoActor))
		return
	}
	if e.limit != 0 {
		d = min(d, e.limit)
	}
	corr, err := cell.enter(e.to, d, func(answer any) {
		r, err := as[R](e, answer)
		cell.handleThen(then(r, err))
	})
	if err != nil {
		fail(e.fail(err))
		return
	}
	e.sys.sendAs(e.cell, e.to, e.msg, question{corr: corr})
}

// asking is a question of an actor, and then the message in which the answer comes
// to it: one piece of memory for both.
type asking struct {
	internal
	core   *core
	gen    uint32 // of the behavior that asks
	corr   uint64
	answer any
	finish func(answer any) // runs in the actor
}

// answered brings the answer, from any goroutine, once.
func (a *asking) answered(answer any) {
	a.answer = answer
	a.core.postUser(a)
}

// end hands the answer to the behavior, if that is still there.
func (a *asking) end() {
	if a.gen == a.core.gen {
		delete(a.core.x.calls, a.corr)
		a.finish(a.answer)
	}
}

// enter adds a question of this actor; finish runs in the actor.
func (c *core) enter(to *pa.PID, d time.Duration, finish func(answer any)) (uint64, error) {
	a := &asking{core: c, gen: c.gen, finish: finish}
	corr, err := c.sys.asks.enter(call{to: to, asking: a}, d)
	if err != nil {
		return 0, err
	}
	a.corr = corr
	x := c.extra()
	if x.calls == nil {
		x.calls = map[uint64]struct{}{}
	}
	x.calls[corr] = struct{}{}
	return corr, nil
}

// giveUp ends the questions of a behavior that is no more.
func (c *core) giveUp() {
	for corr := range c.x.calls {
		c.sys.asks.take(corr)
	}
	c.x.calls = nil
}
