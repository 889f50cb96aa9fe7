package store

import (
	"bytes"
	"math/rand/v2"
	"strconv"
)

func (c *call) hset() {
	if len(c.args)%2 != 0 {
		c.fail(c.cmd.WrongArity())
		return
	}
	it, ok := c.make(c.args[1], Hash)
	if !ok {
		return
	}
	added := int64(0)
	for i := 2; i < len(c.args); i += 2 {
		if it.hash.put(c.args[i], bytes.Clone(c.args[i+1])) {
			added++
		}
	}
	c.s.touch(it)
	if c.cmd.Name == "hmset" {
		c.w.OK()
		return
	}
	c.w.Int(added)
}

func (c *call) hsetnx() {
	it, ok := c.make(c.args[1], Hash)
	if !ok {
		return
	}
	free := it.hash.find(c.args[2]) < 0
	if free {
		it.hash.put(c.args[2], bytes.Clone(c.args[3]))
		c.s.touch(it)
	}
	c.w.Bool(free)
}

// field returns a field of the hash at a key; ok is false when an error was written.
func (c *call) field(key, name []byte) (val []byte, there, ok bool) {
	it, ok := c.typed(key, Hash)
	if it == nil {
		return nil, false, ok
	}
	val, there = it.hash.get(name)
	return val, there, true
}

func (c *call) hget() {
	if val, there, ok := c.field(c.args[1], c.args[2]); ok {
		c.bulkOrNull(val, there)
	}
}

func (c *call) hexists() {
	if _, there, ok := c.field(c.args[1], c.args[2]); ok {
		c.w.Bool(there)
	}
}

func (c *call) hstrlen() {
	if val, _, ok := c.field(c.args[1], c.args[2]); ok {
		c.w.Int(int64(len(val)))
	}
}

// fields returns what the hash at a key holds, nil for no key.
func (c *call) fields(key []byte) (list []entry[[]byte], ok bool) {
	it, ok := c.typed(key, Hash)
	if it == nil {
		return nil, ok
	}
	return it.hash.list, true
}

func (c *call) hmget() {
	it, ok := c.typed(c.args[1], Hash)
	if !ok {
		return
	}
	c.w.Array(len(c.args) - 2)
	for _, name := range c.args[2:] {
		var val []byte
		there := false
		if it != nil {
			val, there = it.hash.get(name)
		}
		c.bulkOrNull(val, there)
	}
}

func (c *call) hgetall() {
	list, ok := c.fields(c.args[1])
	if !ok {
		return
	}
	c.w.Map(len(list))
	for _, e := range list {
		c.w.Text(e.key)
		c.w.Bulk(e.val)
	}
}

func (c *call) hkeys() {
	list, ok := c.fields(c.args[1])
	if !ok {
		return
	}
	c.w.Array(len(list))
	for _, e := range list {
		c.w.Text(e.key)
	}
}

func (c *call) hvals() {
	list, ok := c.fields(c.args[1])
	if !ok {
		return
	}
	c.w.Array(len(list))
	for _, e := range list {
		c.w.Bulk(e.val)
	}
}

func (c *call) hlen() {
	if list, ok := c.fields(c.args[1]); ok {
		c.w.Int(int64(len(list)))
	}
}

func (c *call) hdel() {
	it, ok := c.typed(c.args[1], Hash)
	if !ok {
		return
	}
	n := int64(0)
	for _, name := range c.args[2:] {
		if it != nil && it.hash.drop(name) {
			n++
		}
	}
	if n > 0 {
		c.s.touch(it)
		c.s.tidy(it)
	}
	c.w.Int(n)
}

func (c *call) hincrby() {
	n, ok := c.int(c.args[3])
	if !ok {
		return
	}
	val, there, ok := c.field(c.args[1], c.args[2])
	if !ok {
		return
	}
	var old int64
	if there {
		if old, ok = parseInt(val); !ok {
			c.fail("ERR hash value is not an integer")
			return
		}
	}
	if addOverflows(old, n) {
		c.fail(errOverflow)
		return
	}
	c.setField(strconv.AppendInt(nil, old+n, 10))
	c.w.Int(old + n)
}

func (c *call) hincrbyfloat() {
	val, there, ok := c.field(c.args[1], c.args[2])
	if !ok {
		return
	}
	if there && val == nil {
		val = []byte{}
	}
	sum, ok := c.floatSum(val, c.args[3], "ERR hash value is not a float")
	if !ok {
		return
	}
	c.setField(sum)
	c.w.Bulk(sum)
}

// setField sets the field that the command names.
func (c *call) setField(val []byte) {
	it, ok := c.make(c.args[1], Hash)
	if !ok {
		return
	}
	it.hash.put(c.args[2], val)
	c.s.touch(it)
}

func (c *call) hrandfield() {
	list, ok := c.fields(c.args[1])
	if !ok {
		return
	}
	if len(c.args) == 2 {
		if len(list) == 0 {
			c.w.Null()
			return
		}
		c.w.Text(list[c.s.random.IntN(len(list))].key)
		return
	}
	n, ok := c.int(c.args[2])
	if !ok {
		return
	}
	values := len(c.args) == 4 && is(c.args[3], "WITHVALUES")
	if len(c.args) > 3 && !values {
		c.fail(errSyntax)
		return
	}
	chosen, ok := c.choose(n, len(list))
	if !ok {
		return
	}
	c.randomFields(list, chosen, values)
}

// randomFields writes fields, in version 3 as pairs if with values.
func (c *call) randomFields(list []entry[[]byte], chosen []int, values bool) {
	switch {
	case values && !c.w.V3:
		c.w.Array(2 * len(chosen))
	default:
		c.w.Array(len(chosen))
	}
	for _, i := range chosen {
		if values && c.w.V3 {
			c.w.Array(2)
		}
		c.w.Text(list[i].key)
		if values {
			c.w.Bulk(list[i].val)
		}
	}
}

// maxChoice bounds what a command with a negative count may draw.
const maxChoice = 1 << 20

// choose draws places among n: count different ones, or -count that may repeat.
func (c *call) choose(count int64, n int) ([]int, bool) {
	switch {
	case count < -maxChoice:
		c.fail("ERR value is out of range")
		return nil, false
	case n == 0:
		return nil, true
	case count >= 0:
		return sample(c.s.random, int(min(count, int64(n))), n), true
	}
	list := make([]int, -count)
	for i := range list {
		list[i] = c.s.random.IntN(n)
	}
	return list, true
}

// sample draws k different places among n, as the first steps of a shuffle.
func sample(r *rand.Rand, k, n int) []int {
	moved := map[int]int{} // what a place holds, where that is not its own number
	at := func(i int) int {
		if v, ok := moved[i]; ok {
			return v
		}
		return i
	}
	list := make([]int, k)
	for i := range list {
		j := i + r.IntN(n-i)
		list[i] = at(j)
		moved[j] = at(i)
	}
	return list
}
