package mailbox

import (
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// chunkLen makes a chunk 1024 bytes, a size class of the allocator.
const chunkLen = 42

// letter is a message in a queue, and who waits for an answer, nil if nobody does
// or the message says so itself.
type letter struct {
	msg  any
	from *pa.PID
}

// chunk is one link of a chain: items[r:w] are queued.
type chunk struct {
	next  *chunk
	r, w  uint8
	told  uint8 // how much of r Box.left knows of
	items [chunkLen]letter
}

// pop takes the oldest item; the caller has checked that there is one.
func (k *chunk) pop() letter {
	m := k.items[k.r]
	k.items[k.r] = letter{}
	k.r++
	return m
}

// chunks recycles empty chunks among the mailboxes of one dispatcher.
type chunks struct{ pool sync.Pool }

func (c *chunks) get() *chunk {
	if k, ok := c.pool.Get().(*chunk); ok {
		return k
	}
	return new(chunk)
}

// put takes back a chunk whose items have all been popped, hence are zero.
func (c *chunks) put(k *chunk) {
	k.next, k.r, k.w, k.told = nil, 0, 0, 0
	c.pool.Put(k)
}

// chain is a queue of chunks. tail.next is the head, so that a chain costs one
// pointer, which is nil when the chain is empty. It is not safe for concurrent use.
type chain struct{ tail *chunk }

func (q *chain) push(c *chunks, m letter) {
	k := q.tail
	if k == nil || k.w == chunkLen {
		k = q.extend(c)
	}
	k.items[k.w] = m
	k.w++
}

func (q *chain) extend(c *chunks) *chunk {
	k := c.get()
	if q.tail == nil {
		k.next = k
	} else {
		k.next, q.tail.next = q.tail.next, k
	}
	q.tail = k
	return k
}

// pop takes the oldest item; the caller has checked that there is one.
func (q *chain) pop(c *chunks) letter {
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
func (q *chain) peek() letter {
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
	first    letter // the oldest, if hasFirst
	chain    chain
	n        int32
	hasFirst bool
}

func (q *fifo) push(c *chunks, m letter) {
	q.n++
	if q.n == 1 {
		q.first, q.hasFirst = m, true
		return
	}
	q.chain.push(c, m)
}

// pop takes the oldest message; the caller has checked n.
func (q *fifo) pop(c *chunks) letter {
	q.n--
	if !q.hasFirst {
		return q.chain.pop(c)
	}
	m := q.first
	q.first, q.hasFirst = letter{}, false
	return m
}

// peek is what pop would take.
func (q *fifo) peek() letter {
	if q.hasFirst {
		return q.first
	}
	return q.chain.peek()
}
