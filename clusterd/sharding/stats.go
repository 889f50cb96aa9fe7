package sharding

import (
	"maps"
	"slices"

	"github.com/pando-go/pando/clusterd"
)

// Counts is what a node's sharding service has and has done.
type Counts struct {
	Kinds      []KindCounts // that this node hosts, sorted by name
	Waiting    int          // messages that wait for a home
	Forwarded  uint64       // messages sent on to another node
	Moved      uint64       // slots handed over to other nodes
	Expired    uint64       // messages that waited too long
	Passivated uint64       // entities that were stopped since nobody used them
}

// KindCounts is the part of one kind.
type KindCounts struct {
	Kind     string
	Slots    int // that this node holds
	Entities int // that run here
}

// Stats returns the counts of a node; zero if nothing of this package is
// installed there. Any goroutine.
func Stats(n *clusterd.Node) Counts { return stats(n) }

func stats(n node) Counts {
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return Counts{}
	}
	r := s.router
	c := Counts{
		Waiting: int(r.waiting.Load()), Forwarded: r.forwarded.Load(),
		Moved: r.moved.Load(), Expired: r.expired.Load(), Passivated: r.passivated.Load(),
	}
	for _, name := range slices.Sorted(maps.Keys(r.kinds)) {
		k := r.kinds[name]
		c.Kinds = append(c.Kinds, KindCounts{name, int(k.held.Load()), int(k.entities.Load())})
	}
	return c
}
