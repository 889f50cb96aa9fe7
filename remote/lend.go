package remote

import (
	"math"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

// A message that comes alone to an idle actor could wake a worker for it. On the
// way of a question and its answer, waking goroutines takes longer than all the
// rest. So the reader of the connection runs the actor's turn itself, between two
// frames, and the answer leaves from there.
//
// The price would be that an actor which blocks keeps all that comes behind from
// being read. Therefore the reader's role can be taken from it: a turn that lasts
// is found by a timer, another goroutine goes on reading, and the one that is
// stuck has nothing more to do with the connection. And an actor whose turns are
// long is lent nothing for some time, twice as long each time.

const (
	// stuckAfter is how long a turn lasts, at least, before another goroutine
	// reads; at most twice as long.
	stuckAfter = time.Millisecond
	// longTurn is when a turn was not worth keeping others waiting for it.
	longTurn = 100 * time.Microsecond
	// maxGrant bounds how many messages an actor with long turns is not lent the
	// reader for.
	maxGrant   = 4096
	maxStrikes = 16
)

// lender is an inlet of an actor that can be lent a goroutine.
type lender interface {
	inlet
	Lend(from *pa.PID, header map[string]string, msg any) actor.Turn
}

// receiver is an inlet and what is known of the actor's turns.
type receiver struct {
	inlet
	lender lender // nil: none
	skip   int    // so many messages go to the dispatcher
	grant  int    // what skip was last

	strikes int // four for each long turn, less one for each other
}

func newReceiver(in inlet) *receiver {
	l, _ := in.(lender)
	return &receiver{inlet: in, lender: l}
}

// lendable reports whether the next message may be given the reader.
func (r *receiver) lendable() bool {
	if r.skip > 0 {
		r.skip--
		return false
	}
	return r.lender != nil
}

// judge draws the lesson from a turn. One in five may be long: a turn is measured
// with what else the machine did meanwhile.
func (r *receiver) judge(took time.Duration) {
	if took < longTurn {
		if r.strikes = max(0, r.strikes-1); r.strikes == 0 {
			r.grant = 0
		}
		return
	}
	if r.strikes += 4; r.strikes > maxStrikes {
		r.strikes = maxStrikes
		r.grant = min(max(16, 2*r.grant), maxGrant)
		r.skip = r.grant
	}
}

// turns is the reader's place: odd while it runs a turn. Whoever counts it on from
// there, the reader at the end of the turn or the watch before, is the reader from
// then on.
type turns struct {
	n     atomic.Uint64
	armed atomic.Bool // the watch will look
	watch *time.Timer
	seen  uint64 // of n; the watch's
	next  actor.Turn
	whose *receiver
}

// runTurn runs the turn that is due, if there is one; false means that another
// goroutine has become the reader meanwhile.
func (c *inbound) runTurn() bool {
	t := &c.turns
	if t.next.IsZero() {
		return true
	}
	turn, start := t.next, time.Now()
	t.next = actor.Turn{}
	n := t.n.Add(1)
	if !t.armed.Swap(true) {
		c.watchTurns()
	}
	returned := false
	defer func() {
		if !returned && t.n.CompareAndSwap(n, n+1) { // the actor ended the goroutine
			go c.serve()
		}
	}()
	turn.Run()
	returned = true
	if !t.n.CompareAndSwap(n, n+1) {
		return false
	}
	t.whose.judge(time.Since(start))
	return true
}

// watchTurns starts the watch. The timer is kept before it is set: a reader that
// the machine does not let go on in between would find that the watch has looked.
func (c *inbound) watchTurns() {
	t := &c.turns
	if t.watch == nil {
		t.watch = time.AfterFunc(math.MaxInt64, c.lookAtTurn)
	}
	t.watch.Reset(stuckAfter)
}

// lookAtTurn takes the reader's role from a turn that it has seen before.
func (c *inbound) lookAtTurn() {
	t := &c.turns
	n := t.n.Load()
	rest := n == t.seen
	if rest && n%2 == 1 && t.n.CompareAndSwap(n, n+1) {
		t.whose.strikes = maxStrikes
		t.whose.judge(stuckAfter)
		go c.serve() // in the place of the goroutine that is stuck
	}
	t.seen = n
	if rest {
		t.armed.Store(false)
		if t.n.Load() == n || t.armed.Swap(true) {
			return
		}
	}
	t.watch.Reset(stuckAfter)
}
