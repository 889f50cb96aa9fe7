package store

import "strconv"

// A scan walks a dict from the end to the beginning; its cursor is how many
// entries are left, so 0 is both the start, as clients say it, and the end.

// scanAll is up to where a hash or a set is scanned at once.
const scanAll = 128

// scanOptions are what may follow a cursor.
type scanOptions struct {
	count   int64
	pattern []byte // nil = all
	kind    []byte // nil = all; for keys only
}

func (c *call) scanOptions(i int, keys bool) (o scanOptions, ok bool) {
	o.count = 10
	for ; i+1 < len(c.args); i += 2 {
		switch word, next := c.args[i], c.args[i+1]; {
		case is(word, "COUNT"):
			if o.count, ok = c.int(next); !ok {
				return o, false
			}
			if o.count < 1 {
				c.fail(errSyntax)
				return o, false
			}
		case is(word, "MATCH"):
			o.pattern = next
		case keys && is(word, "TYPE"):
			o.kind = next
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	if i < len(c.args) {
		c.fail(errSyntax)
		return o, false
	}
	return o, true
}

func (o scanOptions) match(key string) bool {
	return o.pattern == nil || Match(o.pattern, []byte(key))
}

// walk calls visit for up to count places of n, from left on downwards, and
// returns how many are left. 0 means from the end.
func walk(n int, left uint64, count int64, visit func(i int)) uint64 {
	if left == 0 || left > uint64(n) {
		left = uint64(n)
	}
	for ; left > 0 && count > 0; count-- {
		left--
		visit(int(left))
	}
	return left
}

func (c *call) cursor(word []byte) (uint64, bool) {
	left, err := strconv.ParseUint(string(word), 10, 64)
	if err != nil {
		c.fail(errCursor)
	}
	return left, err == nil
}

func (c *call) page(next uint64, found [][]byte) {
	c.w.Array(2)
	c.w.Text(strconv.FormatUint(next, 10))
	c.w.Array(len(found))
	for _, b := range found {
		c.w.Bulk(b)
	}
}

func (c *call) hscan() {
	left, ok := c.cursor(c.args[2])
	if !ok {
		return
	}
	list, ok := c.fields(c.args[1])
	if !ok {
		return
	}
	o, ok := c.scanOptions(3, false)
	if !ok {
		return
	}
	if len(list) <= scanAll {
		o.count = scanAll
	}
	var found [][]byte
	next := walk(len(list), left, o.count, func(i int) {
		if e := list[i]; o.match(e.key) {
			found = append(found, []byte(e.key), e.val)
		}
	})
	c.page(next, found)
}

func (c *call) sscan() {
	left, ok := c.cursor(c.args[2])
	if !ok {
		return
	}
	set, ok := c.members(c.args[1])
	if !ok {
		return
	}
	o, ok := c.scanOptions(3, false)
	if !ok {
		return
	}
	if set.size() <= scanAll {
		o.count = scanAll
	}
	var found [][]byte
	next := walk(set.size(), left, o.count, func(i int) {
		if m := set.list[i].key; o.match(m) {
			found = append(found, []byte(m))
		}
	})
	c.page(next, found)
}

// slotScan is @scan CURSOR [COUNT n] [MATCH pattern] [TYPE kind] for the keys of
// the slot.
func (c *call) slotScan() {
	left, ok := c.cursor(c.args[1])
	if !ok {
		return
	}
	o, ok := c.scanOptions(2, true)
	if !ok {
		return
	}
	var found [][]byte
	next := walk(c.s.keys.len(), left, o.count, func(i int) {
		it := c.s.keys.list[i].val
		expired := it.deadline != 0 && it.deadline <= c.s.now
		if !expired && o.match(it.key) && (o.kind == nil || it.kind.String() == string(o.kind)) {
			found = append(found, []byte(it.key))
		}
	})
	c.page(next, found)
}
