package mailbox

import "sync"

// chunkLen makes a chunk 512 bytes, a size class of the allocator.
const chunkLen = 31

// chunk is one link of a fifo: items[r:w] are queued.
type chunk struct {
	next  *chunk
	r, w  int32
	items [chunkLen]any
}

// chunks recycles empty chunks among the mailboxes of one Producer.
type chunks struct{ pool sync.Pool }

func (c *chunks) get() *chunk {
	if k, ok := c.pool.Get().(*chunk); ok {
		return k
	}
	return new(chunk)
}

// put takes back a chunk whose items have all been popped, hence are nil.
func (c *chunks) put(k *chunk) {
	k.next, k.r, k.w = nil, 0, 0
	c.pool.Put(k)
}

// fifo is an unbounded queue. The message that finds it empty needs no memory,
// more of them share chunks, and an empty fifo owns none: so an idle actor costs
// nothing here and a burst leaves nothing behind. It is not safe for concurrent use.
type fifo struct {
	first      any
	hasFirst   bool
	head, tail *chunk
	n          int
}

func (q *fifo) push(c *chunks, m any) {
	q.n++
	if q.n == 1 {
		q.first, q.hasFirst = m, true
		return
	}
	if q.tail == nil {
		q.tail = c.get()
		q.head = q.tail
	} else if q.tail.w == chunkLen {
		q.tail.next = c.get()
		q.tail = q.tail.next
	}
	q.tail.items[q.tail.w] = m
	q.tail.w++
}

// pop takes the oldest message; the caller has checked n.
func (q *fifo) pop(c *chunks) any {
	q.n--
	if q.hasFirst {
		m := q.first
		q.first, q.hasFirst = nil, false
		return m
	}
	k := q.head
	m := k.items[k.r]
	k.items[k.r] = nil
	k.r++
	if k.r == k.w {
		q.drop(c)
	}
	return m
}

// drop gives up the head chunk, all of whose items have been popped.
func (q *fifo) drop(c *chunks) {
	k := q.head
	q.head = k.next
	if q.head == nil {
		q.tail = nil
	}
	c.put(k)
}

// take moves everything out.
func (q *fifo) take() fifo {
	all := *q
	*q = fifo{}
	return all
}
