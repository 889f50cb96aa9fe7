package reliable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/reliable/internal/flow"
	"github.com/pando-go/pando/remote/reliable/internal/reliablepb"
)

// Handler is what a consumer does with messages. It may implement
// actor.Starter[any], actor.Stopper[any] and actor.Watcher[any] as well.
type Handler[M proto.Message] interface {
	// Handle handles one message. Returning nil confirms it, unless [Context.Hold]
	// took that over. An error or a panic goes to the actor's supervisor; after the
	// restart, what was not confirmed is delivered again.
	Handle(c *Context, m M) error
}

// Func is a handler without state.
func Func[M proto.Message](f func(*Context, M) error) func() Handler[M] {
	return func() Handler[M] { return handlerFunc[M](f) }
}

type handlerFunc[M proto.Message] func(*Context, M) error

// Handle calls the function.
func (f handlerFunc[M]) Handle(c *Context, m M) error { return f(c, m) }

// Consumer returns the behavior of an actor that takes what producers send it, each
// message once as long as the actor lives, and those of one producer in order:
//
//	ledger, err := actor.Spawn(sys, "ledger", reliable.Consumer(newLedger, reliable.ConsumerConfig{}))
//
// The actor takes nothing but that: another message is a dead letter. A faulty cfg
// makes the first message of the actor fail; Validate tells before.
func Consumer[M proto.Message](new func() Handler[M], cfg ConsumerConfig) func() actor.Behavior[any] {
	filled, err := cfg.filled()
	return func() actor.Behavior[any] {
		return &consumer[M]{err: err, h: new(), core: flow.NewConsumer(newSession(), filled.limits())}
	}
}

// Validate reports all faults of the configuration at once.
func (c ConsumerConfig) Validate() error {
	_, err := c.filled()
	return err
}

// newSession draws the number of a consumer's incarnation.
func newSession() uint64 { return 1 + rand.Uint64N(1<<63) }

// Context is what a handler knows of the message in hand. It is valid during the
// call that it is passed to, on that goroutine only.
type Context struct {
	actor  *actor.Context[any]
	letter flow.Letter
	held   bool
}

// Self is the consumer's own ref.
func (c *Context) Self() actor.Ref[any] { return c.actor.Self() }

// System is the system that the consumer lives in.
func (c *Context) System() *actor.System { return c.actor.System() }

// Log is the system's logger with the actor's ref as an attribute.
func (c *Context) Log() *slog.Logger { return c.actor.Log() }

// Context is done when the actor stops, and when it restarts.
func (c *Context) Context() context.Context { return c.actor.Context() }

// Producer is the id of the message's producer.
func (c *Context) Producer() string { return c.letter.Producer }

// Seq numbers the messages of the producer, from 1. With work-pulling it numbers
// those that this consumer was given.
func (c *Context) Seq() uint64 { return c.letter.Seq }

// Hold takes over confirming the message, later and from any goroutine. What is
// held counts to the window, so a consumer that never confirms is sent no more.
func (c *Context) Hold() Confirmation {
	c.held = true
	return Confirmation{&confirmation{to: c.actor.Self(), producer: c.letter.Producer, stream: c.letter.Stream, seq: c.letter.Seq}}
}

// Confirmation is a message that was held. The zero Confirmation is none.
type Confirmation struct{ c *confirmation }

type confirmation struct {
	to          actor.Ref[any]
	producer    string
	stream, seq uint64
	done        atomic.Bool
}

// Confirm tells that the message is done with, and may be forgotten everywhere. Any
// goroutine may call it; once is enough. After the actor has restarted it does
// nothing: the message will be delivered again.
func (c Confirmation) Confirm() {
	if c.c != nil && !c.c.done.Swap(true) {
		c.c.to.Tell(c.c)
	}
}

// flushAcks is what a consumer tells itself: it comes behind the letters that wait
// in the mailbox already, so that one ack tells of all of them.
type flushAcks struct{}

// consumer is the actor around flow.Consumer.
type consumer[M proto.Message] struct {
	err      error
	h        Handler[M]
	core     *flow.Consumer
	replyTo  map[string]actor.Ref[*reliablepb.Ack] // by producer
	texts    map[string]string                     // of them
	flushing bool                                  // a flushAcks is in the mailbox
	refused  uint64                                // letters
}

// Receive takes a letter, or what the actor told itself.
func (b *consumer[M]) Receive(c *actor.Context[any], m any) error {
	if b.err != nil {
		return b.err
	}
	var err error
	switch m := m.(type) {
	case *reliablepb.Letter:
		err = b.letter(c, m)
	case *confirmation:
		b.core.Confirm(m.producer, m.stream, m.seq)
	case flushAcks:
		b.flushing = false
		b.flush()
		return nil
	default:
		c.System().DeadLetter(c.Self().PID(), nil, m, fmt.Errorf("%w: a reliable consumer accepts what its producers send, not %T", actor.ErrMessageType, m))
		return nil
	}
	b.answer(c)
	return err
}

func (b *consumer[M]) letter(c *actor.Context[any], m *reliablepb.Letter) error {
	l := letterFromWire(m)
	if len(l.Producer) > maxText || !b.learn(c, l.Producer, m.GetReplyTo()) {
		b.refuse(c, l.Producer, errors.New("there is no ref to answer to"))
		return nil
	}
	take, err := b.core.Letter(time.Now(), l)
	if err != nil {
		b.refuse(c, l.Producer, err)
	}
	if !take {
		return nil
	}
	msg, err := unpack[M](l.Payload)
	if err != nil { // it would be no better the next time
		c.System().DeadLetter(c.Self().PID(), nil, m, fmt.Errorf("%w: %w", actor.ErrMessageType, err))
		b.core.Confirm(l.Producer, l.Stream, l.Seq)
		return nil
	}
	ctx := Context{actor: c, letter: l}
	if err := b.h.Handle(&ctx, msg); err != nil {
		return err
	}
	if !ctx.held {
		b.core.Confirm(l.Producer, l.Stream, l.Seq)
	}
	return nil
}

// refuse logs the 1st, 2nd, 4th … letter that was refused: whoever sends them must
// not fill the log.
func (b *consumer[M]) refuse(c *actor.Context[any], producer string, reason error) {
	if b.refused++; b.refused&(b.refused-1) == 0 {
		c.Log().Warn("letter refused", "producer", clip(producer), "reason", reason, "count", b.refused)
	}
}

// learn keeps where a producer wants its acks. It forgets all of them when there
// are too many: each letter says it again.
func (b *consumer[M]) learn(c *actor.Context[any], producer, text string) bool {
	if b.texts[producer] == text && text != "" {
		return true
	}
	ref, err := actor.ParseRef[*reliablepb.Ack](c.System(), text)
	if err != nil {
		return false
	}
	const most = 4096
	if b.texts == nil || len(b.texts) >= most {
		b.texts, b.replyTo = make(map[string]string), make(map[string]actor.Ref[*reliablepb.Ack])
	}
	b.texts[producer], b.replyTo[producer] = text, ref
	return true
}

// answer sends acks that are urgent, and sees to it that the others are not forgotten.
func (b *consumer[M]) answer(c *actor.Context[any]) {
	owes, urgent := b.core.Owes()
	switch {
	case urgent:
		b.flush()
	case owes && !b.flushing:
		b.flushing = true
		c.Self().Tell(flushAcks{})
	}
}

func (b *consumer[M]) flush() {
	for _, a := range b.core.Acks() {
		if to, ok := b.replyTo[a.Producer]; ok { // else it was forgotten: the producer will ask
			to.Tell(ackToWire(a))
		}
	}
}

// Started tells the handler, if it wants to know.
func (b *consumer[M]) Started(c *actor.Context[any]) error {
	if s, ok := b.h.(actor.Starter[any]); ok {
		return s.Started(c)
	}
	return nil
}

// Stopped sends the acks that waited, so that nothing is delivered again which was
// confirmed, and tells the handler, if it wants to know.
func (b *consumer[M]) Stopped(c *actor.Context[any], cause error) {
	b.flush()
	if s, ok := b.h.(actor.Stopper[any]); ok {
		s.Stopped(c, cause)
	}
}

// Terminated tells the handler, if it wants to know.
func (b *consumer[M]) Terminated(c *actor.Context[any], who actor.Gone) error {
	if w, ok := b.h.(actor.Watcher[any]); ok {
		return w.Terminated(c, who)
	}
	return nil
}

// clip bounds a text of the network for a log.
func clip(s string) string { return s[:min(len(s), maxText)] }
