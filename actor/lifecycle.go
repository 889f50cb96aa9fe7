package actor

import (
	"fmt"
	"runtime/debug"

	pa "github.com/asynkron/protoactor-go/actor"
)

// begin tells the actor that it runs, the first time or after a restart.
func (c *core) begin() {
	c.up, c.failed = true, false
	if c.x != nil {
		c.x.cause, c.x.pending = nil, nil
	}
	c.sup.started()
	c.lifecycle(startedMessage)
}

// lifecycle has the actor take a message that the cell makes itself.
func (c *core) lifecycle(msg any) {
	c.user, c.msg = false, msg
	c.dispatch()
	c.drop()
}

// farewell is lifecycle on the way to an end, which no panic holds up.
func (c *core) farewell(msg any) {
	defer func() {
		if r := recover(); r != nil {
			c.drop()
			c.sys.log.Error("actor failed while stopping", "actor", c.sys.format(c.self()),
				"panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	c.lifecycle(msg)
}

// beginStop stops the children first.
func (c *core) beginStop() {
	if c.phase >= stopping {
		return
	}
	c.phase = stopping
	c.sup.end()
	if c.up {
		c.farewell(stoppingMessage)
	}
	c.stopChildren()
	c.tryFinish()
}

// beginRestart ends the behavior. A restart that comes too late must not bring a
// stopped actor back to life.
func (c *core) beginRestart() {
	if c.phase != running || c.ending {
		return
	}
	c.phase = restarting
	if c.up {
		c.farewell(restartingMessage)
	}
	c.stopChildren()
	c.tryFinish()
}

// stopChildren stops the youngest first.
func (c *core) stopChildren() {
	if c.x == nil {
		return
	}
	kids := c.x.children.Values()
	for i := len(kids) - 1; i >= 0; i-- {
		c.sys.sendSystem(kids[i], stopMessage)
	}
}

// tryFinish goes on when the last child has ended.
func (c *core) tryFinish() {
	if c.x != nil && !c.x.children.Empty() {
		return
	}
	switch c.phase {
	case restarting:
		c.restart()
	case stopping:
		c.finish()
	}
}

func (c *core) restart() {
	c.phase, c.up = running, false
	if c.x != nil {
		c.x.idle.stop()
		c.x.idle = nil
	}
	if err := c.h.incarnate(); err != nil {
		c.fail(err, err, nil)
		return
	}
	c.begin()
	if !c.failed {
		c.postSystem(resumeMessage)
		c.h.goOn()
	}
}

// resume is the end of a failure that cost the actor nothing.
func (c *core) resume() {
	switch {
	case !c.failed || c.phase != running:
	case !c.up: // there is nothing to go on with
		c.restart()
	default:
		c.failed = false
		pending := c.x.pending
		c.x.pending = nil
		c.sys.sendAll(pending, resumeMessage)
		c.h.goOn()
	}
}

// finish is the end of the actor. What nobody will take any more becomes dead letters.
func (c *core) finish() {
	c.sys.unregister(c)
	c.farewell(stoppedMessage)
	c.endBehavior()
	c.phase = stopped
	c.h.bury()
	c.closeBox()
	x := c.x
	c.x = nil
	c.tellEnd(x)
}

// tellEnd tells everybody once, also a parent that watches.
func (c *core) tellEnd(x *extra) {
	var ended pa.SystemMessage
	tell := func(pid *pa.PID) {
		if ended == nil {
			ended = &pa.Terminated{Who: c.self()}
		}
		c.sys.sendSystem(pid, ended)
	}
	if x != nil {
		if c.parent != nil {
			x.watchers.Remove(c.parent)
		}
		x.watchers.ForEach(func(_ int, pid *pa.PID) { tell(pid) })
	}
	for t := c.waiting; t != nil; {
		next := t.next // whoever is woken uses t anew
		t.end()
		t = next
	}
	c.waiting = nil
	switch {
	case c.parent == nil:
	case c.parent == c.sys.guardian.ctx.self:
		c.sys.guardian.left()
	default:
		tell(c.parent)
	}
}

func (c *core) addWatcher(pid *pa.PID) {
	if c.phase == stopped {
		c.sys.sendSystem(pid, &pa.Terminated{Who: c.self()})
		return
	}
	c.extra().watchers.Add(pid)
}

// terminated hears of the end of a child, of a watched actor, or of something
// that was watched once.
func (c *core) terminated(t *pa.Terminated) {
	if c.x != nil {
		c.x.children.Remove(c.childPID(t.Who))
	}
	if c.phase != stopped {
		c.lifecycle(t)
	}
	c.tryFinish()
}

// childPID is pid the way children are entered.
func (c *core) childPID(pid *pa.PID) *pa.PID {
	if !c.sys.isLocal(pid) {
		return pid
	}
	id, _, _ := cutUID(pid.Id)
	return c.sys.proto.NewLocalPID(id)
}

func (c *core) isChild(pid *pa.PID) bool {
	return c.x != nil && c.x.children.Len() > 0 && c.x.children.Contains(c.childPID(pid))
}
