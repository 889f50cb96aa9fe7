package sim

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// kind tells what an event does when its time comes.
type kind uint8

const (
	deliver  kind = iota + 1 // a packet reaches its node
	failed                   // a sender learns that a packet did not arrive
	wake                     // a node's timer is due
	drained                  // a leaving node's services have handed over
	rejoin                   // a removed node starts again
	closing                  // the whole cluster stops, and this node leaves it
	claims                   // a claim reaches the lease outside the cluster
	answered                 // and is answered
	action                   // the world changed; never queued, only recorded
)

// String returns the word that transcripts use.
func (k kind) String() string {
	return [...]string{"?", "deliver", "failed", "wake", "drained", "rejoin", "closing", "claims", "answered", "action"}[k]
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
	claim  *engine.Claim    // claims
	answer core.Input       // answered
}

// queue holds the events to come, the next one first: a binary heap of small
// keys without pointers, which are what a heap moves about, and beside it the
// events themselves, which stay where they are.
type queue struct {
	heap   []key
	events []event
	free   []int32 // places in events that are empty
}

// key orders one event.
type key struct {
	at    time.Duration
	seq   uint64
	place int32 // in events
}

func (k *key) before(l *key) bool { return k.at < l.at || k.at == l.at && k.seq < l.seq }

func (q *queue) len() int { return len(q.heap) }

// next tells when the next event comes; there must be one.
func (q *queue) next() time.Duration { return q.heap[0].at }

func (q *queue) push(e event) {
	q.heap = append(q.heap, key{at: e.at, seq: e.seq, place: q.keep(e)})
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.heap[i].before(&q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

// keep puts an event into an empty place.
func (q *queue) keep(e event) int32 {
	last := len(q.free) - 1
	if last < 0 {
		q.events = append(q.events, e)
		return int32(len(q.events) - 1)
	}
	place := q.free[last]
	q.free = q.free[:last]
	q.events[place] = e
	return place
}

func (q *queue) pop() event {
	place, last := q.heap[0].place, len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	q.sink()
	e := q.events[place]
	q.events[place] = event{} // lets the packet go
	q.free = append(q.free, place)
	return e
}

// sink moves the first key down to its place.
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
