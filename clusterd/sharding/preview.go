package sharding

import (
	"slices"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/slots"
)

// Change is what a [Preview] supposes.
type Change struct {
	Join  []slots.Member // that host the kind; Zone is ignored
	Leave []string       // addresses
}

// Preview is a dry run: which slots of a kind would move if the members of the
// cluster changed. Where they go is decided by the same planner that decides
// when it happens, from where they are now as far as this node knows. A movement
// whose From is empty is of slots that nobody has. It is empty on a node
// without a service of this package. Any goroutine.
func Preview(n *clusterd.Node, kind string, c Change) []slots.Movement { return preview(n, kind, c) }

func preview(n node, kind string, c Change) []slots.Movement {
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return nil
	}
	members := slices.DeleteFunc(slices.Clone(s.router.view.Load().hosts[kind]), func(m slots.Member) bool {
		return slices.Contains(c.Leave, string(m.Node))
	})
	for _, m := range c.Join {
		m.Zone = ""
		members = append(members, m)
	}
	now := make([][]slots.Node, slots.Count)
	for slot := range now {
		if way, known := s.router.routes.owner(kind, uint16(slot)); known {
			now[slot] = []slots.Node{slots.Node(way.to.Address)}
		}
	}
	return slots.Movements(now, slots.Planner{}.Plan(now, members))
}
