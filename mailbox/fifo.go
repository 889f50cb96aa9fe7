package mailbox

import "sync"

const (
	// chunkLen makes a chunk 512 bytes, a size class of the allocator.
	chunkLen = 29
	// longLen makes a long chunk 4 KB, with the header that the allocator adds.
	longLen = 253
	// longFrom is how many messages must wait for the next chunk to be a long one.
	// A long queue does not fit in a core's cache, and memory is fetched ahead only
	// within a chunk.
	longFrom = 4 * chunkLen
)

// chunk is one link of a chain: items[r:w] are queued.
type chunk struct {
	next  *chunk
	r, w  uint16
	told  uint16 // how much of r Box.left knows of
	items []any  // in the same piece of memory
}

type shortChunk struct {
	chunk
	room [chunkLen]any
}

type longChunk struct {
	chunk
	room [longLen]any
}

// pop takes the oldest item; the caller has checked that there is one.
func (k *chunk) pop() any {
	m := k.items[k.r]
	k.items[k.r] = nil
	k.r++
	return m
}

// chunks recycles empty chunks among the mailboxes of one dispatcher.
type chunks struct {
	short, long sync.Pool // of *chunk
	asked       sync.Pool // of *asked
}

func (c *chunks) get() *chunk {
	if k, ok := c.short.Get().(*chunk); ok {
		return k
	}
	k := new(shortChunk)
	k.items = k.room[:]
	return &k.chunk
}

func (c *chunks) getLong() *chunk {
	if k, ok := c.long.Get().(*chunk); ok {
		return k
	}
	k := new(longChunk)
	k.items = k.room[:]
	return &k.chunk
}

// put takes back a chunk whose items have all been popped, hence are nil.
func (c *chunks) put(k *chunk) {
	k.next, k.r, k.w, k.told = nil, 0, 0, 0
	if len(k.items) == chunkLen {
		c.short.Put(k)
	} else {
		c.long.Put(k)
	}
}

// chain is a queue of chunks. tail.next is the head, so that a chain costs one
// pointer, which is nil when the chain is empty. It is not safe for concurrent use.
type chain struct{ tail *chunk }

// push appends m to the n items that there are, or to fewer.
func (q *chain) push(c *chunks, m any, n int32) {
	k := q.tail
	if k == nil || int(k.w) == len(k.items) {
		k = q.extend(c, n > longFrom)
	}
	k.items[k.w] = m
	k.w++
}

func (q *chain) extend(c *chunks, long bool) *chunk {
	var k *chunk
	if long {
		k = c.getLong()
	} else {
		k = c.get()
	}
	if q.tail == nil {
		k.next = k
	} else {
		k.next, q.tail.next = q.tail.next, k
	}
	q.tail = k
	return k
}

// pop takes the oldest item; the caller has checked that there is one.
func (q *chain) pop(c *chunks) any {
	head := q.tail.next
	m := head.pop()
	if head.r < head.w {
		return m
	}
	if head == q.tail {
		q.tail = nil
	} else {
		q.tail.next = head.next
	}
	c.put(head)
	return m
}

// peek is what pop would take.
func (q *chain) peek() any {
	head := q.tail.next
	return head.items[head.r]
}

// take moves everything out, as a list from the oldest chunk to nil.
func (q *chain) take() *chunk {
	if q.tail == nil {
		return nil
	}
	head := q.tail.next
	q.tail.next, q.tail = nil, nil
	return head
}

// fifo is an unbounded queue. The message that finds it empty needs no memory,
// more of them share chunks, and an empty fifo owns none: so an idle actor costs
// nothing here and a burst leaves nothing behind. It is not safe for concurrent use.
type fifo struct {
	first    any // the oldest, if hasFirst
	chain    chain
	n        int32
	hasFirst bool
}

func (q *fifo) push(c *chunks, m any) {
	q.n++
	if q.n == 1 {
		q.first, q.hasFirst = m, true
		return
	}
	q.chain.push(c, m, q.n)
}

// pop takes the oldest message; the caller has checked n.
func (q *fifo) pop(c *chunks) any {
	q.n--
	if !q.hasFirst {
		return q.chain.pop(c)
	}
	m := q.first
	q.first, q.hasFirst = nil, false
	return m
}

// peek is what pop would take.
func (q *fifo) peek() any {
	if q.hasFirst {
		return q.first
	}
	return q.chain.peek()
}
