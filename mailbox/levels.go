package mailbox

// levels is an order of a few ranks, each a queue.
type levels struct {
	wiring *wiring // for its chunks, which are known at Init
	rank   func(msg any) int
	queues []fifo
	n      int
}

func (o *levels) add(m letter) {
	l := min(max(0, o.rank(bare(m.msg))), len(o.queues)-1)
	o.queues[l].push(o.wiring.chunks, m)
	o.n++
}

func (o *levels) next() letter {
	o.n--
	for i := range o.queues {
		if q := &o.queues[i]; q.n > 0 {
			return q.pop(o.wiring.chunks)
		}
	}
	panic("mailbox: levels.next without a message")
}

func (o *levels) len() int { return o.n }
