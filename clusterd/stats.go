package clusterd

import "github.com/pando-go/pando/remote"

// TransportStats returns what this node's connections have carried since this
// incarnation began, of all lanes: membership, messages and services. Any
// goroutine, but not during Install.
func (n *Node) TransportStats() remote.Stats { return n.life.Load().remote.Stats() }
