package main

import (
	"bytes"
	"strconv"

	"github.com/pando-go/pando/examples/kv/internal/store"
)

// With -proxy, commands that are the sum of their keys may have keys of many
// slots: each slot does its part, none of them waits for another, and there is
// no moment at which all have happened.

// scatters tells which commands are the sum of their keys.
func scatters(name string) bool {
	switch name {
	case "mget", "mset", "del", "unlink", "exists", "touch":
		return true
	}
	return false
}

// scatter runs one command as a pipeline of single keys, and makes one reply of
// theirs: values for MGET, OK for MSET, a sum for the others.
func (c *client) scatter(cmd *store.Command, args [][]byte) {
	if cmd.Step == 2 && len(args)%2 == 0 {
		c.w.Error(cmd.WrongArity())
		return
	}
	var line pipeline
	single := args[0]
	if cmd.Name == "mget" {
		single = []byte("@get")
	}
	for i := 1; i < len(args); i += cmd.Step {
		line.add(slotOfKey(args[i]), append([][]byte{single}, args[i:i+cmd.Step]...), c.w.V3)
	}
	line.run(c.srv.backend)
	var sum int64
	var values [][]byte
	for _, p := range line.parts {
		if p.batch.fault != "" {
			c.w.Error(p.batch.fault)
			return
		}
		reply := p.batch.next()
		if reply[0] == '-' {
			c.w.Raw(reply)
			return
		}
		values = append(values, reply)
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(reply[1:])), 10, 64); err == nil && reply[0] == ':' {
			sum += n
		}
	}
	switch cmd.Name {
	case "mset":
		c.w.OK()
	case "mget":
		c.w.Array(len(values))
		for _, v := range values {
			c.w.Raw(v)
		}
	default:
		c.w.Int(sum)
	}
}
