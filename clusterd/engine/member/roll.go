package member

import (
	"iter"
	"slices"
)

// Roll lists nodes, sorted by address, each address once.
type Roll interface {
	Len() int
	// Find returns the node at an address, and whether there is one.
	Find(address string) (Node, bool)
	// All yields all of them.
	All() iter.Seq[Node]
}

// Nodes is a [Roll] in a slice, sorted by address.
type Nodes []Node

// Len implements [Roll].
func (l Nodes) Len() int { return len(l) }

// Find implements [Roll].
func (l Nodes) Find(address string) (Node, bool) {
	i, ok := slices.BinarySearchFunc(l, address, func(n Node, a string) int { return CompareAddress(n.Address, a) })
	if !ok {
		return Node{}, false
	}
	return l[i], true
}

// All implements [Roll].
func (l Nodes) All() iter.Seq[Node] { return slices.Values(l) }
