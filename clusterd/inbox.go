package clusterd

import (
	"sync"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// packetLimit is how many received control packets may wait for the loop.
// Beyond it the newest are dropped: every control protocol repeats itself.
const packetLimit = 8192

// inbox is the loop's queue. Packets are bounded and dropped when it is full;
// commands are few and always taken.
type inbox struct {
	mu      sync.Mutex
	items   []any
	packets int
	dropped uint64
	closed  bool
	ready   chan struct{} // holds a token while items is not empty
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// What waits in an inbox, beside the two below.
type (
	// packet came from another node.
	packet struct {
		service string
		from    member.Node
		payload []byte
	}
	// sendFailed is what became of a posted packet.
	sendFailed struct {
		service string
		to      member.Node
		payload []byte
		err     error
	}
	// command goes to the core; done, if not nil, receives its verdict.
	command struct {
		input core.Input
		done  chan<- error
	}
	leave   struct{}
	poked   struct{ service string }
	drained struct{ service string }
)

// put queues a command; it reports whether the loop still takes any.
func (b *inbox) put(item any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.push(item)
	return true
}

// offer queues a packet or its failure, or drops it when too many wait.
func (b *inbox) offer(item any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if b.packets >= packetLimit {
		b.dropped++
		return
	}
	b.packets++
	b.push(item)
}

func (b *inbox) push(item any) {
	b.items = append(b.items, item)
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take removes and returns all that waits.
func (b *inbox) take() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items, b.packets = nil, 0
	return items
}

// close refuses all further items and returns the commands left behind.
func (b *inbox) close() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	items := b.items
	b.items = nil
	return items
}

// droppedPackets returns how many packets were dropped so far.
func (b *inbox) droppedPackets() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}
