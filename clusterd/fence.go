package clusterd

import (
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
)

// fence tells whether this node may act for its cluster at this moment. It
// follows the lease of rule L3, which a quorum's heartbeats extend all the
// time: a node that is cut off, or was held still, is fenced by its own clock
// before the others can have begun what it did.
type fence struct {
	base  time.Time    // with a monotonic reading, which a wall clock set back does not touch
	until atomic.Int64 // nanoseconds after base; 0 = fenced
}

func newFence() *fence { return &fence{base: time.Now()} }

// holds reports whether the node may act now. Any goroutine.
func (f *fence) holds() bool { return int64(time.Since(f.base)) < f.until.Load() }

// set follows the lease.
func (f *fence) set(l engine.Lease) {
	if l == (engine.Lease{}) {
		f.until.Store(0)
		return
	}
	f.until.Store(int64(l.Until.Sub(f.base)))
}

// MayAct reports whether this node may run now what must run only once in the
// cluster. A service asks right before it begins to handle a message or a timer
// of something that it hosts; it costs a look at the clock. What has begun may
// finish: a goroutine cannot be stopped, so what it does to the outside world
// must carry the epoch of its home, or be harmless when done late. Any
// goroutine.
func (n *Node) MayAct() bool { return n.fence.holds() }

// watchFence tells the services when the fence falls or rises. Called by the loop.
func (n *Node) watchFence(now time.Time) {
	if holds := n.core.Lease().Valid(now); holds != n.held {
		if !holds {
			n.log.Warn("no contact with a quorum: what is hosted here pauses")
		}
		n.tellFence(now, holds)
	}
}

// dropFence fences a node that was removed. Called by the loop.
func (n *Node) dropFence() {
	n.fence.set(engine.Lease{})
	if n.held {
		n.tellFence(time.Now(), false)
	}
}

func (n *Node) tellFence(now time.Time, holds bool) {
	n.held = holds
	for _, a := range n.attached {
		a.service.Fenced(!holds)
		a.tick = now
	}
}
