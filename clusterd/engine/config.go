package engine

import (
	"math/rand/v2"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Config describes one engine. Self and Rand are required; other zero values
// are good defaults.
type Config struct {
	Self   member.Node // this incarnation; its UID from member.NextUID
	Info   member.Info // what this node tells of itself
	Timing Timing      // zero = Lan
	Rand   *rand.Rand  // all random choices; owned by the engine from then on

	// MinMembers is how many members must have arrived before joiners become
	// Up and placement starts; 0 = 1. The founder is Up at once all the same.
	MinMembers int
	// Downing tells which voters of a view decide the next one and so which
	// side of a cut lives; nil = downing.KeepMajority.
	Downing downing.Strategy
	// Gossip chooses whom to tell the news; nil = gossip.NewMemory(Fanout). It
	// is owned by the engine from then on.
	Gossip gossip.Strategy
	// Fanout is to how many peers news goes in one gossip round; 0 = 2.
	Fanout int
}
