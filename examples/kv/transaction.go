package main

import (
	"github.com/pando-go/pando/examples/kv/internal/store"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// transaction is what a client has queued since MULTI.
type transaction struct {
	list   []queued
	bytes  int
	spoilt bool // one of the commands was refused
}

type queued struct {
	args [][]byte
	verb *verb // nil for a command on keys
}

// Limits of a transaction.
const (
	maxQueued      = 1 << 16  // commands
	maxQueuedBytes = 64 << 20 // of their words
)

// queue notes a command of a transaction, or refuses it, which spoils the whole.
func (c *client) queue(args [][]byte) {
	fault := ""
	v := c.srv.verbs.find(args[0])
	if v != nil {
		fault = v.check(args)
		if fault == "" && v.flags&neverQueued != 0 {
			fault = "ERR Command not allowed inside a transaction"
		}
	} else {
		cmd := store.Lookup(args[0])
		if fault = check(cmd, args); fault == "" {
			_, fault = c.route(cmd, args)
		}
	}
	c.tx.bytes += size(args)
	if fault == "" && (len(c.tx.list) >= maxQueued || c.tx.bytes > maxQueuedBytes) {
		fault = "ERR the transaction is too large"
	}
	if fault != "" {
		c.tx.spoilt = true
		c.w.Error(fault)
		return
	}
	c.tx.list = append(c.tx.list, queued{args, v})
	c.w.Status("QUEUED")
}

func (c *client) multi([][]byte) {
	if c.tx != nil {
		c.w.Error("ERR MULTI calls can not be nested")
		return
	}
	c.tx = &transaction{}
	c.w.OK()
}

func (c *client) discard([][]byte) {
	if c.tx == nil {
		c.w.Error("ERR DISCARD without MULTI")
		return
	}
	c.tx, c.watches = nil, nil
	c.w.OK()
}

// exec carries out the queue: its commands on keys are one message to one slot.
func (c *client) exec([][]byte) {
	tx, watches := c.tx, c.watches
	if tx == nil {
		c.w.Error("ERR EXEC without MULTI")
		return
	}
	c.tx, c.watches = nil, nil
	if tx.spoilt {
		c.w.Error("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	b, fault := c.gather(tx, watches)
	if fault == "" && b != nil {
		b.run(c.srv.backend)
		fault = b.fault
	}
	switch {
	case fault != "":
		c.w.Error(fault)
	case b != nil && b.answers.GetAborted():
		c.w.NullArray()
	default:
		c.writeExec(tx, b)
	}
}

// gather makes one batch of a transaction, nil if it touches no slot.
func (c *client) gather(tx *transaction, watches []*kvpb.Watch) (b *batch, fault string) {
	slot, any := c.watchSlot, len(watches) > 0
	msg := &kvpb.Batch{Resp3: c.w.V3, Watches: watches}
	for _, q := range tx.list {
		if q.verb != nil {
			continue
		}
		s, fault := c.route(store.Lookup(q.args[0]), q.args)
		switch {
		case fault != "":
			return nil, fault
		case any && s != slot:
			return nil, errCrossSlot
		}
		slot, any = s, true
		c.note(s, store.Lookup(q.args[0]))
		msg.Words = append(msg.Words, q.args...)
		msg.Lengths = append(msg.Lengths, uint32(len(q.args)))
	}
	if !any {
		return nil, ""
	}
	return &batch{slot: slot, msg: msg}, ""
}

func (c *client) writeExec(tx *transaction, b *batch) {
	c.w.Array(len(tx.list))
	for _, q := range tx.list {
		if q.verb != nil {
			q.verb.run(c, q.args)
			continue
		}
		c.w.Raw(b.next())
	}
}

// watch asks the slot how its keys are now.
func (c *client) watch(args [][]byte) {
	if c.tx != nil {
		c.w.Error("ERR WATCH inside MULTI is not allowed")
		return
	}
	slot, fault := c.routeKeys(args[1:])
	if fault == "" && len(c.watches) > 0 && slot != c.watchSlot {
		fault = errCrossSlot
	}
	if fault == "" && len(c.watches)+len(args) > maxQueued {
		fault = "ERR too many watched keys"
	}
	if fault != "" {
		c.w.Error(fault)
		return
	}
	answer, err := c.srv.backend.ask(slot, &kvpb.Look{Keys: args[1:]})
	seen, ok := answer.(*kvpb.Seen)
	if err != nil || !ok {
		c.w.Error(faultOf(err))
		return
	}
	c.watches, c.watchSlot = append(c.watches, seen.GetWatches()...), slot
	c.w.OK()
}

func (c *client) unwatch([][]byte) {
	c.watches = nil
	c.w.OK()
}
