// Package harness is how clustertest takes hold of a node: it replaces the
// network, holds the node still, and kills it. Users of clusterd cannot name
// it, so nothing of it is in the way of a real node.
package harness

import (
	"context"
	"net"
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Node is what a test holds one node by. The zero value changes nothing.
type Node struct {
	// Listen and Dial replace TCP; nil = TCP.
	Listen func(address string) (net.Listener, error)
	Dial   func(ctx context.Context, address string) (net.Conn, error)
	// Killed ends the node at once when it is closed; nil = never.
	Killed <-chan struct{}
	// Gate holds the node's loop; nil = never.
	Gate *Gate
	// Dispatcher runs the node's actors; nil = a pool of the node's own. Its
	// maker closes it after the node has ended.
	Dispatcher pa.Dispatcher
}

// Gate lets work pass, or holds it back while it is closed, as the kernel holds
// a stopped process. The zero value is open. Its methods may be called from any
// goroutine.
type Gate struct {
	mu     sync.Mutex
	closed chan struct{} // nil while open; closed when it opens again
	held   []func()
}

// Close holds back what comes from now on. What runs already runs on.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
}

// Open lets everything pass that was held back, in its order.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		return
	}
	for _, pass := range g.held {
		pass()
	}
	g.held = nil
	close(g.closed)
	g.closed = nil
}

// Wait returns while the gate is open. A nil gate is always open.
func (g *Gate) Wait() {
	if g == nil {
		return
	}
	for {
		g.mu.Lock()
		closed := g.closed
		g.mu.Unlock()
		if closed == nil {
			return
		}
		<-closed
	}
}

// Pass calls pass now, or when the gate opens. It must not call the gate.
func (g *Gate) Pass(pass func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		pass()
		return
	}
	g.held = append(g.held, pass)
}
