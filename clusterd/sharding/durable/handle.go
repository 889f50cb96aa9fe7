package durable

import (
	"fmt"
	"runtime/debug"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
)

// This file is what a home does with one message.

// handle lets an entity handle a message.
func (h *home) handle(m *call) {
	// By the real clock, before anything begins (rule L5).
	if h.run == 0 || !h.svc.mayServe(h.shard) {
		h.svc.router.comeBack(h.shard, m)
		return
	}
	e := h.entity(m)
	if e.fault != nil {
		h.svc.refuse(m.from, e.fault)
		h.forget(e)
		return
	}
	c := &Context{home: h, entity: e, from: m.from, level: m.kind.level, parts: e.parts}
	err := h.receive(c, m.msg)
	var ch *durablepb.Change
	if err == nil {
		ch, err = c.change()
	}
	if err == nil && ch != nil {
		err = h.propose(e, c.level, ch)
	}
	if err == nil {
		e.parts = c.parts
	}
	if err != nil {
		h.undo(c, m, err)
		return
	}
	h.hold(e, c.level, m, c.out)
	if c.deleted {
		h.renew(e)
	}
}

// receive calls the behavior, whose panic is its own affair.
func (h *home) receive(c *Context, msg any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.svc.log.Error("durable entity panicked", "kind", c.Kind(), "id", c.ID(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = &actor.Failure{Code: "panic", Text: fmt.Sprint(r)}
		}
	}()
	return c.entity.receive(c, msg)
}

// undo answers a message that failed, and starts the entity again from the state
// before it.
func (h *home) undo(c *Context, m *call, err error) {
	h.renew(c.entity)
	if m.from != nil {
		h.hold(c.entity, c.level, m, []output{{to: m.from, fail: err}})
	}
}

// propose puts a change into the shard's log; an error if it is too large for that.
func (h *home) propose(e *entity, level Level, ch *durablepb.Change) error {
	data := marshal(&durablepb.Command{Run: h.run, Seq: h.seq + 1, Changes: []*durablepb.Change{ch}})
	if len(data) > maxCommand {
		return fmt.Errorf("%w: a change of %d bytes, the limit is %d", ErrTooLarge, len(data), maxCommand)
	}
	e.rec = e.rec.with(ch)
	h.send(level, data)
	e.last = h.seq
	return nil
}

// send gives the next command to the shell.
func (h *home) send(level Level, data []byte) {
	h.seq++
	h.asked[level] = h.seq
	if level == All {
		h.asked[Quorum] = h.seq
	}
	h.sizes = append(h.sizes, len(data))
	h.bytes += len(data)
	h.svc.shell.propose(proposal{h.shard, h.run, h.seq, level, data})
}

// hold lets a message's outputs leave in their order once they are safe.
func (h *home) hold(e *entity, level Level, m *call, out []output) {
	seq := e.last
	if e.holdSeq > h.reached[e.holdLevel] { // earlier ones still wait
		level, seq = stronger(level, e.holdLevel), max(seq, e.holdSeq)
	}
	if level != Async && seq > h.reached[level] && seq > h.asked[level] {
		// Nobody has asked yet when it reaches this level. An empty command does.
		h.send(level, marshal(&durablepb.Command{Run: h.run, Seq: h.seq + 1}))
		seq = h.seq
	}
	if seq <= h.reached[level] {
		h.emit(out)
		return
	}
	e.holdSeq, e.holdLevel = seq, level
	h.order++
	h.held[level] = append(h.held[level], held{seq, h.order, m, out})
	h.waiting++
}

func stronger(a, b Level) Level {
	switch {
	case a == All || b == All:
		return All
	case a == Quorum || b == Quorum:
		return Quorum
	}
	return Async
}

func (h *home) emit(out []output) {
	for _, o := range out {
		switch {
		case o.then != nil:
			o.then()
		case o.fail != nil:
			h.svc.refuse(o.to, o.fail)
		default:
			h.svc.answer(o.to, o.answer)
		}
	}
}
