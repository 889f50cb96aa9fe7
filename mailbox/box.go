package mailbox

import (
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Box is a mailbox of any kind, to be had from a [Producer] or embedded in an
// actor by value. The zero Box is an unbounded one; call Init before anything else.
// It must not be copied once in use. Every method but Init, Start and Close may be
// called from any goroutine.
//
// Its lock covers "is it scheduled?" as well as the queues. Whoever adds the first
// message sees that nobody runs it, and whoever runs it sees that nothing is left,
// under the same lock: a wake-up cannot be lost.
type Box struct {
	// The first cache line is the senders' and the second the runner's, who is in
	// the first only when it has handled all that it took from there. Where both
	// wrote to one line, each message would move it from core to core and back,
	// which takes longer than all the rest that is done for a message.
	mu     sync.Mutex
	user   fifo
	system chain
	wiring *wiring
	state  state
	lane   uint16 // where it ran last; written by the runner

	invoker pa.MessageInvoker
	out     *chunk       // what the runner took; owned by it
	left    atomic.Int32 // of the messages that the runner took, those not handled
	urgent  atomic.Bool  // system is not empty; lets the runner look without the lock
	apart   bool         // out is not to be handled as it comes: suspended or ordered; owned by the runner
}

// alone is a mailbox that is no part of anything else: padded to whole cache lines.
type alone struct {
	Box
	_ [24]byte
}

// state is a set of flags. They are written under Box.mu: while the mailbox is
// scheduled by its runner only, which therefore may read them without.
type state uint8

const (
	started   state = 1 << iota
	scheduled       // it was handed to the dispatcher, or is running
	suspended       // no user messages until resumed
	closed          // no user messages any more
	limited         // wiring.limit is not nil
	ordered         // wiring.order is not nil
)

// is tells whether, of the flags in mask, those in want are set and no others.
func (s state) is(want, mask state) bool { return s&mask == want }

// Init says whom the messages are for and who runs the mailbox. Call it once,
// before any other method. A mailbox on a [Pool] is the cheapest.
func (b *Box) Init(inv pa.MessageInvoker, d pa.Dispatcher) {
	b.invoker = inv
	b.wire(d)
}

// RegisterHandlers is Init under the name that protoactor calls. It calls it after
// the actor can be found by its name, so somebody may be posting already.
func (b *Box) RegisterHandlers(inv pa.MessageInvoker, d pa.Dispatcher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Init(inv, d)
}

// Start lets the mailbox run. What was posted earlier has waited.
func (b *Box) Start() {
	b.mu.Lock()
	b.state |= started
	b.unlock(b.system.tail != nil || b.user.n > 0 && b.state.is(0, suspended))
}

// PostUserMessage queues a message, or the members of a batch. It never blocks.
// What a full or closed mailbox does not take goes to the [Refuser].
func (b *Box) PostUserMessage(msg any) {
	if batch, ok := batchOf(msg); ok {
		b.postBatch(batch)
		return
	}
	b.mu.Lock()
	if b.state&(limited|closed) != 0 {
		b.postStrict(msg)
		return
	}
	b.user.push(b.wiring.chunks, msg)
	if !b.state.is(started, started|scheduled|suspended) {
		b.mu.Unlock()
		return
	}
	b.dispatch()
}

// PostHeld is PostUserMessage for a caller that lends the actor its goroutine: if
// the mailbox is idle, it is not handed to the dispatcher but held, and the caller
// must soon call RunHeld, once. A message that comes to an idle actor is so
// handled without a change of goroutines, which takes longer than a short turn.
func (b *Box) PostHeld(msg any) (held bool) {
	if _, ok := batchOf(msg); ok {
		b.PostUserMessage(msg)
		return false
	}
	b.mu.Lock()
	if b.state&(limited|closed) != 0 {
		b.postStrict(msg)
		return false
	}
	defer b.mu.Unlock()
	b.user.push(b.wiring.chunks, msg)
	if !b.state.is(started, started|scheduled|suspended) {
		return false
	}
	b.state |= scheduled
	return true
}

// RunHeld is the turn of a mailbox that PostHeld has held. What the turn leaves
// goes to the dispatcher. The actor may block in it, or end the goroutine.
func (b *Box) RunHeld() { b.run(nil) }

// PostFrom is PostUserMessage of an envelope with msg and from, who waits for an
// answer, but allocates none if the actor is an [Answerer]. msg must be neither a
// batch nor an envelope.
func (b *Box) PostFrom(msg any, from *pa.PID) {
	b.PostUserMessage(b.wiring.chunks.ask(msg, from))
}

// PostSystemMessage queues a message ahead of all user messages. No limit holds it
// up, and it is delivered even when the mailbox is closed.
func (b *Box) PostSystemMessage(msg any) {
	b.mu.Lock()
	b.system.push(b.wiring.chunks, msg, 0)
	b.urgent.Store(true)
	b.unlock(true)
}

// UserMessageCount is the number of user messages that wait. Of a mailbox that is
// running just now it may tell up to 28 too many, or 252 where more than 100 waited.
func (b *Box) UserMessageCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(b.user.n + b.left.Load())
}

// Close ends the mailbox: from now on user messages are refused with ErrClosed,
// and whoever waits for room is told so. What is left goes to each, oldest first
// (by priority, if the mailbox has one). System messages are still delivered. Only
// the actor itself may call it, while it handles a message.
func (b *Box) Close(each func(msg any)) {
	b.mu.Lock()
	b.state |= closed
	rest := b.user
	b.user = fifo{}
	waiting := b.wiring.limit.abandon()
	b.mu.Unlock()
	for _, w := range waiting {
		w.done <- ErrClosed
	}
	b.drain(&rest, each)
}

// Acquire makes the caller the mailbox's runner in place of the dispatcher, if
// nobody is and nothing waits, and tells whether it has. Until it calls Release,
// what is posted waits, and the actor is the caller's alone, so it must do nothing
// that blocks. So an idle actor can be seen to without a change of goroutines. A
// mailbox that is bounded or has an order is never acquired.
func (b *Box) Acquire() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != started || b.user.n > 0 || b.system.tail != nil {
		return false
	}
	b.state |= scheduled
	return true
}

// Release is for who has acquired the mailbox: it is the dispatcher's again.
func (b *Box) Release() {
	b.mu.Lock()
	b.state &^= scheduled
	b.unlock(b.system.tail != nil || b.user.n > 0)
}

// drain hands out what the runner took and then rest, in order.
func (b *Box) drain(rest *fifo, each func(any)) {
	o := b.wiring.order
	hand := func(msg any) {
		if o == nil || !tryAdd(o, msg) {
			each(whole(msg))
		}
	}
	for b.out != nil {
		hand(b.popOut())
	}
	for rest.n > 0 {
		hand(rest.pop(b.wiring.chunks))
	}
	for o != nil && o.len() > 0 {
		each(whole(o.next()))
	}
	b.left.Store(0)
}

// unlock leaves mu and hands the mailbox to the dispatcher if there is work,
// nobody has it yet and it has been started.
func (b *Box) unlock(work bool) {
	if !work || !b.state.is(started, started|scheduled) {
		b.mu.Unlock()
		return
	}
	b.dispatch()
}

// dispatch leaves mu and hands the mailbox to the dispatcher.
func (b *Box) dispatch() {
	b.state |= scheduled
	b.mu.Unlock()
	b.wiring.to.schedule(b, b.lane, false)
}
