package reliable

import (
	"fmt"
	"sync"
	"time"
)

// Queue keeps the unconfirmed messages of one producer, so that the next incarnation
// of the producer goes on where the last one stopped. Package queuetest tests one.
//
// One producer calls it, one call at a time, on its actor's goroutine: calls may
// take as long as a disk does. Bytes belong to the queue once they are passed in;
// those that Open returns must not be changed by either side.
type Queue interface {
	// Open begins an incarnation. Each call must return the Stream of the first,
	// an Epoch higher than the one before, and what was appended and not
	// confirmed.
	Open() (State, error)
	// Append stores a message before it is sent for the first time. Numbers come
	// in order and without gaps. An error is that of Send: the message is not sent.
	Append(seq uint64, message []byte) error
	// Confirm tells that all messages up to seq are confirmed and need not be
	// kept. After an error the producer tries again with the next confirmation;
	// until then the messages may be delivered once more after a restart.
	Confirm(seq uint64) error
}

// State is what a [Queue] holds.
type State struct {
	// Stream names the sequence of numbers. It is drawn when the queue is made and
	// must be higher than that of any queue that the producer's id had before: the
	// time is good for that, see [NewStream].
	Stream uint64
	// Epoch is how often the queue was opened.
	Epoch uint64
	// Confirmed is the number up to which all are confirmed.
	Confirmed uint64
	// Unconfirmed are the messages after that, in order.
	Unconfirmed [][]byte
}

// NewStream draws the Stream of a new [Queue], from the clock.
func NewStream() uint64 { return uint64(time.Now().UnixNano()) }

// MemoryQueue is a [Queue] in memory. It outlives a producer, not its process.
type MemoryQueue struct {
	mu    sync.Mutex
	state State
}

// NewMemoryQueue returns an empty queue.
func NewMemoryQueue() *MemoryQueue {
	return &MemoryQueue{state: State{Stream: NewStream()}}
}

// Open begins an incarnation.
func (q *MemoryQueue) Open() (State, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.state.Epoch++
	s := q.state
	s.Unconfirmed = append([][]byte(nil), s.Unconfirmed...)
	return s, nil
}

// Append keeps a message. Its error is a number out of order.
func (q *MemoryQueue) Append(seq uint64, message []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if want := q.state.Confirmed + uint64(len(q.state.Unconfirmed)) + 1; seq != want {
		return fmt.Errorf("reliable: message %d appended, next is %d", seq, want)
	}
	q.state.Unconfirmed = append(q.state.Unconfirmed, message)
	return nil
}

// Confirm forgets all messages up to seq. Its error is a number not appended.
func (q *MemoryQueue) Confirm(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if seq <= q.state.Confirmed {
		return nil
	}
	n := seq - q.state.Confirmed
	if n > uint64(len(q.state.Unconfirmed)) {
		return fmt.Errorf("reliable: message %d confirmed, which was not appended", seq)
	}
	clear(q.state.Unconfirmed[:n])
	q.state.Unconfirmed, q.state.Confirmed = q.state.Unconfirmed[n:], seq
	return nil
}
