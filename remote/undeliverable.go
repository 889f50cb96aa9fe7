package remote

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/wire"
)

// This file is what a userQueue does when its messages cannot go on: the
// connection broke, the other side could not read one of them or wants none,
// its node is gone, or this one stops.

func (q *userQueue) unreachable(err error) { q.refused(err) }

// lost ends the connection. What was not acknowledged is sent again on the next.
func (q *userQueue) lost(err error) {
	q.mu.Lock()
	for q.direct { // it is not for long: such a write does not wait
		q.ended.Wait()
	}
	var bad *batch
	q.flushed = q.sent // what was acknowledged has been written
	q.reap()
	if refusedWith(err, CodeMalformed) && q.sent > 0 {
		bad = q.giveUp() // the one that the other side could not read
	}
	q.conn, q.rest = connState{}, nil
	q.sent, q.flushed = 0, 0
	q.mu.Unlock()
	if bad != nil {
		q.buryBatch(bad, fmt.Errorf("%w: %w", actor.ErrNotPortable, err))
	}
	q.refused(err)
}

// giveUp returns the first frame in flight, whose place an empty one takes: its
// number may be waited for. If it is a part of a transfer, all of it is given
// up. q.mu is held.
func (q *userQueue) giveUp() *batch {
	bad := *q.flight[0]
	if bad.of == nil {
		q.hollow(q.flight[0])
		return &bad
	}
	for _, b := range q.flight {
		if b.of == bad.of {
			q.fragments -= len(b.data)
			q.hollow(b)
		}
	}
	if q.flows.abandon(bad.of) {
		q.free(bad.of.cost)
	}
	q.seq++
	end := wire.Fragment{Seq: q.seq, Transfer: bad.of.id}
	q.flight = append(q.flight, &batch{buf: end.AppendHead(nil), seq: q.seq})
	return &bad
}

// hollow makes an empty batch of a frame in flight. q.mu is held.
func (q *userQueue) hollow(b *batch) {
	q.free(b.cost)
	*b = batch{buf: wire.BeginBatch(nil), seq: b.seq, tries: b.tries}
	wire.EndBatch(b.buf, b.seq)
}

// refused buries what waits when the other side wants none of it.
func (q *userQueue) refused(err error) {
	switch {
	case refusedWith(err, CodeRemoved):
		q.drain(fmt.Errorf("%w: %w", actor.ErrNodeRemoved, err), nil)()
	case refusedWith(err, CodeCluster, CodeVersion, CodeUID, CodeAddress):
		q.drain(err, nil)()
	}
}

// drain takes out all messages; bury makes dead letters of them and must be
// called without a lock. From then on messages are refused with refuse, or
// accepted if that is nil. A connection that must not carry what comes next is
// closed before.
func (q *userQueue) drain(reason, refuse error) (bury func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.direct {
		q.ended.Wait()
	}
	batches := append(q.flight, q.open...)
	batches = append(batches, q.flows.drain()...)
	q.flight, q.open, q.sent, q.flushed, q.fragments = nil, nil, 0, 0, 0
	q.taken, q.marked = q.opened, nil
	q.free(q.bytes)
	q.ack = q.seq // acknowledgements that are still on their way are no fault
	q.refuse = refuse
	q.room.signal()
	return func() {
		var last *transfer // its fragments follow each other, but for batches between
		buried := map[*transfer]bool{}
		for _, b := range batches {
			if last = b.of; last != nil && buried[last] {
				continue
			}
			if last != nil {
				buried[last] = true
			}
			q.buryBatch(b, reason)
		}
	}
}

// refuseAll refuses messages from now on; those that wait stay.
func (q *userQueue) refuseAll(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse = reason
	q.room.signal()
}

// empty reports whether nothing waits to be sent or acknowledged.
func (q *userQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.flight) == 0 && len(q.open) == 0 && len(q.flows.by) == 0
}

// refusedWith reports whether err is a refusal with one of the codes.
func refusedWith(err error, codes ...string) bool {
	var r *RefusedError
	return errors.As(err, &r) && slices.Contains(codes, r.Code)
}
