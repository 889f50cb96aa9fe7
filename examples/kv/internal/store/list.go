package store

import (
	"bytes"
	"math"
	"slices"
)

func (c *call) lpush()  { c.push(true, false) }
func (c *call) rpush()  { c.push(false, false) }
func (c *call) lpushx() { c.push(true, true) }
func (c *call) rpushx() { c.push(false, true) }

func (c *call) push(front, onlyOld bool) {
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil && onlyOld {
		c.w.Int(0)
		return
	}
	it, _ = c.make(c.args[1], List)
	for _, b := range c.args[2:] {
		it.list.push(front, bytes.Clone(b))
	}
	c.s.touch(it)
	c.w.Int(int64(it.list.len()))
}

func (c *call) lpop() { c.pop(true) }
func (c *call) rpop() { c.pop(false) }

func (c *call) pop(front bool) {
	if len(c.args) > 3 {
		c.fail(c.cmd.WrongArity())
		return
	}
	count := int64(-1)
	if len(c.args) == 3 {
		n, ok := parseInt(c.args[2])
		if !ok || n < 0 {
			c.fail(errPositive)
			return
		}
		count = n
	}
	it, ok := c.typed(c.args[1], List)
	switch {
	case !ok:
	case it == nil && count >= 0:
		c.w.NullArray()
	case it == nil:
		c.w.Null()
	case count < 0:
		c.w.Bulk(it.list.pop(front))
		c.s.touch(it)
		c.s.tidy(it)
	default:
		c.popMany(it, front, int(min(count, int64(it.list.len()))))
	}
}

func (c *call) popMany(it *item, front bool, n int) {
	c.w.Array(n)
	for range n {
		c.w.Bulk(it.list.pop(front))
	}
	if n > 0 {
		c.s.touch(it)
		c.s.tidy(it)
	}
}

func (c *call) llen() {
	if it, ok := c.typed(c.args[1], List); !ok {
		return
	} else if it == nil {
		c.w.Int(0)
	} else {
		c.w.Int(int64(it.list.len()))
	}
}

func (c *call) lrange() {
	first, ok := c.int(c.args[2])
	if !ok {
		return
	}
	last, ok := c.int(c.args[3])
	if !ok {
		return
	}
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil {
		c.w.Array(0)
		return
	}
	i, j := window(first, last, it.list.len())
	c.w.Array(j - i)
	for ; i < j; i++ {
		c.w.Bulk(it.list.at(i))
	}
}

// place turns an index, negative from the end, into one of n; false if it is
// none.
func place(index int64, n int) (int, bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n)
}

func (c *call) lindex() {
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil {
		c.w.Null()
		return
	}
	n, ok := c.int(c.args[2])
	if !ok {
		return
	}
	if i, ok := place(n, it.list.len()); ok {
		c.w.Bulk(it.list.at(i))
		return
	}
	c.w.Null()
}

func (c *call) lset() {
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil {
		c.fail(errNoKey)
		return
	}
	n, ok := c.int(c.args[2])
	if !ok {
		return
	}
	i, ok := place(n, it.list.len())
	if !ok {
		c.fail(errIndex)
		return
	}
	it.list.set(i, bytes.Clone(c.args[3]))
	c.s.touch(it)
	c.w.OK()
}

func (c *call) linsert() {
	before := is(c.args[2], "BEFORE")
	if !before && !is(c.args[2], "AFTER") {
		c.fail(errSyntax)
		return
	}
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil {
		c.w.Int(0)
		return
	}
	i := slices.IndexFunc(it.list.slice(0, it.list.len()), func(b []byte) bool { return bytes.Equal(b, c.args[3]) })
	if i < 0 {
		c.w.Int(-1)
		return
	}
	if !before {
		i++
	}
	it.list.insert(i, bytes.Clone(c.args[4]))
	c.s.touch(it)
	c.w.Int(int64(it.list.len()))
}

func (c *call) lrem() {
	n, ok := c.int(c.args[2])
	if !ok {
		return
	}
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it == nil {
		c.w.Int(0)
		return
	}
	list := it.list.slice(0, it.list.len())
	limit := n
	if n < 0 {
		slices.Reverse(list)
		limit = -n
	}
	if n == 0 || limit < 0 {
		limit = math.MaxInt64
	}
	removed := int64(0)
	list = slices.DeleteFunc(list, func(b []byte) bool {
		hit := removed < limit && bytes.Equal(b, c.args[3])
		if hit {
			removed++
		}
		return hit
	})
	if n < 0 {
		slices.Reverse(list)
	}
	if removed > 0 {
		it.list.replace(list)
		c.s.touch(it)
		c.s.tidy(it)
	}
	c.w.Int(removed)
}

func (c *call) ltrim() {
	first, ok := c.int(c.args[2])
	if !ok {
		return
	}
	last, ok := c.int(c.args[3])
	if !ok {
		return
	}
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if it != nil {
		i, j := window(first, last, it.list.len())
		it.list.replace(it.list.slice(i, j))
		c.s.touch(it)
		c.s.tidy(it)
	}
	c.w.OK()
}

// posOptions are what may follow LPOS key element.
type posOptions struct {
	rank, limit int64
	count       int64 // -1 = not said
}

func (c *call) posOptions() (o posOptions, ok bool) {
	o = posOptions{rank: 1, count: -1}
	for i := 3; i < len(c.args); i += 2 {
		if i+1 == len(c.args) {
			c.fail(errSyntax)
			return o, false
		}
		n, isInt := parseInt(c.args[i+1])
		switch word := c.args[i]; {
		case is(word, "RANK"):
			if !isInt || n == math.MinInt64 {
				c.fail(errInteger)
				return o, false
			}
			if n == 0 {
				c.fail("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
				return o, false
			}
			o.rank = n
		case is(word, "COUNT"):
			if !isInt || n < 0 {
				c.fail("ERR COUNT can't be negative")
				return o, false
			}
			o.count = n
		case is(word, "MAXLEN"):
			if !isInt || n < 0 {
				c.fail("ERR MAXLEN can't be negative")
				return o, false
			}
			o.limit = n
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	return o, true
}

func (c *call) lpos() {
	o, ok := c.posOptions()
	if !ok {
		return
	}
	it, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	var found []int
	if it != nil {
		found = positions(it.list, c.args[2], o)
	}
	switch {
	case o.count >= 0:
		c.w.Array(len(found))
		for _, i := range found {
			c.w.Int(int64(i))
		}
	case len(found) > 0:
		c.w.Int(int64(found[0]))
	default:
		c.w.Null()
	}
}

// positions finds an element in a list.
func positions(d *deque, element []byte, o posOptions) (found []int) {
	want := int(max(o.count, 0))
	if o.count < 0 {
		want = 1
	}
	skip, looked := max(o.rank, -o.rank)-1, int64(0)
	for n := range d.len() {
		if o.limit > 0 && looked >= o.limit {
			break
		}
		looked++
		i := n
		if o.rank < 0 {
			i = d.len() - 1 - n
		}
		switch {
		case !bytes.Equal(d.at(i), element):
			continue
		case skip > 0:
			skip--
			continue
		}
		found = append(found, i)
		if want > 0 && len(found) == want {
			break
		}
	}
	return found
}

func (c *call) rpoplpush() { c.shift(false, true) }

func (c *call) lmove() {
	from, ok := c.side(c.args[3])
	if !ok {
		return
	}
	to, ok := c.side(c.args[4])
	if !ok {
		return
	}
	c.shift(from, to)
}

// side reads LEFT as true and RIGHT as false.
func (c *call) side(word []byte) (front, ok bool) {
	front = is(word, "LEFT")
	if !front && !is(word, "RIGHT") {
		c.fail(errSyntax)
		return false, false
	}
	return front, true
}

// shift takes an element from an end of one list to an end of another.
func (c *call) shift(from, to bool) {
	source, ok := c.typed(c.args[1], List)
	if !ok {
		return
	}
	if source == nil {
		c.w.Null()
		return
	}
	target, ok := c.make(c.args[2], List)
	if !ok {
		return
	}
	b := source.list.pop(from)
	target.list.push(to, b)
	c.s.touch(source)
	c.s.touch(target)
	c.s.tidy(source)
	c.w.Bulk(b)
}
