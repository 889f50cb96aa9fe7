package reliable

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
)

// Producer sends messages that are kept and repeated until they are confirmed. All
// methods may be called from any goroutine.
type Producer[M proto.Message] struct {
	id   string
	ref  actor.Ref[any]
	room *room
	max  int // bytes of a message
}

// NewProducer starts a producer for one consumer, an actor with the behavior of
// [Consumer]: on any node, and not necessarily there yet. To should be the ref of a
// name, which reaches whichever incarnation bears it.
//
// The id is what the consumer knows the producer by, 1 to 256 bytes: the same after
// a restart, and no other producer's at the same consumer. Faults of cfg and the
// error of its queue's Open are reported.
func NewProducer[M proto.Message](sys *actor.System, id string, to actor.Addressable, cfg Config) (*Producer[M], error) {
	if to.PID() == nil {
		return nil, fmt.Errorf("reliable: producer %q: %w", id, actor.ErrNoActor)
	}
	return newProducer[M](sys, id, cfg, func(s State, cfg Config) backend {
		return newSingle(id, actor.RefOf[any](sys, to.PID()), s, cfg)
	})
}

// NewPool starts a producer whose messages go to workers: actors with the behavior
// of [Consumer] that AddWorker names, each message to one of them. Workers pull: who
// is slow gets less. What a worker had not confirmed when it stopped, or when its
// node was removed, goes to another, and may so be done twice.
func NewPool[M proto.Message](sys *actor.System, id string, cfg Config) (*Producer[M], error) {
	refs := make(map[string]actor.Ref[any]) // of the workers, over restarts of the actor, which owns it
	return newProducer[M](sys, id, cfg, func(s State, cfg Config) backend { return newPooled(sys, id, s, cfg, refs) })
}

func newProducer[M proto.Message](sys *actor.System, id string, cfg Config, begin func(State, Config) backend) (*Producer[M], error) {
	if id == "" || len(id) > maxText || !utf8.ValidString(id) {
		return nil, fmt.Errorf("reliable: producer id %.20q must be 1 to %d bytes of UTF-8", id, maxText)
	}
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	state, err := cfg.Queue.Open()
	if err != nil {
		return nil, fmt.Errorf("reliable: producer %q: open the queue: %w", id, err)
	}
	r := &room{limit: cfg.Buffer}
	r.force(len(state.Unconfirmed))
	first := &state // a restart opens the queue again
	ref, err := actor.Spawn(sys, "", func() actor.Behavior[any] {
		b := &producer{cfg: cfg, room: r, begin: begin, state: first}
		first = nil
		return b
	})
	if err != nil {
		return nil, fmt.Errorf("reliable: producer %q: %w", id, err)
	}
	return &Producer[M]{id: id, ref: ref, room: r, max: cfg.MaxMessage}, nil
}

// pack encodes a message of at most Config.MaxMessage bytes.
func (p *Producer[M]) pack(m M) ([]byte, error) {
	payload, err := pack(m)
	if err == nil && len(payload) > p.max {
		err = fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(payload), p.max)
	}
	return payload, p.named("send", err)
}

// Send has m delivered. It returns when m is in the queue, and waits for that while
// Config.Buffer messages are unconfirmed: so it must not be called by an actor,
// which would wait as well; see [Producer.TrySend] and [WhenRoom]. Errors: ctx's,
// after which m may be delivered nevertheless; ErrTooLarge; ErrClosed; the queue's.
func (p *Producer[M]) Send(ctx context.Context, m M) error {
	payload, err := p.pack(m)
	if err != nil {
		return err
	}
	if err := p.room.wait(ctx); err != nil {
		return p.named("send", err)
	}
	return p.named("send", p.ask(ctx, &offer{payload: payload, asked: true}))
}

// TrySend is Send that never waits: ErrFull while Config.Buffer messages are
// unconfirmed. No error does not mean that the queue could store m; should it fail,
// which it logs, m is lost.
func (p *Producer[M]) TrySend(m M) error {
	payload, err := p.pack(m)
	if err != nil {
		return err
	}
	if err := p.room.take(); err != nil {
		return p.named("send", err)
	}
	p.ref.Tell(&offer{payload: payload})
	return nil
}

// WhenRoom tells m to an actor, once, as soon as the producer has room for one more
// message. It is how an actor sends at the pace of the consumer:
//
//	case next:
//		for s.more() && s.out.TrySend(s.peek()) == nil {
//			s.pop()
//		}
//		return reliable.WhenRoom(s.out, c.Self(), next{})
//
// ErrFull if Config.Buffer others wait already; ErrClosed.
func WhenRoom[M proto.Message, A any](p *Producer[M], to actor.Ref[A], m A) error {
	return p.named("wait for room", p.room.call(func() { to.Tell(m) }))
}

// Flush waits until everything that was sent before is confirmed. Errors: ctx's,
// ErrClosed, and ErrFull while very many wait already.
func (p *Producer[M]) Flush(ctx context.Context) error {
	return p.named("flush", p.ask(ctx, flush{}))
}

// Unconfirmed is how many messages are sent, or are being sent, and not confirmed.
func (p *Producer[M]) Unconfirmed() int {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	return p.room.used
}

// AddWorker has a pool send to worker too, until RemoveWorker, or until it stops or
// its node is removed. ErrNotPool for a producer that is none, ErrFull beyond 4096
// workers. Adding a worker again changes nothing.
func (p *Producer[M]) AddWorker(ctx context.Context, worker actor.Addressable) error {
	if worker.PID() == nil {
		return p.named("add a worker", actor.ErrNoActor)
	}
	return p.named("add a worker", p.ask(ctx, addWorker{worker}))
}

// RemoveWorker has a pool send to worker no more. What it has not confirmed goes to
// the others.
func (p *Producer[M]) RemoveWorker(ctx context.Context, worker actor.Addressable) error {
	if worker.PID() == nil {
		return p.named("remove a worker", actor.ErrNoActor)
	}
	return p.named("remove a worker", p.ask(ctx, removeWorker{worker}))
}

// Close stops the producer. What is unconfirmed stays in its queue. To have all of
// it delivered, call Flush before.
func (p *Producer[M]) Close(ctx context.Context) error {
	p.room.close()
	if err := actor.Stop(ctx, p.ref); err != nil {
		return p.named("close", err)
	}
	return nil
}

// ask asks the producer's actor, whose answer is nil or an error of this process.
func (p *Producer[M]) ask(ctx context.Context, m any) error {
	answer, err := actor.Ask[outcome](ctx, p.ref.With(m))
	switch {
	case err == nil:
		return answer.err
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, actor.ErrStopped), errors.Is(err, actor.ErrNoActor):
		return ErrClosed
	}
	return err
}

func (p *Producer[M]) named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reliable: producer %q: %s: %w", p.id, what, err)
}
