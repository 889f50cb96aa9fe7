package actor

import (
	pa "github.com/asynkron/protoactor-go/actor"
)

// start brings the actor up, the first time or after a restart.
func (c *cell[M]) start() {
	c.failed, c.cause = false, nil
	c.sup.started()
	if err := c.startBehavior(); err != nil {
		c.fail(err, nil)
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
	defer catch(&err)
	if s, ok := c.behavior.(Starter[M]); ok {
		return s.Started(&c.ctx)
	}
	return nil
}

// goOn tells what happened while the actor waited for its supervisor, and then
// hands out what was stashed.
func (c *cell[M]) goOn() {
	c.failed = false
	for len(c.gone) > 0 && c.busy() {
		g := c.gone[0]
		c.gone = c.gone[1:]
		c.tellGone(g)
	}
	c.replayStash()
}

// busy tells whether the behavior may be called.
func (c *core) busy() bool { return c.phase == running && !c.ending && !c.failed }

// restarting ends the behavior that failed. What it had stashed, or was about to
// take from its stash, waits for the new one.
func (c *cell[M]) restarting() {
	c.endTurns(c.cause)
	c.stash, c.replay = nil, append(c.replay, c.stash...)
}

// endTurns is the end of a behavior.
func (c *cell[M]) endTurns(cause error) {
	if c.cancel != nil {
		c.cancel() // Stopped may wait for work to end
	}
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
		c.sys.log.Error("actor failed while stopping", "actor", c.sys.format(c.self), "err", err)
	}
}

// finish is the end of the actor. What nobody will take any more becomes dead letters.
func (c *cell[M]) finish() {
	var cause error
	if c.sup.hasGivenUp() {
		cause = c.cause
	}
	c.endTurns(cause)
	c.phase = stopped
	for _, t := range append(c.replay, c.stash...) {
		t.asked.bury(&c.core, t.msg)
	}
	c.stash, c.replay, c.gone, c.watched, c.children = nil, nil, nil, nil, nil
	if c.failed { // the mailbox is suspended, and would keep what it has
		c.mailbox.PostSystemMessage(&pa.ResumeMailbox{})
	}
}
