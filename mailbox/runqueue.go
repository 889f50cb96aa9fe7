package mailbox

// keepRing is the capacity that a trimmed runQueue keeps.
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
	return r
}

// large tells that there is something to trim.
func (q *runQueue) large() bool { return len(q.ring) > keepRing }

// trim gives up what a burst left behind, if the queue is empty. It is not done
// at once, since where there was one burst there will be another.
func (q *runQueue) trim() {
	if q.n == 0 && q.large() {
		*q = runQueue{}
	}
}

func (q *runQueue) grow() {
	ring := make([]runner, max(16, 2*len(q.ring)))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}
