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

// watch is Watch of a typed actor, which hears only of what it watches.
func (c *core) watch(pid *pa.PID) {
	key, x := c.sys.key(pid), c.extra()
	if _, ok := x.watched[key]; ok {
		return
	}
	if x.watched == nil {
		x.watched = map[string]*pa.PID{}
	}
	x.watched[key] = pid
	c.Watch(pid)
}

func (c *core) unwatch(pid *pa.PID) {
	if c.x == nil {
		return
	}
	key := c.sys.key(pid)
	if _, ok := c.x.watched[key]; ok {
		delete(c.x.watched, key)
		c.Unwatch(pid)
	}
}

// gone hears of the end of a child, of a watched actor, or of something that was
// watched once.
func (c *cell[M]) gone(t *pa.Terminated) {
	if c.x == nil || c.phase != running {
		return
	}
	key := c.sys.key(t.Who)
	pid, ok := c.x.watched[key]
	if !ok {
		return
	}
	delete(c.x.watched, key)
	g := Gone{PID: pid, Ref: c.sys.format(pid), Why: goneReason(t.Why)}
	if !c.busy() {
		c.x.gone = append(c.x.gone, g)
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
		c.fail(err, nil, g)
	}
}
