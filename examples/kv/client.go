package main

import (
	"time"

	"github.com/tidwall/redcon"

	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// Errors as clients know them.
const (
	errCrossSlot  = "CROSSSLOT Keys in request don't hash to the same slot"
	errNotCovered = "CLUSTERDOWN Hash slot not served"
	errDown       = "CLUSTERDOWN The cluster is down"
	errTooLarge   = "ERR the slot does not take changes of this size at once"
	errOutcome    = "ERR no answer in time: nobody knows whether the command was carried out"
	errSyntax     = "ERR syntax error"
	errInteger    = "ERR value is not an integer or out of range"
)

// client is one connection. It belongs to the goroutine that serves it.
type client struct {
	srv  *server
	conn redcon.Conn
	id   int64
	name string
	lib  string // what the client library says of itself
	w    resp.Writer
	line pipeline
	tx   *transaction // nil outside MULTI
	// Watched keys and the slot that they are in.
	watches   []*kvpb.Watch
	watchSlot uint16
	wrote     map[uint16]struct{} // slots, for WAIT
	readonly  bool
	closing   bool
	since     time.Time
}

// serve answers what has come at once, in order.
func (c *client) serve(first redcon.Command, rest []redcon.Command) {
	c.w.Buf = c.w.Buf[:0]
	c.do(first.Args)
	for _, cmd := range rest {
		if c.closing {
			break
		}
		c.do(cmd.Args)
	}
	c.settle()
	c.conn.WriteRaw(c.w.Buf)
	if cap(c.w.Buf) > keepBuffer {
		c.w.Buf = nil
	}
	if c.closing {
		_ = c.conn.Close() // writes first; the client may be gone
	}
}

// keepBuffer is how much memory a connection keeps for its next replies, in bytes.
const keepBuffer = 64 << 10

// do begins one command. Commands on keys gather in the pipeline; any other
// command is done at once, after what has gathered.
func (c *client) do(args [][]byte) {
	c.srv.commands.Add(1)
	if v := c.srv.verbs.find(args[0]); v != nil && (c.tx == nil || v.flags&duringMulti != 0) {
		c.settle()
		v.call(c, args)
		return
	}
	if c.tx != nil {
		c.queue(args)
		return
	}
	cmd := store.Lookup(args[0])
	if fault := check(cmd, args); fault != "" {
		c.line.fail(fault)
		return
	}
	slot, fault := c.route(cmd, args)
	switch {
	case fault == errCrossSlot && c.srv.proxy && cmd.Flags&store.Movable == 0 && scatters(cmd.Name):
		c.settle()
		c.scatter(cmd, args)
	case fault != "":
		c.line.fail(fault)
	default:
		if c.line.full(args) {
			c.settle()
		}
		c.line.add(slot, args, c.w.V3)
		c.note(slot, cmd)
	}
}

// note remembers for WAIT which slot a command may change.
func (c *client) note(slot uint16, cmd *store.Command) {
	if cmd.Flags&store.Write == 0 {
		return
	}
	if c.wrote == nil {
		c.wrote = map[uint16]struct{}{}
	}
	c.wrote[slot] = struct{}{}
}

// check finds what is wrong with a command on keys whatever the keys are.
func check(cmd *store.Command, args [][]byte) (fault string) {
	switch {
	case cmd == nil || cmd.Flags&store.Internal != 0:
		return store.Unknown(args)
	case !cmd.Takes(len(args)):
		return cmd.WrongArity()
	}
	return ""
}

// route finds the slot of a command's keys, and why this node does not answer it.
func (c *client) route(cmd *store.Command, args [][]byte) (slot uint16, fault string) {
	var space [8][]byte
	return c.routeKeys(cmd.Keys(space[:0], args))
}

func (c *client) routeKeys(keys [][]byte) (slot uint16, fault string) {
	for i, key := range keys {
		s := slotOfKey(key)
		if i > 0 && s != slot {
			return slot, errCrossSlot
		}
		slot = s
	}
	return slot, c.srv.redirect(slot)
}

func slotOfKey(key []byte) uint16 { return slots.Of(string(key)) }

// settle carries out what has gathered and writes the replies.
func (c *client) settle() {
	if len(c.line.parts) > 0 {
		c.line.run(c.srv.backend)
		c.line.write(&c.w)
		c.line.reset()
	}
}
