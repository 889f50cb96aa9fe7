package mailbox

import (
	"errors"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Producer makes one mailbox for one actor.
type Producer = pa.MailboxProducer

// errGoexit is the failure of an actor that called runtime.Goexit, as a test's
// FailNow does.
var errGoexit = errors.New("mailbox: the actor called runtime.Goexit")

// Unbounded makes FIFO mailboxes without a limit. An idle one owns no buffer.
func Unbounded() Producer {
	c := new(chunks)
	return func() pa.Mailbox {
		m := &unbounded{chunks: c}
		m.runFunc = m.run
		return m
	}
}

// unbounded is a mailbox whose lock covers "is it scheduled?" as well as the
// queues. Whoever adds the first message sees that nobody runs it, and whoever
// runs it sees that nothing is left, under the same lock: a wake-up cannot be lost.
type unbounded struct {
	chunks     *chunks
	runFunc    func() // run, bound once: scheduling allocates nothing
	invoker    pa.MessageInvoker
	dispatcher pa.Dispatcher
	urgent     atomic.Bool // system is not empty; lets the runner look without the lock

	mu        sync.Mutex
	started   bool
	scheduled bool // run was handed to the dispatcher, or is running
	suspended bool // no user messages until resumed
	system    fifo
	user      fifo
	taken     int // size of the batch that the runner took last, 0 when it is done

	// Owned by the runner.
	batch   fifo
	current any // what a panic is blamed on
}

// RegisterHandlers is called once, before Start.
func (m *unbounded) RegisterHandlers(invoker pa.MessageInvoker, d pa.Dispatcher) {
	m.invoker, m.dispatcher = invoker, d
}

// Start lets the mailbox run. What was posted earlier has waited.
func (m *unbounded) Start() {
	m.mu.Lock()
	m.started = true
	m.wake()
}

// PostUserMessage queues a message, or the members of a batch.
func (m *unbounded) PostUserMessage(msg any) {
	if b, ok := batchOf(msg); ok {
		m.postBatch(b)
		return
	}
	m.mu.Lock()
	m.user.push(m.chunks, msg)
	m.wake()
}

func (m *unbounded) postBatch(b pa.MessageBatch) {
	members := flatten(nil, b)
	m.mu.Lock()
	for _, msg := range members {
		m.user.push(m.chunks, msg)
	}
	m.wake()
}

// PostSystemMessage queues a message ahead of all user messages.
func (m *unbounded) PostSystemMessage(msg any) {
	m.mu.Lock()
	m.system.push(m.chunks, msg)
	m.urgent.Store(true)
	m.wake()
}

// UserMessageCount is the number of user messages that wait. Those of the batch
// being worked off count until all of them are done.
func (m *unbounded) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.n + m.taken
}

// wake unlocks mu and schedules the mailbox if it has work and nobody runs it.
func (m *unbounded) wake() {
	if m.scheduled || !m.started || !m.runnable() {
		m.mu.Unlock()
		return
	}
	m.scheduled = true
	m.mu.Unlock()
	m.dispatcher.Schedule(m.runFunc)
}

// runnable is called under mu.
func (m *unbounded) runnable() bool {
	return m.system.n > 0 || !m.suspended && m.user.n+m.taken > 0
}

// run works for one turn of the dispatcher. What is left then waits behind the
// other mailboxes, which is what makes the throughput limit fair.
func (m *unbounded) run() {
	more, returned := true, false
	defer func() {
		if !returned {
			m.escalate(recover())
		}
		if more { // else somebody else may be the runner by now
			m.dispatcher.Schedule(m.runFunc)
		}
	}()
	more = m.turn(max(1, m.dispatcher.Throughput()))
	returned = true
}

func (m *unbounded) escalate(reason any) {
	if reason == nil {
		reason = errGoexit
	}
	msg := m.current
	m.current = nil
	m.invoker.EscalateFailure(reason, msg)
}

// turn handles up to limit messages and tells whether there are more.
func (m *unbounded) turn(limit int) (more bool) {
	for i := 0; i < limit; i++ {
		switch {
		case m.urgent.Load():
			m.invokeSystem()
		case m.batch.n > 0 && !m.isSuspended():
			m.current = m.batch.pop(m.chunks)
			m.invoker.InvokeUserMessage(m.current)
		case !m.takeBatch():
			return false
		default:
			i-- // taking a batch is no message
		}
	}
	return true
}

// isSuspended needs no lock: only the runner changes it.
func (m *unbounded) isSuspended() bool { return m.suspended }

// takeBatch makes all waiting user messages the runner's own. If there is
// nothing to do the mailbox is idle from then on.
func (m *unbounded) takeBatch() bool {
	m.current = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = m.batch.n
	if !m.runnable() {
		m.scheduled = false
		return false
	}
	if m.system.n == 0 {
		m.batch = m.user.take()
		m.taken = m.batch.n
	}
	return true
}

func (m *unbounded) invokeSystem() {
	m.mu.Lock()
	msg := m.system.pop(m.chunks)
	if m.system.n == 0 {
		m.urgent.Store(false)
	}
	switch msg.(type) {
	case *pa.SuspendMailbox:
		m.suspended = true
		m.mu.Unlock()
	case *pa.ResumeMailbox:
		m.suspended = false
		m.mu.Unlock()
	default:
		m.mu.Unlock()
		m.current = msg
		m.invoker.InvokeSystemMessage(msg)
	}
}

// batchOf finds a batch that is the message itself or inside its envelope.
func batchOf(msg any) (pa.MessageBatch, bool) {
	if env, ok := msg.(*pa.MessageEnvelope); ok {
		msg = env.Message
	}
	b, ok := msg.(pa.MessageBatch)
	return b, ok
}

func flatten(to []any, b pa.MessageBatch) []any {
	for _, msg := range b.GetMessages() {
		if inner, ok := batchOf(msg); ok {
			to = flatten(to, inner)
		} else {
			to = append(to, msg)
		}
	}
	return to
}
