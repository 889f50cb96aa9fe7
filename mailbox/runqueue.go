package mailbox

// keepRing is the capacity that an empty runQueue keeps; a larger one, left by
// a burst, is given up.
const keepRing = 1024

// runQueue is a ring of scheduled runs. It is not safe for concurrent use.
type runQueue struct {
	ring    []runner // len is a power of two
	head, n int
}

func (q *runQueue) push(r runner) {
	if q.n == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = r
	q.n++
}

func (q *runQueue) pop() runner {
	r := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	if q.n == 0 && len(q.ring) > keepRing {
		*q = runQueue{}
	}
	return r
}

func (q *runQueue) grow() {
	ring := make([]runner, max(16, 2*len(q.ring)))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}
