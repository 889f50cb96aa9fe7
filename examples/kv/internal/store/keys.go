package store

import (
	"bytes"
	"slices"
)

func (c *call) del() {
	n := int64(0)
	for _, key := range c.args[1:] {
		if it := c.s.live(key); it != nil {
			c.s.drop(it)
			n++
		}
	}
	c.w.Int(n)
}

func (c *call) exists() {
	n := int64(0)
	for _, key := range c.args[1:] {
		if c.s.live(key) != nil {
			n++
		}
	}
	c.w.Int(n)
}

func (c *call) kind() {
	if it := c.s.live(c.args[1]); it != nil {
		c.w.Status(it.kind.String())
		return
	}
	c.w.Status("none")
}

func (c *call) rename() {
	if it := c.s.live(c.args[1]); it != nil {
		c.moveTo(it, c.args[2])
		c.w.OK()
		return
	}
	c.fail(errNoKey)
}

func (c *call) renamenx() {
	it := c.s.live(c.args[1])
	switch {
	case it == nil:
		c.fail(errNoKey)
	case c.s.live(c.args[2]) != nil:
		c.w.Int(0)
	default:
		c.moveTo(it, c.args[2])
		c.w.Int(1)
	}
}

// moveTo gives an item another key.
func (c *call) moveTo(it *item, key []byte) {
	if it.key == string(key) {
		return
	}
	c.s.drop(it)
	moved := *it
	moved.key = string(key)
	c.place(&moved)
}

// place puts an item at its key, in place of what is there, with its deadline.
func (c *call) place(it *item) {
	c.s.put(it)
	if it.deadline != 0 {
		c.s.due.add(c.s, it)
	}
}

func (c *call) copy() {
	replace := false
	for i := 3; i < len(c.args); i++ {
		switch {
		case is(c.args[i], "REPLACE"):
			replace = true
		case is(c.args[i], "DB") && i+1 < len(c.args):
			i++
			if n, ok := parseInt(c.args[i]); !ok || n != 0 {
				c.fail("ERR DB index is out of range")
				return
			}
		default:
			c.fail(errSyntax)
			return
		}
	}
	from := c.s.live(c.args[1])
	switch {
	case bytes.Equal(c.args[1], c.args[2]):
		c.fail("ERR source and destination objects are the same")
	case from == nil || !replace && c.s.live(c.args[2]) != nil:
		c.w.Int(0)
	default:
		c.place(from.clone(string(c.args[2])))
		c.w.Int(1)
	}
}

// clone copies an item to another key.
func (it *item) clone(key string) *item {
	twin := &item{key: key, kind: it.kind, deadline: it.deadline}
	switch it.kind {
	case String:
		twin.str = bytes.Clone(it.str)
	case Hash:
		twin.hash = new(dict[[]byte])
		for _, e := range it.hash.list {
			twin.hash.put([]byte(e.key), e.val)
		}
	case List:
		twin.list = new(deque)
		twin.list.replace(it.list.slice(0, it.list.len()))
	case Set:
		twin.set = new(dict[struct{}])
		for _, e := range it.set.list {
			twin.set.put([]byte(e.key), struct{}{})
		}
	}
	return twin
}

func (c *call) expire()    { c.expireAt(1000, c.s.now) }
func (c *call) pexpire()   { c.expireAt(1, c.s.now) }
func (c *call) expireat()  { c.expireAt(1000, 0) }
func (c *call) pexpireat() { c.expireAt(1, 0) }

// expireAt sets a deadline of scale milliseconds a unit from base on.
func (c *call) expireAt(scale, base int64) {
	n, ok := c.int(c.args[2])
	if !ok {
		return
	}
	at, ok := scaled(n, scale, base)
	if !ok {
		c.badExpire()
		return
	}
	o, ok := c.expireOptions()
	if !ok {
		return
	}
	it := c.s.live(c.args[1])
	if it == nil || !o.allow(it.deadline, at) {
		c.w.Int(0)
		return
	}
	if at <= c.s.now {
		c.s.drop(it)
	} else {
		c.s.setDeadline(it, at)
	}
	c.w.Int(1)
}

// expireOptions say when an expiry may be changed.
type expireOptions struct{ nx, xx, gt, lt bool }

func (c *call) expireOptions() (o expireOptions, ok bool) {
	for _, word := range c.args[3:] {
		switch {
		case is(word, "NX"):
			o.nx = true
		case is(word, "XX"):
			o.xx = true
		case is(word, "GT"):
			o.gt = true
		case is(word, "LT"):
			o.lt = true
		default:
			c.fail("ERR Unsupported option " + string(word))
			return o, false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return o, false
	case o.gt && o.lt:
		c.fail("ERR GT and LT options at the same time are not compatible")
		return o, false
	}
	return o, true
}

// allow tells whether a deadline may follow another, 0 for never.
func (o expireOptions) allow(old, at int64) bool {
	switch {
	case o.nx && old != 0, o.xx && old == 0:
		return false
	case o.gt && (old == 0 || at <= old):
		return false
	case o.lt && old != 0 && at >= old:
		return false
	}
	return true
}

func (c *call) persist() {
	it := c.s.live(c.args[1])
	timed := it != nil && it.deadline != 0
	if timed {
		c.s.setDeadline(it, 0)
	}
	c.w.Bool(timed)
}

func (c *call) ttl()         { c.when(func(at int64) int64 { return (at - c.s.now + 500) / 1000 }) }
func (c *call) pttl()        { c.when(func(at int64) int64 { return at - c.s.now }) }
func (c *call) expiretime()  { c.when(func(at int64) int64 { return (at + 500) / 1000 }) }
func (c *call) pexpiretime() { c.when(func(at int64) int64 { return at }) }

// when writes what f makes of a deadline, -1 for none, -2 for no key.
func (c *call) when(f func(at int64) int64) {
	switch it := c.s.live(c.args[1]); {
	case it == nil:
		c.w.Int(-2)
	case it.deadline == 0:
		c.w.Int(-1)
	default:
		c.w.Int(f(it.deadline))
	}
}

// What nodes ask of a slot.

// valueOf is MGET for one key: what is no string is a null.
func (c *call) valueOf() {
	if it := c.s.live(c.args[1]); it != nil && it.kind == String {
		c.value(it)
		return
	}
	c.w.Null()
}

func (c *call) slotCount() { c.w.Int(int64(c.s.keys.len())) }

func (c *call) slotFlush() {
	n := c.s.keys.len()
	for _, e := range slices.Clone(c.s.keys.list) {
		c.s.drop(e.val)
	}
	c.w.Int(int64(n))
}

func (c *call) slotRandom() {
	for c.s.keys.len() > 0 {
		e := c.s.keys.list[c.s.random.IntN(c.s.keys.len())]
		if c.s.live([]byte(e.key)) != nil {
			c.w.Text(e.key)
			return
		}
	}
	c.w.Null()
}
