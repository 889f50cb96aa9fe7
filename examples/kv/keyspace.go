package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/pando-go/pando/clusterd/slots"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// These commands are about all keys of a node: of the slots that run on it. With
// -proxy they are about those of all nodes.

func (c *client) dbsize([][]byte) {
	n, fault := c.srv.count()
	if fault != "" {
		c.w.Error(fault)
		return
	}
	c.w.Int(n)
}

// askSlot sends one command to a slot and returns its reply, in version 2.
func (c *client) askSlot(slot uint16, words ...string) (reply []byte, fault string) {
	b := &batch{slot: slot, msg: &kvpb.Batch{Lengths: []uint32{uint32(len(words))}}}
	for _, w := range words {
		b.msg.Words = append(b.msg.Words, []byte(w))
	}
	b.run(c.srv.backend)
	if b.fault != "" {
		return nil, b.fault
	}
	return b.next(), ""
}

func (c *client) flush(args [][]byte) {
	if len(args) > 2 || len(args) == 2 && sub(args) != "sync" && sub(args) != "async" {
		c.w.Error(errSyntax)
		return
	}
	list, fault := c.srv.filled(0, slots.Count)
	if fault != "" {
		c.w.Error(fault)
		return
	}
	for _, f := range list {
		if _, fault := c.askSlot(f.slot, "@flush"); fault != "" {
			c.w.Error(fault)
			return
		}
	}
	c.w.OK()
}

func (c *client) randomKey([][]byte) {
	list, fault := c.srv.filled(0, slots.Count)
	if fault != "" {
		c.w.Error(fault)
		return
	}
	for _, i := range rand.Perm(len(list)) {
		if reply, fault := c.askSlot(list[i].slot, "@random"); fault == "" && !bytes.HasPrefix(reply, []byte("$-1")) {
			c.w.Raw(reply)
			return
		}
	}
	c.w.Null()
}

// A cursor of SCAN is the slot in its low 14 bits and, above, how many keys of
// the slot are left: 0 for all of them.
const slotBits = 14

// maxScan bounds how many keys one SCAN looks at.
const maxScan = 1 << 20

func (c *client) scan(args [][]byte) {
	cursor, err := strconv.ParseUint(string(args[1]), 10, 64)
	if err != nil {
		c.w.Error("ERR invalid cursor")
		return
	}
	count, options, fault := scanOptions(args[2:])
	if fault != "" {
		c.w.Error(fault)
		return
	}
	next, found, fault := c.scanFrom(cursor, count, options)
	if fault != "" {
		c.w.Error(fault)
		return
	}
	c.w.Array(2)
	c.w.Text(strconv.FormatUint(next, 10))
	c.writeKeys(found)
}

// scanOptions checks what follows the cursor, and takes COUNT out of it.
func scanOptions(args [][]byte) (count int, options []string, fault string) {
	count = 10
	for ; len(args) > 1; args = args[2:] {
		switch name := string(bytes.ToLower(args[0])); name {
		case "count":
			n, err := strconv.Atoi(string(args[1]))
			if err != nil {
				return 0, nil, errInteger
			}
			if count = min(n, maxScan); n < 1 {
				return 0, nil, errSyntax
			}
		case "match", "type":
			options = append(options, name, string(args[1]))
		default:
			return 0, nil, errSyntax
		}
	}
	if len(args) > 0 {
		return 0, nil, errSyntax
	}
	return count, options, ""
}

func (c *client) scanFrom(cursor uint64, count int, options []string) (next uint64, found [][]byte, fault string) {
	first, left := uint16(cursor&(1<<slotBits-1)), cursor>>slotBits
	list, fault := c.srv.filled(first, min(count, slots.Count-1)+1)
	if fault != "" {
		return 0, nil, fault
	}
	for _, f := range list {
		if f.slot > first {
			left = 0
		}
		if count <= 0 {
			return uint64(f.slot), found, ""
		}
		words := append([]string{"@scan", strconv.FormatUint(left, 10), "COUNT", strconv.Itoa(count)}, options...)
		reply, fault := c.askSlot(f.slot, words...)
		if fault != "" {
			return 0, nil, fault
		}
		list := bulks(reply)
		if len(list) == 0 {
			return 0, nil, string(bytes.TrimSpace(reply[1:]))
		}
		found = append(found, list[1:]...)
		if left, _ = strconv.ParseUint(string(list[0]), 10, 64); left > 0 {
			return left<<slotBits | uint64(f.slot), found, ""
		}
		count -= max(len(list)-1, int(min(f.keys, int64(count))), 1)
	}
	return 0, found, ""
}

// bulks lists the strings in a reply of the server's own, whatever arrays are
// around them.
func bulks(reply []byte) (list [][]byte) {
	for len(reply) > 0 {
		end := bytes.Index(reply, []byte("\r\n"))
		if end < 1 {
			return list
		}
		head := reply[:end]
		reply = reply[end+2:]
		if head[0] != '$' {
			continue
		}
		n, err := strconv.Atoi(string(head[1:]))
		if err != nil || n < 0 || n+2 > len(reply) {
			continue
		}
		list = append(list, reply[:n])
		reply = reply[n+2:]
	}
	return list
}

func (c *client) keys(args [][]byte) {
	_, found, fault := c.scanFrom(0, math.MaxInt, []string{"match", string(args[1])})
	if fault != "" {
		c.w.Error(fault)
		return
	}
	c.writeKeys(found)
}

func (c *client) writeKeys(list [][]byte) {
	c.w.Array(len(list))
	for _, key := range list {
		c.w.Bulk(key)
	}
}
