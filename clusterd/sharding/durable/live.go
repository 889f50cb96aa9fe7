package durable

import (
	"container/list"
	"errors"
	"fmt"
	"time"
)

// entity is an entity whose behavior is in memory.
type entity struct {
	*actorOf
	key   key
	kind  *kind
	rec   *record // the state with all that was proposed
	fault error   // why there is no behavior
	parts parts   // of its snapshot that are still to be proposed
	last  uint64  // its newest command
	used  time.Time
	place *list.Element

	holdSeq   uint64 // its outputs up to this command wait, or waited,
	holdLevel Level  // for this level
}

// entity returns the one that a message is for, started if needed.
func (h *home) entity(m *call) *entity {
	k := key{m.kind.name, m.id}
	now := time.Now()
	if e := h.live[k]; e != nil {
		e.used = now
		h.recent.MoveToBack(e.place)
		return e
	}
	e := &entity{key: k, kind: m.kind, rec: h.rep.get(k).branch(), used: now}
	e.place = h.recent.PushBack(e)
	h.live[k] = e
	h.renew(e)
	h.svc.live.Add(1)
	h.shrink()
	return e
}

// renew gives an entity a fresh behavior with the state that was proposed last.
func (h *home) renew(e *entity) {
	e.fault = func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		if e.actorOf, err = e.kind.start(e.key.id); err != nil {
			return err
		}
		return e.rec.restore(e.behavior)
	}()
	if e.fault != nil {
		h.svc.log.Error("durable entity cannot start", "kind", e.key.kind, "id", e.key.id, "error", e.fault)
		e.fault = errors.Join(ErrNotDone, e.fault)
	}
}

// shrink lets those go that were used least lately, if there are too many.
func (h *home) shrink() {
	for at := h.recent.Front(); at != nil && len(h.live) > h.svc.cfg.MaxLive; {
		e := at.Value.(*entity)
		at = at.Next()
		if at == nil || !h.forget(e) { // the newest is about to be used
			return
		}
	}
}

// sweep lets those go that were not used for long.
func (h *home) sweep(now time.Time) {
	h.sweeper = false
	for at := h.recent.Front(); at != nil; {
		e := at.Value.(*entity)
		at = at.Next()
		if now.Sub(e.used) < h.svc.cfg.Idle {
			return
		}
		h.forget(e)
	}
}

// forget drops an entity's behavior, if the shard's state is up to it: the next
// message starts it from there.
func (h *home) forget(e *entity) bool {
	if e.last > h.applied || e.holdSeq > h.reached[e.holdLevel] {
		return false
	}
	delete(h.live, e.key)
	h.recent.Remove(e.place)
	h.svc.live.Add(-1)
	return true
}
