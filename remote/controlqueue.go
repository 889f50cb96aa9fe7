package remote

import (
	"fmt"
	"net"
	"sync"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// maxUnacked is how many control messages may be written and unacknowledged.
const maxUnacked = 4096

// post is a control message or a spawn request: one frame.
type post struct {
	uid    uint64 // the incarnation that it is for; 0 = whoever answers
	frame  []byte
	failed func(err error)
	call   uint64 // of a spawn request: its number
}

// rejection is a post whose failure is to be told.
type rejection struct {
	post *post
	err  error
}

// call is a spawn request that waits for its answer.
type call struct {
	done chan spawnResult // holds one
	sent bool
}

type spawnResult struct {
	answer  *remotepb.Spawned
	address string // of the node that answered
	err     error
}

// controlQueue holds what goes through the control lane of one peer: posts,
// which fail when there is no connection, and system messages, which wait for
// one. Failures are told on the lane's goroutine.
type controlQueue struct {
	l        *lane
	maxPosts int
	maxBytes int

	mu        sync.Mutex
	closed    bool
	forgotten bool
	posts     []*post // not written yet
	bytes     int     // of these
	sent      []*post // written on the connection, not acknowledged
	handed    uint64  // posts written on the connection
	acks      uint64  // of them acknowledged
	progress  uint64
	uid       uint64 // of the connection; 0: there is none
	rejects   []rejection
	calls     map[uint64]*call
	lastCall  uint64
	system    systemLog
	idle      bool
	urgent    bool // acknowledgements are asked for: the node closes
	asked     bool // for those of all that is written
}

func newControlQueue(l *lane, posts, bytes int) *controlQueue {
	return &controlQueue{l: l, maxPosts: posts, maxBytes: bytes, idle: true}
}

// push appends a post. One that finds no room fails. It is false, and nothing
// was done, if the peer was forgotten.
func (q *controlQueue) push(p *post) bool {
	q.mu.Lock()
	switch {
	case q.forgotten:
		q.mu.Unlock()
		return false
	case q.closed:
		q.mu.Unlock()
		q.l.p.r.count.controlDropped.Add(1)
		return true
	case len(q.posts) >= q.maxPosts || len(q.posts) > 0 && q.bytes+len(p.frame) > q.maxBytes:
		q.reject(p, ErrQueueFull)
	default:
		q.posts = append(q.posts, p)
		q.bytes += len(p.frame)
		q.l.stats.sent.Add(1)
	}
	q.unlockAndWake()
	return true
}

// fail tells the failure of a post that was not queued.
func (q *controlQueue) fail(p *post, err error) {
	q.mu.Lock()
	q.reject(p, err)
	q.unlockAndWake()
}

// pushSystem appends a system message. It is false when too many wait.
func (q *controlQueue) pushSystem(m systemMessage) bool {
	q.mu.Lock()
	ok := !q.closed && q.system.put(m)
	q.l.stats.sent.Add(1)
	q.unlockAndWake()
	return ok
}

func (q *controlQueue) unlockAndWake() {
	wake := q.idle && !q.closed
	q.idle = false
	q.mu.Unlock()
	if wake {
		q.l.wake()
	}
}

// reject notes a failure. The list has the limit of the posts, and beyond
// that, failures are only counted. q.mu is held.
func (q *controlQueue) reject(p *post, err error) {
	if p.call == 0 && len(q.rejects) >= q.maxPosts+maxUnacked {
		q.l.p.r.count.controlDropped.Add(1)
		return
	}
	q.rejects = append(q.rejects, rejection{p, err})
}

func (q *controlQueue) settle() {
	q.mu.Lock()
	rejects := q.rejects
	q.rejects = nil
	q.mu.Unlock()
	for _, r := range rejects {
		q.l.p.r.count.controlFailed.Add(1)
		r.post.failed(r.err)
	}
}

func (q *controlQueue) park() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.idle = len(q.rejects) == 0 && !q.sendable()
	return q.idle
}

func (q *controlQueue) sendable() bool {
	return q.urgent && !q.asked && len(q.sent) > 0 || len(q.posts) > 0 && len(q.sent) < maxUnacked || q.system.sendable()
}

// hasten asks for acknowledgements, now and of all that comes: these are slow
// otherwise, see [acknowledger].
func (q *controlQueue) hasten() {
	q.mu.Lock()
	q.urgent = true
	if len(q.sent) == 0 {
		q.mu.Unlock()
		return
	}
	q.unlockAndWake()
}

// hurry reports whether posts wait. If none do, the next one wakes the lane.
func (q *controlQueue) hurry() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.idle = len(q.posts) == 0 && len(q.rejects) == 0
	return len(q.posts) > 0
}

func (q *controlQueue) begin(c *outbound) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := c.welcome
	q.uid, q.handed, q.acks, q.asked = w.Uid, 0, 0, false
	q.system.resume(w.Received)
}

func (q *controlQueue) next(b net.Buffers) net.Buffers {
	q.mu.Lock()
	defer q.mu.Unlock()
	b = q.system.next(b)
	n := 0
	for n < len(q.posts) && len(q.sent) < maxUnacked {
		p := q.posts[n]
		n++
		q.bytes -= len(p.frame)
		if p.uid != 0 && p.uid != q.uid {
			q.reject(p, &IncarnationError{Address: q.l.p.address, Want: p.uid, Got: q.uid})
			continue
		}
		if c := q.calls[p.call]; c != nil {
			c.sent = true
		}
		q.sent = append(q.sent, p)
		q.handed++
		q.asked = false
		b = append(b, p.frame)
	}
	if q.urgent && !q.asked && len(q.sent) > 0 {
		q.asked = true
		b = append(b, wire.Ack{}.Append(nil))
	}
	m := copy(q.posts, q.posts[n:])
	clear(q.posts[m:])
	q.posts = q.posts[:m]
	return b
}

func (q *controlQueue) written() {}

func (q *controlQueue) acked(a wire.Ack) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if a.Control > q.handed || a.Control < q.acks {
		return wire.Malformed("ack of control message %d of %d", a.Control, q.handed)
	}
	n := int(a.Control - q.acks)
	m := copy(q.sent, q.sent[n:])
	clear(q.sent[m:])
	q.sent, q.acks = q.sent[:m], a.Control
	q.progress++
	return q.system.acked(a.System)
}

func (q *controlQueue) waiting() (mark uint64, unacked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.progress, len(q.sent) > 0 || q.system.unacked()
}

// needed reports whether a spawn request waits for its answer, which comes on
// the same connection.
func (q *controlQueue) needed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls) > 0
}

// retire ends the use of the connection, if nothing needs it. A push that comes
// now waits for the next.
func (q *controlQueue) retire() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.sent) == 0 && len(q.calls) == 0 && !q.sendable() && !q.system.unacked()
}

// lost fails what was written and not acknowledged. What was not written waits
// for the next connection.
func (q *controlQueue) lost(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.sent {
		q.reject(p, err)
	}
	q.sent, q.uid = nil, 0
	for id, c := range q.calls {
		if c.sent {
			c.done <- spawnResult{err: fmt.Errorf("%w: the actor may have been started", ErrLost)}
			delete(q.calls, id)
		}
	}
	q.system.lost()
}

func (q *controlQueue) unreachable(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failAll(err)
}

// failAll fails what waits to be written. q.mu is held.
func (q *controlQueue) failAll(err error) {
	for _, p := range q.posts {
		q.reject(p, err)
	}
	q.posts, q.bytes = nil, 0
}

// close refuses everything from now on and ends the calls that wait.
func (q *controlQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.failAll(ErrClosed)
	for id, c := range q.calls {
		c.done <- spawnResult{err: ErrClosed}
		delete(q.calls, id)
	}
}

// reset forgets the system messages: they were for an incarnation that is gone.
func (q *controlQueue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.system.clear()
}

// empty reports whether nothing waits to be sent or acknowledged.
func (q *controlQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.posts) == 0 && len(q.sent) == 0 && len(q.rejects) == 0 && q.system.empty()
}

// forget refuses everything from now on, if nothing is here.
func (q *controlQueue) forget() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.posts) > 0 || len(q.sent) > 0 || len(q.rejects) > 0 || len(q.calls) > 0 || !q.system.empty() {
		return false
	}
	q.forgotten = true
	return true
}

// newCall registers a spawn request.
func (q *controlQueue) newCall() (uint64, chan spawnResult) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lastCall++
	if q.calls == nil {
		q.calls = make(map[uint64]*call)
	}
	c := &call{done: make(chan spawnResult, 1)}
	q.calls[q.lastCall] = c
	return q.lastCall, c.done
}

// endCall completes a spawn request, or forgets it if the result is nil.
func (q *controlQueue) endCall(id uint64, result *spawnResult) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.calls[id]
	delete(q.calls, id)
	if c != nil && result != nil {
		c.done <- *result
	}
}

func (q *controlQueue) spawned(a *remotepb.Spawned, w *remotepb.Welcome) {
	q.endCall(a.Id, &spawnResult{answer: a, address: w.Address})
}
