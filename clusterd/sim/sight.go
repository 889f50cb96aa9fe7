package sim

import (
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Sight is one thing that an onlooker sees: see [Config.Seen]. Either a node
// shows something new, or the world does something.
type Sight struct {
	At       time.Duration   // since the start of the world
	Node     int             // whose process it is; 0 = the world's
	Snapshot engine.Snapshot // what the node shows now; zero = it has ended
	Action   string          // what the world does, as the transcript tells it
}

func (s *Sim) see(what Sight) {
	if s.cfg.Seen != nil {
		what.At = s.now
		s.cfg.Seen(what)
	}
}

// ID returns the node at an address, of either spelling; 0 = none.
func ID(address string) int { return idOf(address) }

// Describe changes what node id tells of itself: news for the others. The error
// is the machine's.
func (s *Sim) Describe(id int, info member.Info) error {
	s.recordAction("describe n%d", id)
	return s.step(s.node(id), core.Describe{Info: info})
}

// Know counts the running nodes that know which application version node id
// tells of itself now.
func (s *Sim) Know(id int, version string) (count int) {
	for _, n := range s.live(nil) {
		for _, m := range n.machine.Snapshot().Members {
			if m.Address == Address(id) && m.Info.Version == version {
				count++
			}
		}
	}
	return count
}
