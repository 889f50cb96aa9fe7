package reliable

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/reliable/internal/reliablepb"
)

// What a Producer tells and asks its actor. The answer to each is an outcome.
type (
	offer struct {
		payload []byte
		asked   bool // somebody waits for the outcome
	}
	flush        struct{}
	addWorker    struct{ who actor.Addressable }
	removeWorker struct{ who actor.Addressable }
	tick         struct{}
)

type outcome struct{ err error }

// maxFlushes is how many calls of Flush may wait at a time.
const maxFlushes = 1024

// flushing is a call of Flush that waits.
type flushing struct {
	seq  uint64 // until all up to it are confirmed
	done actor.Replier
}

// producer is the actor around a backend and its queue.
type producer struct {
	cfg   Config
	room  *room
	begin func(State, Config) backend
	state *State // of the first incarnation; nil: open the queue

	core    backend
	self    string     // the text of the actor's ref, for acks
	stored  uint64     // confirmed, as the queue knows
	flushes []flushing // by seq
	timer   actor.Timer
	armed   time.Time // when the timer fires; zero: it does not run
}

// Started offers again what the last incarnation left unconfirmed.
func (b *producer) Started(c *actor.Context[any]) error {
	if b.state == nil {
		s, err := b.cfg.Queue.Open()
		if err != nil {
			return fmt.Errorf("reliable: open the queue: %w", err)
		}
		b.state = &s
	}
	b.self = c.Self().String()
	b.core, b.stored = b.begin(*b.state, b.cfg), b.state.Confirmed
	for _, m := range b.state.Unconfirmed {
		b.core.offer(time.Now(), m)
	}
	b.state = nil
	for _, w := range b.core.workers() {
		c.Watch(w)
	}
	b.step(c)
	return nil
}

// Receive takes what the Producer asks, acks, and the timer.
func (b *producer) Receive(c *actor.Context[any], m any) error {
	switch m := m.(type) {
	case *offer:
		if err := b.offer(c, m); m.asked {
			c.Reply(outcome{err})
		}
	case *reliablepb.Ack:
		if err := b.core.ack(time.Now(), ackFromWire(m)); err != nil {
			c.Log().Debug("ack ignored", "reason", err)
		}
	case flush:
		b.flush(c)
	case addWorker:
		b.addWorker(c, m.who)
	case removeWorker:
		b.removeWorker(c, m.who)
	case tick:
		b.armed = time.Time{}
		b.core.tick(time.Now())
	}
	b.step(c)
	return nil
}

// offer stores a message and has it sent. The sender has taken room for it.
func (b *producer) offer(c *actor.Context[any], m *offer) (err error) {
	stored := false
	defer func() {
		if !stored { // also when the queue panics
			b.room.give(1)
		}
	}()
	if err := b.cfg.Queue.Append(b.core.next(), m.payload); err != nil {
		c.Log().Error("the queue cannot store a message", "err", err)
		return fmt.Errorf("store: %w", err)
	}
	stored = true
	b.core.offer(time.Now(), m.payload)
	return nil
}

// Stopped ends the calls that wait.
func (b *producer) Stopped(_ *actor.Context[any], cause error) {
	for _, f := range b.flushes {
		f.done.Reply(outcome{ErrClosed})
	}
	b.flushes = nil
	if cause == nil {
		b.room.close()
	}
}

func (b *producer) flush(c *actor.Context[any]) {
	switch seq := b.core.next() - 1; {
	case b.core.done() >= seq:
		c.Reply(outcome{})
	case len(b.flushes) >= maxFlushes:
		c.Reply(outcome{ErrFull})
	default:
		b.flushes = append(b.flushes, flushing{seq, c.Replier()})
	}
}

func (b *producer) addWorker(c *actor.Context[any], who actor.Addressable) {
	if !b.core.pool() {
		c.Reply(outcome{ErrNotPool})
		return
	}
	if !b.core.add(time.Now(), who) && len(b.core.workers()) >= maxWorkers {
		c.Reply(outcome{ErrFull})
		return
	}
	c.Watch(who)
	c.Reply(outcome{})
}

func (b *producer) removeWorker(c *actor.Context[any], who actor.Addressable) {
	if !b.core.pool() {
		c.Reply(outcome{ErrNotPool})
		return
	}
	if b.core.remove(time.Now(), who) {
		c.Unwatch(who)
	}
	c.Reply(outcome{})
}

// Terminated takes out a worker that is no more.
func (b *producer) Terminated(c *actor.Context[any], who actor.Gone) error {
	if b.core.remove(time.Now(), actor.RefOf[any](c.System(), who.PID)) {
		c.Log().Warn("a worker is gone, its messages go to others", "worker", who.Ref)
	}
	b.step(c)
	return nil
}

// step does what the state machine wants done.
func (b *producer) step(c *actor.Context[any]) {
	out, confirmed, wake := b.core.ready()
	for _, p := range out {
		p.to.Tell(letterToWire(p.letter, b.self))
	}
	if confirmed > 0 {
		b.confirmed(c, confirmed)
	}
	b.arm(c, wake)
}

// confirmed frees what the last n messages took, before it tells those who wait
// for them: they may look.
func (b *producer) confirmed(c *actor.Context[any], n int) {
	if done := b.core.done(); done > b.stored {
		if err := b.cfg.Queue.Confirm(done); err != nil {
			c.Log().Error("the queue cannot store a confirmation", "seq", done, "err", err)
		} else {
			b.stored = done
		}
	}
	b.room.give(n)
	for len(b.flushes) > 0 && b.flushes[0].seq <= b.core.done() {
		b.flushes[0].done.Reply(outcome{})
		b.flushes = b.flushes[1:]
	}
}

// arm has the timer fire at wake at the latest. One that fires earlier is let be: it
// will be armed again then, and most acks need not touch it.
func (b *producer) arm(c *actor.Context[any], wake time.Time) {
	if wake.IsZero() || !b.armed.IsZero() && !b.armed.After(wake) {
		return
	}
	b.timer.Stop()
	b.armed = wake
	b.timer = c.After(max(0, time.Until(wake)), tick{})
}
