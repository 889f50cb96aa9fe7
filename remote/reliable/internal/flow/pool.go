package flow

import (
	"cmp"
	"slices"
	"time"
)

// Pool hands one backlog to many consumers, its workers. A message goes to one that
// has asked for more than it has, the next in turn; what a removed worker had not
// confirmed goes to the others, before everything younger. Each worker has a stream
// of its own, so the numbers that it sees have no gaps.
type Pool struct {
	id       string
	epoch    uint64
	timing   Timing
	streams  uint64  // of the last worker
	lanes    []*lane // in the order of joining
	turn     int     // index of who is next
	backlog  []entry // oldest first, waiting for a worker
	next     uint64  // number of the next message
	done     uint64  // all up to it are confirmed
	later    map[uint64]struct{}
	finished int // confirmed since the last Ready
}

// entry is a message with its number in the pool.
type entry struct {
	seq     uint64
	payload []byte
}

// lane is one worker.
type lane struct {
	key  string
	p    *Producer
	seqs []uint64 // the pool's numbers of what p has unconfirmed
}

// Delivery is a letter and the worker that it is for.
type Delivery struct {
	Worker string
	Letter Letter
}

// NewPool returns a pool without workers, whose first message gets the number base.
// Streams are numbered from epoch on, which grows with each incarnation.
func NewPool(id string, epoch, base uint64, t Timing) *Pool {
	return &Pool{id: id, epoch: epoch, streams: epoch, timing: t, next: base, done: base - 1, later: make(map[uint64]struct{})}
}

// Done is the highest number up to which all are confirmed.
func (p *Pool) Done() uint64 { return p.done }

// Next is the number of the next message.
func (p *Pool) Next() uint64 { return p.next }

// Workers is how many there are.
func (p *Pool) Workers() int { return len(p.lanes) }

// Offer takes a message and returns its number. The caller bounds how many are
// unconfirmed.
func (p *Pool) Offer(now time.Time, payload []byte) uint64 {
	p.backlog = append(p.backlog, entry{p.next, payload})
	p.next++
	p.assign(now)
	return p.next - 1
}

// Add takes a worker in, and reports false for one that is in already.
func (p *Pool) Add(now time.Time, worker string) bool {
	if p.find(worker) >= 0 {
		return false
	}
	p.streams++
	p.lanes = append(p.lanes, &lane{key: worker, p: NewProducer(p.id, p.streams, p.epoch, 1, p.timing)})
	p.assign(now)
	return true
}

// Remove takes a worker out. What it had not confirmed it may have done
// nevertheless, and another will do it again.
func (p *Pool) Remove(now time.Time, worker string) {
	i := p.find(worker)
	if i < 0 {
		return
	}
	l := p.lanes[i]
	p.lanes = slices.Delete(p.lanes, i, i+1)
	back := make([]entry, len(l.seqs))
	for i, seq := range l.seqs {
		back[i] = entry{seq, l.p.Unconfirmed()[i]}
	}
	p.backlog = append(back, p.backlog...)
	slices.SortFunc(p.backlog, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	p.assign(now)
}

func (p *Pool) find(worker string) int {
	return slices.IndexFunc(p.lanes, func(l *lane) bool { return l.key == worker })
}

// assign hands out what there is demand for.
func (p *Pool) assign(now time.Time) {
	for len(p.backlog) > 0 {
		l := p.willing()
		if l == nil {
			return
		}
		e := p.backlog[0]
		p.backlog[0] = entry{}
		p.backlog = p.backlog[1:]
		l.seqs = append(l.seqs, e.seq)
		l.p.Offer(now, e.payload)
	}
}

// willing is the next worker in turn that has demand, nil if none has.
func (p *Pool) willing() *lane {
	for range p.lanes {
		l := p.lanes[p.turn%len(p.lanes)]
		p.turn++
		if l.p.Demand() > 0 {
			return l
		}
	}
	return nil
}

// Ack takes what a worker says; see [Producer.Ack].
func (p *Pool) Ack(now time.Time, a Ack) error {
	i := slices.IndexFunc(p.lanes, func(l *lane) bool { return l.p.Stream() == a.Stream })
	if i < 0 {
		return ErrStale // of a worker that was removed
	}
	l := p.lanes[i]
	base := l.p.Base()
	if err := l.p.Ack(now, a); err != nil {
		return err
	}
	n := l.p.Base() - base
	for _, seq := range l.seqs[:n] {
		p.finish(seq)
	}
	l.seqs = l.seqs[n:]
	p.assign(now)
	return nil
}

// finish counts a message as confirmed.
func (p *Pool) finish(seq uint64) {
	p.finished++
	p.later[seq] = struct{}{}
	for {
		if _, ok := p.later[p.done+1]; !ok {
			return
		}
		p.done++
		delete(p.later, p.done)
	}
}

// Tick tells that time has passed.
func (p *Pool) Tick(now time.Time) {
	for _, l := range p.lanes {
		l.p.Tick(now)
	}
}

// Ready hands over the letters to send, how many messages were confirmed since the
// last call, and when Tick is due; zero is never.
func (p *Pool) Ready() (out []Delivery, confirmed int, wake time.Time) {
	for _, l := range p.lanes {
		letters, w := l.p.Ready()
		for _, letter := range letters {
			out = append(out, Delivery{l.key, letter})
		}
		if wake.IsZero() || !w.IsZero() && w.Before(wake) {
			wake = w
		}
	}
	confirmed, p.finished = p.finished, 0
	return out, confirmed, wake
}
