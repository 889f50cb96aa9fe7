package actor

import (
	pa "github.com/asynkron/protoactor-go/actor"
)

// key is what identifies an actor, whichever way its PID is written.
func (s *System) key(pid *pa.PID) string {
	id, _, _ := cutUID(pid.Id)
	if s.isLocal(pid) {
		return "/" + id
	}
	return pid.Address + "/" + id
}

func (c *core) watch(pid *pa.PID) {
	key := c.sys.key(pid)
	if _, ok := c.watched[key]; ok {
		return
	}
	if c.watched == nil {
		c.watched = map[string]*pa.PID{}
	}
	c.watched[key] = pid
	// A parent hears of its child's end anyhow. Watching it as well would tell
	// twice, and the second could hit a new child of the same name.
	if !c.children[key] {
		c.sys.sendSystem(pid, &pa.Watch{Watcher: c.self})
	}
}

func (c *core) unwatch(pid *pa.PID) {
	key := c.sys.key(pid)
	if _, ok := c.watched[key]; !ok {
		return
	}
	delete(c.watched, key)
	if !c.children[key] {
		c.sys.sendSystem(pid, &pa.Unwatch{Watcher: c.self})
	}
}

// terminated hears of the end of a child, of a watched actor, or of something
// that was watched once.
func (c *cell[M]) terminated(t *pa.Terminated) {
	key := c.sys.key(t.Who)
	delete(c.children, key)
	pid, ok := c.watched[key]
	if !ok || c.phase != running {
		return
	}
	delete(c.watched, key)
	g := Gone{PID: pid, Ref: c.sys.format(pid), Why: goneReason(t.Why)}
	if !c.busy() {
		c.gone = append(c.gone, g)
		return
	}
	c.tellGone(g)
	c.replayStash()
}

func goneReason(why pa.TerminatedReason) error {
	switch why {
	case pa.TerminatedReason_NotFound:
		return ErrNoActor
	case pa.TerminatedReason_AddressTerminated:
		return ErrNodeRemoved
	}
	return nil
}

func (c *cell[M]) tellGone(g Gone) {
	w, ok := c.behavior.(Watcher[M])
	if !ok {
		return
	}
	var err error
	func() {
		defer catch(&err)
		err = w.Terminated(&c.ctx, g)
	}()
	if err != nil {
		c.fail(err, g)
	}
}
