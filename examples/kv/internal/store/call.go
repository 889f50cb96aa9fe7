package store

import (
	"fmt"
	"strings"

	"github.com/pando-go/pando/examples/kv/internal/resp"
)

// Errors as clients know them.
const (
	errWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errSyntax    = "ERR syntax error"
	errInteger   = "ERR value is not an integer or out of range"
	errFloat     = "ERR value is not a valid float"
	errOverflow  = "ERR increment or decrement would overflow"
	errNaN       = "ERR increment would produce NaN or Infinity"
	errPositive  = "ERR value is out of range, must be positive"
	errNoKey     = "ERR no such key"
	errIndex     = "ERR index out of range"
	errOffset    = "ERR offset is out of range"
	errTooLong   = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errCursor    = "ERR invalid cursor"
)

// Unknown is the error for a command that does not exist.
func Unknown(args [][]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ERR unknown command '%.128s', with args beginning with: ", args[0])
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		fmt.Fprintf(&b, "'%.*s' ", 128, a)
	}
	return b.String()
}

// call is one command on its way.
type call struct {
	s      *Store
	w      *resp.Writer
	args   [][]byte
	cmd    *Command
	change [][]byte // what to repeat elsewhere in place of args
}

// fail writes an error.
func (c *call) fail(text string) { c.w.Error(text) }

// typed returns the item at key if it is of a kind. ok is false when an error
// was written; a missing key is nil and ok.
func (c *call) typed(key []byte, k Kind) (it *item, ok bool) {
	it = c.s.live(key)
	if it != nil && it.kind != k {
		c.fail(errWrongType)
		return nil, false
	}
	return it, true
}

// make is typed, and makes what is missing. The caller puts something into it.
func (c *call) make(key []byte, k Kind) (it *item, ok bool) {
	it, ok = c.typed(key, k)
	if it != nil || !ok {
		return it, ok
	}
	it = &item{key: string(key), kind: k}
	switch k {
	case Hash:
		it.hash = new(dict[[]byte])
	case List:
		it.list = new(deque)
	case Set:
		it.set = new(dict[struct{}])
	}
	c.s.put(it)
	return it, true
}

// int reads a word as a number, or writes an error.
func (c *call) int(word []byte) (int64, bool) {
	n, ok := parseInt(word)
	if !ok {
		c.fail(errInteger)
	}
	return n, ok
}

// is compares a word with an option's name in capitals.
func is(word []byte, option string) bool {
	if len(word) != len(option) {
		return false
	}
	for i, b := range word {
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		if b != option[i] {
			return false
		}
	}
	return true
}

// bulkOrNull writes b, or a null for nil.
func (c *call) bulkOrNull(b []byte, there bool) {
	if !there {
		c.w.Null()
		return
	}
	c.w.Bulk(b)
}

// window turns the first and the last index of a range, which count from the end
// if they are negative, into i <= x < j of n elements; i == j if none is in it.
func window(first, last int64, n int) (i, j int) {
	size := int64(n)
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		last += size
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last) + 1
}
