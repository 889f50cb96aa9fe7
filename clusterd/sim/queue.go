package sim

import (
	"time"

	"github.com/pando-go/pando/clusterd/internal/core"
)

// kind tells what an event does when its time comes.
type kind uint8

const (
	deliver kind = iota + 1 // a packet reaches its node
	failed                  // a sender learns that a packet did not arrive
	wake                    // a node's timer is due
	drained                 // a leaving node's services have handed over
	rejoin                  // a removed node starts again
	action                  // the world changed; never queued, only recorded
)

// String returns the word that transcripts use.
func (k kind) String() string {
	return [...]string{"?", "deliver", "failed", "wake", "drained", "rejoin", "action"}[k]
}

// event is one thing that will happen.
type event struct {
	at     time.Duration // since the start of the world
	seq    uint64        // order of creation: decides between equal times
	kind   kind
	from   int              // deliver: who sent it
	to     int              // node that it happens to
	uid    uint64           // incarnation that it concerns; 0 = whoever runs
	packet *core.Packet     // deliver
	seal   uint64           // deliver: hash of the packet as it was sent; 0 = unknown
	fail   *core.SendFailed // failed
}

func (e *event) before(f *event) bool {
	return e.at < f.at || e.at == f.at && e.seq < f.seq
}

// queue is a binary heap of events, the next one first.
type queue struct{ heap []event }

func (q *queue) len() int { return len(q.heap) }

func (q *queue) push(e event) {
	q.heap = append(q.heap, e)
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.heap[i].before(&q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

func (q *queue) pop() event {
	top, last := q.heap[0], len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{} // lets the packet go
	q.heap = q.heap[:last]
	q.sink()
	return top
}

// sink moves the first event down to its place.
func (q *queue) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if right := child + 1; right < len(q.heap) && q.heap[right].before(&q.heap[child]) {
			child = right
		}
		if !q.heap[child].before(&q.heap[i]) {
			return
		}
		q.heap[i], q.heap[child] = q.heap[child], q.heap[i]
		i = child
	}
}
