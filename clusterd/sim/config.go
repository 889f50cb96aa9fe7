package sim

import (
	"io"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/rules"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Config describes one simulated world. The zero value is a world without
// seed nodes on a good local network.
type Config struct {
	Seed   uint64        // everything random is drawn from it
	Name   string        // cluster name of nodes that do not say otherwise; "" = "sim"
	Seeds  []int         // node ids of the seed list, the first seed first
	Timing engine.Timing // of all nodes; zero = engine.Lan
	Link   Link          // every link that SetLink does not change; zero = 0.2 to 2 ms, no faults
	Tail   int           // how many events a failure shows; 0 = 80

	// Downing is the strategy of all nodes; nil = keep-majority.
	Downing downing.Strategy

	Timeout    time.Duration // after which a packet into a cut is reported as failed; 0 = 1 s
	Drain      time.Duration // how long a leaving node takes to hand over; 0 = 200 ms
	Fanout     int           // to how many peers news goes in one gossip round; 0 = the engine's default
	MinMembers int           // before joiners become Up; 0 = 1
	MaxMessage int           // about how many bytes a message may have; 0 = the engine's default

	Rejoin time.Duration // a node that was removed against its will starts again after this; 0 = stays stopped
	Skew   time.Duration // clocks of nodes differ by up to this at the start; 0 = not at all
	Drift  float64       // and run faster or slower by up to this part, 0.05 at most as the rules assume; 0 = not at all

	// Symmetric has every seed found the cluster, not the first one alone.
	Symmetric bool

	// ReportIslands has nodes only tell of other clusters of their name.
	ReportIslands bool

	// Sealed holds that nobody writes to a packet once it was sent: real
	// packets are copied by the network, simulated ones are shared. It is slow.
	Sealed bool

	// Without takes rules of the protocol out: an invariant should break.
	Without rules.Set

	// Watch is which nodes' snapshots the invariants look at, member by member:
	// those whose id it divides; 0 = all, and then events are kept for scripts to
	// print. It is for clusters of thousands, where the checks would cost more than
	// what they check. What is decided is looked at on every node all the same.
	Watch int

	// New makes the machine of a node; nil = a core.Core. Tests of the
	// simulator itself put simpler ones here.
	New func(core.Config) (Machine, error)

	// Seen is told whenever what a node shows has changed, and of everything that
	// the world does; nil = nobody is.
	Seen func(Sight)

	// Transcript receives every event as a line of text, packets in full; nil
	// = none. It is slow: a run's Hash tells two runs apart without it.
	Transcript io.Writer
}

// Link is the quality of one direction between two nodes.
type Link struct {
	Min, Max  time.Duration // delay, drawn evenly between them
	Loss      float64       // part of the packets that vanish without a word, 0 to 1
	Duplicate float64       // part that arrives twice, the second up to 100 delays later
	Reorder   float64       // part that may overtake what was sent before
}

// good is the link of a quiet local network.
var good = Link{Min: 200 * time.Microsecond, Max: 2 * time.Millisecond}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "sim"
	}
	if c.Link == (Link{}) {
		c.Link = good
	}
	if c.Tail == 0 {
		c.Tail = 80
	}
	if c.Timeout == 0 {
		c.Timeout = time.Second
	}
	if c.Drain == 0 {
		c.Drain = 200 * time.Millisecond
	}
	return c
}
