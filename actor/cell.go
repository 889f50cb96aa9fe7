package actor

import (
	"fmt"
	"reflect"

	pa "github.com/asynkron/protoactor-go/actor"
)

// cell is a typed actor.
type cell[M any] struct {
	core
	new      func() Behavior[M]
	behavior Behavior[M] // nil between a restart's two halves
	ctx      Context[M]
	kept     *stash // nil if nothing was ever stashed
}

// turn is a message and who asked it.
type turn struct {
	msg   any
	asked question
}

// receive takes what the cell has in hand.
func (c *cell[M]) receive() {
	if c.user {
		c.receiveUser()
		return
	}
	switch msg := c.msg.(type) {
	case *pa.Started:
		c.start()
	case *pa.Restarting:
		c.restarting()
	case *pa.Stopped:
		c.endTurns(c.lastCause())
	case *pa.Terminated:
		c.gone(msg)
	}
}

func (c *cell[M]) receiveUser() {
	if m, ok := c.accept(); ok {
		c.run(m)
		c.after()
	}
}

// take is receiveUser without a guard.
func (c *cell[M]) take() {
	m, ok := c.accept()
	if !ok {
		return
	}
	if err := c.behavior.Receive(&c.ctx, m); err != nil {
		c.failAt(err)
	}
	c.after()
}

// accept is the message in hand if the behavior takes it.
func (c *cell[M]) accept() (m M, ok bool) {
	if m, ok = c.msg.(M); !ok {
		c.refuse()
		return m, false
	}
	switch c.msg.(type) {
	case *pa.DeadLetterResponse, *pa.Touch, *pa.ReceiveTimeout: // protoactor's own
		return m, false
	}
	return m, true
}

// after is what follows a message from the mailbox.
func (c *cell[M]) after() {
	if c.x != nil {
		c.x.silence.broken()
	}
	if c.kept != nil {
		c.replayStash()
	}
}

// refuse is for what only the untyped side can send.
func (c *cell[M]) refuse() {
	switch c.msg.(type) {
	case *pa.DeadLetterResponse, *pa.Touch, *pa.ReceiveTimeout:
		return
	}
	text := fmt.Sprintf("actor: accepts %v, not %T", reflect.TypeFor[M](), c.msg)
	c.sys.DeadLetter(c.self(), c.asked.pid(), c.msg, explain(ErrMessageType, text))
}

// run has the behavior take the message in hand, whose typed form is m.
func (c *cell[M]) run(m M) {
	if err := c.call(m); err != nil {
		c.failAt(err)
	}
}

// failAt is a failure at the message in hand.
func (c *cell[M]) failAt(err error) {
	c.asked.fail(&c.core, err)
	c.asked = question{}
	c.fail(err, nil, c.msg)
}

func (c *cell[M]) call(m M) (err error) {
	defer catch(&err)
	return c.behavior.Receive(&c.ctx, m)
}

// handle is run for a message that does not come from the mailbox.
func (c *cell[M]) handle(t turn) {
	m, _ := t.msg.(M) // a nil interface stays one
	c.msg, c.env, c.asked = t.msg, nil, t.asked
	c.run(m)
	c.drop()
}

// handleThen is handle for what a signal brings.
func (c *cell[M]) handleThen(m any) {
	c.handle(turn{msg: m})
	c.replayStash()
}

// start brings the behavior up, the first time or after a restart.
func (c *cell[M]) start() {
	if err := c.startBehavior(); err != nil {
		c.fail(err, nil, nil)
		return
	}
	c.goOn()
}

func (c *cell[M]) startBehavior() (err error) {
	if c.behavior == nil {
		if c.behavior, err = construct(c.new); err != nil {
			return err
		}
	}
	s, ok := c.behavior.(Starter[M])
	if !ok {
		return nil
	}
	defer catch(&err)
	return s.Started(&c.ctx)
}

// goOn tells what happened while the actor waited for its supervisor, and then
// hands out what was stashed.
func (c *cell[M]) goOn() {
	for c.x != nil && len(c.x.gone) > 0 && c.busy() {
		g := c.x.gone[0]
		c.x.gone = c.x.gone[1:]
		c.tellGone(g)
	}
	c.replayStash()
}

// restarting ends the behavior that failed. What it had stashed, or was about to
// take from its stash, waits for the new one.
func (c *cell[M]) restarting() {
	var cause error
	if c.x != nil {
		cause = c.x.cause
	}
	c.endTurns(cause)
	c.kept.rewind()
}

// lastCause is why the actor ends: nil unless it is for its failure.
func (c *cell[M]) lastCause() error {
	if c.x == nil || !c.sup.hasGivenUp() {
		return nil
	}
	return c.x.cause
}

// endTurns is the end of a behavior.
func (c *cell[M]) endTurns(cause error) {
	c.endLifetime() // Stopped may wait for work to end
	if c.behavior != nil {
		c.stopBehavior(cause)
	}
	c.endBehavior()
	c.behavior = nil
}

func (c *cell[M]) stopBehavior(cause error) {
	s, ok := c.behavior.(Stopper[M])
	if !ok {
		return
	}
	var err error
	func() {
		defer catch(&err)
		s.Stopped(&c.ctx, cause)
	}()
	if err != nil {
		c.sys.log.Error("actor failed while stopping", "actor", c.sys.format(c.self()), "err", err)
	}
}

func (c *cell[M]) endsSilently() bool {
	_, ok := c.behavior.(Stopper[M])
	return !ok && c.kept == nil
}

// incarnate leaves it to start, which reports what goes wrong.
func (c *cell[M]) incarnate() error { return nil }

// actor is nil: a behavior is no pa.Actor.
func (c *cell[M]) actor() pa.Actor { return nil }
