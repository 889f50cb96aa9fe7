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

// event is one thing that will happen. It has the size of a cache line: nearly
// all are packets and timers.
type event struct {
	at     time.Duration // since the start of the world
	seq    uint64        // order of creation: decides between equal times
	kind   kind
	from   int          // deliver: who sent it
	to     int          // node that it happens to
	uid    uint64       // incarnation that it concerns; 0 = whoever runs
	packet *core.Packet // deliver
	extra  *extra       // what few events have; nil = nothing of it
}

// extra is what an event has beside that.
type extra struct {
	seal   uint64           // deliver: hash of the packet as it was sent, with Config.Sealed
	fail   *core.SendFailed // failed
	claim  *engine.Claim    // claims
	answer core.Input       // answered
}

// queue holds the events to come, the next one first: a heap of small keys
// without pointers, which are what a heap moves about, and beside it the events
// themselves, which stay where they are. Each key has four below it: half as many
// levels as with two, and the four lie side by side (LaMarca and Ladner, The
// influence of caches on the performance of heaps, 1996).
type queue struct {
	heap   []key
	events []event
	free   []int32 // places in events that are empty
}

// branches is how many keys lie below one.
const branches = 4

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
		parent := (i - 1) / branches
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
		first := branches*i + 1
		if first >= len(q.heap) {
			return
		}
		least := first
		for child := first + 1; child < min(first+branches, len(q.heap)); child++ {
			if q.heap[child].before(&q.heap[least]) {
				least = child
			}
		}
		if !q.heap[least].before(&q.heap[i]) {
			return
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
