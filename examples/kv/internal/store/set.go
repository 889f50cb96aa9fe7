package store

func (c *call) sadd() {
	it, ok := c.make(c.args[1], Set)
	if !ok {
		return
	}
	n := int64(0)
	for _, m := range c.args[2:] {
		if it.set.put(m, struct{}{}) {
			n++
		}
	}
	if n > 0 {
		c.s.touch(it)
	}
	c.w.Int(n)
}

func (c *call) srem() {
	it, ok := c.typed(c.args[1], Set)
	if !ok {
		return
	}
	n := int64(0)
	for _, m := range c.args[2:] {
		if it != nil && it.set.drop(m) {
			n++
		}
	}
	if n > 0 {
		c.s.touch(it)
		c.s.tidy(it)
	}
	c.w.Int(n)
}

// members returns what the set at a key holds, nil for no key.
func (c *call) members(key []byte) (*dict[struct{}], bool) {
	it, ok := c.typed(key, Set)
	if it == nil {
		return nil, ok
	}
	return it.set, true
}

func (d *dict[V]) has(key []byte) bool { return d != nil && d.find(key) >= 0 }

func (c *call) sismember() {
	if set, ok := c.members(c.args[1]); ok {
		c.w.Bool(set.has(c.args[2]))
	}
}

func (c *call) smismember() {
	set, ok := c.members(c.args[1])
	if !ok {
		return
	}
	c.w.Array(len(c.args) - 2)
	for _, m := range c.args[2:] {
		c.w.Bool(set.has(m))
	}
}

func (c *call) scard() {
	if set, ok := c.members(c.args[1]); ok {
		c.w.Int(int64(set.size()))
	}
}

// size is len for a set that may be nil.
func (d *dict[V]) size() int {
	if d == nil {
		return 0
	}
	return d.len()
}

func (c *call) smembers() {
	if set, ok := c.members(c.args[1]); ok {
		c.writeSet(set)
	}
}

func (c *call) writeSet(set *dict[struct{}]) {
	c.w.Set(set.size())
	for i := range set.size() {
		c.w.Text(set.list[i].key)
	}
}

func (c *call) smove() {
	from, ok := c.typed(c.args[1], Set)
	if !ok {
		return
	}
	if _, ok := c.members(c.args[2]); !ok && from != nil {
		return
	}
	if from == nil || !from.set.has(c.args[3]) {
		c.w.Int(0)
		return
	}
	to, _ := c.make(c.args[2], Set)
	if from != to {
		from.set.drop(c.args[3])
		to.set.put(c.args[3], struct{}{})
		c.s.touch(from)
		c.s.touch(to)
		c.s.tidy(from)
	}
	c.w.Int(1)
}

func (c *call) spop() {
	count, many, ok := c.setCount()
	if !ok {
		return
	}
	if many && count < 0 {
		c.fail(errPositive)
		return
	}
	it, ok := c.typed(c.args[1], Set)
	switch {
	case !ok:
	case it == nil && many:
		c.w.Set(0)
	case it == nil:
		c.w.Null()
	default:
		c.popMembers(it, count, many)
	}
}

// setCount reads the count that may follow a key.
func (c *call) setCount() (n int64, many, ok bool) {
	switch len(c.args) {
	case 2:
		return 1, false, true
	case 3:
		n, ok = parseInt(c.args[2])
		if !ok {
			c.fail(c.countError())
		}
		return n, true, ok
	}
	c.fail(errSyntax)
	return 0, false, false
}

func (c *call) countError() string {
	if c.cmd.Name == "spop" {
		return errPositive
	}
	return errInteger
}

// popMembers takes members out by chance, and says which, so that others need
// not have the same luck.
func (c *call) popMembers(it *item, count int64, many bool) {
	chosen, _ := c.choose(count, it.set.len())
	c.change = [][]byte{[]byte("srem"), c.args[1]}
	for _, i := range chosen {
		c.change = append(c.change, []byte(it.set.list[i].key))
	}
	if many {
		c.w.Set(len(chosen))
	}
	for _, m := range c.change[2:] {
		it.set.drop(m)
		c.w.Bulk(m)
	}
	if len(chosen) > 0 {
		c.s.touch(it)
		c.s.tidy(it)
	}
}

func (c *call) srandmember() {
	count, many, ok := c.setCount()
	if !ok {
		return
	}
	set, ok := c.members(c.args[1])
	if !ok {
		return
	}
	chosen, ok := c.choose(count, set.size())
	if !ok {
		return
	}
	switch {
	case many:
		c.w.Array(len(chosen))
	case len(chosen) == 0:
		c.w.Null()
	}
	for _, i := range chosen {
		c.w.Text(set.list[i].key)
	}
}

// combine is what becomes of several sets.
type combine func(sets []*dict[struct{}]) *dict[struct{}]

func (c *call) sinter()      { c.combined(c.args[1:], intersection) }
func (c *call) sunion()      { c.combined(c.args[1:], union) }
func (c *call) sdiff()       { c.combined(c.args[1:], difference) }
func (c *call) sinterstore() { c.combineInto(intersection) }
func (c *call) sunionstore() { c.combineInto(union) }
func (c *call) sdiffstore()  { c.combineInto(difference) }

func (c *call) sets(keys [][]byte) (sets []*dict[struct{}], ok bool) {
	for _, key := range keys {
		set, ok := c.members(key)
		if !ok {
			return nil, false
		}
		sets = append(sets, set)
	}
	return sets, true
}

func (c *call) combined(keys [][]byte, f combine) {
	if sets, ok := c.sets(keys); ok {
		c.writeSet(f(sets))
	}
}

func (c *call) combineInto(f combine) {
	sets, ok := c.sets(c.args[2:])
	if !ok {
		return
	}
	result := f(sets)
	if old := c.s.live(c.args[1]); old != nil {
		c.s.drop(old)
	}
	if result.len() > 0 {
		c.s.put(&item{key: string(c.args[1]), kind: Set, set: result})
	}
	c.w.Int(int64(result.len()))
}

func (c *call) sintercard() {
	n, ok := parseInt(c.args[1])
	if !ok || n < 1 {
		c.fail("ERR numkeys should be greater than 0")
		return
	}
	keys := numbered(c.args)
	if keys == nil {
		c.fail("ERR Number of keys can't be greater than number of args")
		return
	}
	limit, rest := int64(0), c.args[2+n:]
	for ; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 || !is(rest[0], "LIMIT") {
			c.fail(errSyntax)
			return
		}
		if limit, ok = parseInt(rest[1]); !ok || limit < 0 {
			c.fail("ERR LIMIT can't be negative")
			return
		}
	}
	sets, ok := c.sets(keys)
	if !ok {
		return
	}
	size := int64(intersection(sets).len())
	if limit > 0 {
		size = min(size, limit)
	}
	c.w.Int(size)
}

func intersection(sets []*dict[struct{}]) *dict[struct{}] {
	result := new(dict[struct{}])
	for i := range sets[0].size() {
		m, in := []byte(sets[0].list[i].key), true
		for _, set := range sets[1:] {
			in = in && set.has(m)
		}
		if in {
			result.put(m, struct{}{})
		}
	}
	return result
}

func union(sets []*dict[struct{}]) *dict[struct{}] {
	result := new(dict[struct{}])
	for _, set := range sets {
		for i := range set.size() {
			result.put([]byte(set.list[i].key), struct{}{})
		}
	}
	return result
}

func difference(sets []*dict[struct{}]) *dict[struct{}] {
	result := new(dict[struct{}])
	for i := range sets[0].size() {
		m, in := []byte(sets[0].list[i].key), false
		for _, set := range sets[1:] {
			in = in || set.has(m)
		}
		if !in {
			result.put(m, struct{}{})
		}
	}
	return result
}
