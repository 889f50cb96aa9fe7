package sharding

import (
	"sync"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// corrections gather which nodes have asked here for slots under an idea that is
// old. Many messages may be under way before the first correction arrives, so
// each node is told once a Tick.
type corrections struct {
	mu   sync.Mutex
	list map[correction]*slots.Set
}

type correction struct {
	origin uint32
	kind   string
}

// maxCorrections bounds what is gathered between two Ticks. More are dropped:
// the next message of the same sender brings it up again.
const maxCorrections = 1024

// add reports whether it is the first since the last take.
func (c *corrections) add(origin uint32, kind string, slot uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := correction{origin, kind}
	if c.list == nil {
		c.list = map[correction]*slots.Set{}
	}
	if c.list[key] == nil {
		if len(c.list) >= maxCorrections {
			return false
		}
		c.list[key] = new(slots.Set)
	}
	c.list[key].Add(slot)
	return len(c.list) == 1
}

func (c *corrections) take() map[correction]*slots.Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// correct notes that the sender of a message had an old idea of the slot.
func (r *router) correct(t target, slot uint16) {
	if t.origin != 0 && r.wrong.add(t.origin, t.kind, slot) {
		r.poke()
	}
}

// tellCorrections sends those that were gathered.
func (s *service) tellCorrections() {
	for key, set := range s.router.wrong.take() {
		for _, m := range s.get().View().Members {
			if originOf(m.Node) != key.origin || m.Node == s.self() {
				continue
			}
			if p, ok := s.machine.Correction(m.Node, key.kind, set); ok {
				s.post(p)
			}
		}
	}
}

func (s *service) self() member.Node {
	sys := s.node.System()
	return member.Node{Address: sys.Address(), UID: sys.UID()}
}
