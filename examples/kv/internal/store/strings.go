package store

import (
	"bytes"
	"strconv"

	"math/big"
)

// maxString bounds what APPEND and SETRANGE can make of a string, in bytes.
const maxString = 512 << 20

func (c *call) get() {
	it, ok := c.typed(c.args[1], String)
	if ok {
		c.value(it)
	}
}

// value writes a string or a null.
func (c *call) value(it *item) {
	if it == nil {
		c.w.Null()
		return
	}
	c.w.Bulk(it.str)
}

// setOptions are what may follow SET key value, and GETEX key.
type setOptions struct {
	nx, xx, keep, get, persist bool
	deadline                   int64 // 0 = none was said
}

// setOptions reads the words from the i-th on; forSet tells SET from GETEX.
func (c *call) setOptions(i int, forSet bool) (o setOptions, ok bool) {
	timed := false
	for ; i < len(c.args); i++ {
		word, more := c.args[i], i+1 < len(c.args)
		switch {
		case forSet && is(word, "NX") && !o.xx:
			o.nx = true
		case forSet && is(word, "XX") && !o.nx:
			o.xx = true
		case forSet && is(word, "GET"):
			o.get = true
		case forSet && is(word, "KEEPTTL") && !timed:
			o.keep = true
		case !forSet && is(word, "PERSIST") && !timed:
			o.persist = true
		case more && !timed && !o.keep && !o.persist && isTime(word):
			timed = true
			if o.deadline, ok = c.deadline(word, c.args[i+1]); !ok {
				return o, false
			}
			i++
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	return o, true
}

func isTime(word []byte) bool {
	return is(word, "EX") || is(word, "PX") || is(word, "EXAT") || is(word, "PXAT")
}

// deadline turns EX, PX, EXAT or PXAT and a number into milliseconds since 1970.
func (c *call) deadline(unit, word []byte) (int64, bool) {
	n, ok := c.int(word)
	if !ok {
		return 0, false
	}
	scale, base := int64(1000), int64(0)
	if is(unit, "PX") || is(unit, "PXAT") {
		scale = 1
	}
	if is(unit, "PX") || is(unit, "EX") {
		base = c.s.now
	}
	at, ok := scaled(n, scale, base)
	if !ok || n <= 0 {
		c.badExpire()
		return 0, false
	}
	return at, true
}

func (c *call) badExpire() { c.fail("ERR invalid expire time in '" + c.cmd.Name + "' command") }

// scaled is n*scale+base; false if that is no int64.
func scaled(n, scale, base int64) (int64, bool) {
	at := n * scale
	if at/scale != n || addOverflows(at, base) {
		return 0, false
	}
	return at + base, true
}

func (c *call) set() {
	o, ok := c.setOptions(3, true)
	if !ok {
		return
	}
	it := c.s.live(c.args[1])
	if o.get && it != nil && it.kind != String {
		c.fail(errWrongType)
		return
	}
	var old []byte
	if it != nil {
		old = it.str
	}
	there := it != nil
	if o.nx && there || o.xx && !there {
		c.bulkOrNull(old, o.get && there)
		return
	}
	c.store(c.args[1], c.args[2], o.deadline, o.keep)
	if o.get {
		c.bulkOrNull(old, there)
		return
	}
	c.w.OK()
}

// store makes the value of key a string, whatever it was.
func (c *call) store(key, value []byte, deadline int64, keep bool) {
	it := c.s.live(key)
	if it == nil {
		it = &item{key: string(key)}
		c.s.keys.put(key, it)
	}
	it.kind, it.str, it.hash, it.list, it.set = String, bytes.Clone(value), nil, nil, nil
	if keep {
		deadline = it.deadline
	}
	if deadline != it.deadline {
		c.s.setDeadline(it, deadline)
		return
	}
	c.s.touch(it)
}

func (c *call) setex()  { c.setFor("EX") }
func (c *call) psetex() { c.setFor("PX") }

func (c *call) setFor(unit string) {
	at, ok := c.deadline([]byte(unit), c.args[2])
	if !ok {
		return
	}
	c.store(c.args[1], c.args[3], at, false)
	c.w.OK()
}

func (c *call) setnx() {
	free := c.s.live(c.args[1]) == nil
	if free {
		c.store(c.args[1], c.args[2], 0, false)
	}
	c.w.Bool(free)
}

func (c *call) getset() {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	c.value(it)
	c.store(c.args[1], c.args[2], 0, false)
}

func (c *call) getdel() {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	c.value(it)
	if it != nil {
		c.s.drop(it)
	}
}

func (c *call) getex() {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	o, ok := c.setOptions(2, false)
	if !ok {
		return
	}
	c.value(it)
	if it != nil && (o.deadline != 0 || o.persist && it.deadline != 0) {
		c.s.setDeadline(it, o.deadline)
	}
}

func (c *call) append() {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	if it == nil {
		c.store(c.args[1], c.args[2], 0, false)
		c.w.Int(int64(len(c.args[2])))
		return
	}
	if len(it.str)+len(c.args[2]) > maxString {
		c.fail(errTooLong)
		return
	}
	it.str = append(it.str, c.args[2]...)
	c.s.touch(it)
	c.w.Int(int64(len(it.str)))
}

func (c *call) strlen() {
	if it, ok := c.typed(c.args[1], String); !ok {
		return
	} else if it == nil {
		c.w.Int(0)
	} else {
		c.w.Int(int64(len(it.str)))
	}
}

func (c *call) getrange() {
	first, ok := c.int(c.args[2])
	if !ok {
		return
	}
	last, ok := c.int(c.args[3])
	if !ok {
		return
	}
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	if it == nil || first < 0 && last < 0 && first > last {
		c.w.Bulk(nil)
		return
	}
	if last < 0 { // before the beginning means the first byte here
		last = max(last+int64(len(it.str)), 0)
	}
	i, j := window(first, last, len(it.str))
	c.w.Bulk(it.str[i:j])
}

func (c *call) setrange() {
	offset, ok := c.int(c.args[2])
	if !ok {
		return
	}
	if offset < 0 {
		c.fail(errOffset)
		return
	}
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	part, old := c.args[3], []byte(nil)
	if it != nil {
		old = it.str
	}
	switch end := offset + int64(len(part)); {
	case len(part) == 0:
		c.w.Int(int64(len(old)))
		return
	case end > maxString || end < offset:
		c.fail(errTooLong)
		return
	}
	value := make([]byte, max(len(old), int(offset)+len(part)))
	copy(value, old)
	copy(value[offset:], part)
	c.store(c.args[1], value, 0, true)
	c.w.Int(int64(len(value)))
}

func (c *call) incr() { c.add(1) }
func (c *call) decr() { c.add(-1) }

func (c *call) incrby() {
	if n, ok := c.int(c.args[2]); ok {
		c.add(n)
	}
}

func (c *call) decrby() {
	n, ok := c.int(c.args[2])
	switch {
	case !ok:
	case n == -n && n != 0:
		c.fail("ERR decrement would overflow")
	default:
		c.add(-n)
	}
}

func (c *call) add(n int64) {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	var old int64
	if it != nil {
		if old, ok = c.int(it.str); !ok {
			return
		}
	}
	if addOverflows(old, n) {
		c.fail(errOverflow)
		return
	}
	c.store(c.args[1], strconv.AppendInt(nil, old+n, 10), 0, true)
	c.w.Int(old + n)
}

func (c *call) incrbyfloat() {
	it, ok := c.typed(c.args[1], String)
	if !ok {
		return
	}
	var old []byte
	if it != nil {
		old = it.str
	}
	sum, ok := c.floatSum(old, c.args[2], errFloat)
	if !ok {
		return
	}
	c.store(c.args[1], sum, 0, true)
	c.w.Bulk(sum)
}

// floatSum adds what is there, nil for nothing, and a number; bad is the error for
// what is there.
func (c *call) floatSum(old, word []byte, bad string) ([]byte, bool) {
	a := new(big.Float).SetPrec(mantissa)
	ok := true
	if old != nil {
		if a, ok = parseFloat(old); !ok {
			c.fail(bad)
			return nil, false
		}
	}
	b, ok := parseFloat(word)
	if !ok {
		if infinite(word) {
			c.fail(errNaN)
		} else {
			c.fail(errFloat)
		}
		return nil, false
	}
	return formatFloat(a.Add(a, b)), true
}

func infinite(word []byte) bool {
	for _, name := range []string{"INF", "+INF", "-INF", "INFINITY", "+INFINITY", "-INFINITY"} {
		if is(word, name) {
			return true
		}
	}
	return false
}

func (c *call) mget() {
	c.w.Array(len(c.args) - 1)
	for _, key := range c.args[1:] {
		if it := c.s.live(key); it != nil && it.kind == String {
			c.w.Bulk(it.str)
		} else {
			c.w.Null()
		}
	}
}

func (c *call) mset() {
	if c.evenPairs() {
		c.setPairs()
		c.w.OK()
	}
}

func (c *call) msetnx() {
	if !c.evenPairs() {
		return
	}
	for i := 1; i < len(c.args); i += 2 {
		if c.s.live(c.args[i]) != nil {
			c.w.Int(0)
			return
		}
	}
	c.setPairs()
	c.w.Int(1)
}

func (c *call) evenPairs() bool {
	if len(c.args)%2 == 0 {
		c.fail(c.cmd.WrongArity())
		return false
	}
	return true
}

func (c *call) setPairs() {
	for i := 1; i < len(c.args); i += 2 {
		c.store(c.args[i], c.args[i+1], 0, false)
	}
}
