package durable

import (
	"sync"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// inbox is the shell's queue. Packets of other nodes are bounded and dropped when
// it is full, since every protocol here repeats itself; proposals are bounded by
// their homes; all else is rare.
type inbox struct {
	mu      sync.Mutex
	items   []any
	packets int // bytes of packets in items
	dropped uint64
	ready   chan struct{}
}

// packetBytes bounds the packets that wait.
const packetBytes = 64 << 20

// What waits in an inbox.
type (
	// viewed is a view that became active, with its number over all clusters.
	viewed struct {
		clusterd.ViewActive
		epoch uint64
	}
	// packet is a control message of another node's service.
	packet struct {
		from    member.Node
		payload []byte
	}
	// data is a packet of another node's groups.
	data struct {
		from    uint64
		payload []byte
	}
	// proposal is a home's.
	proposal struct {
		shard    int
		run, seq uint64
		level    Level
		data     []byte
	}
	// written tells that a batch of the groups is durable.
	written struct{ batch uint64 }
	// photo is a snapshot that is durable.
	photo struct {
		shard uint32
		index uint64
		size  uint64
	}
	// chartered tells that a charter is durable.
	chartered struct{ answer func() }
	// moving is an operator's wish.
	moving struct {
		shard int
		to    string
		done  chan<- error
	}
	leaving struct{}
	removed struct{}
)

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

func (b *inbox) put(item any) {
	size := 0
	switch in := item.(type) {
	case packet:
		size = len(in.payload) + 64
	case data:
		size = len(in.payload) + 64
	}
	b.mu.Lock()
	if b.packets+size > packetBytes {
		b.dropped++
		b.mu.Unlock()
		return
	}
	b.packets += size
	b.items = append(b.items, item)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items, b.packets = nil, 0
	return items
}
