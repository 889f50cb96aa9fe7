package core

import (
	"cmp"
	"math/rand/v2"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
	"github.com/pando-go/pando/seedjoin"
)

// Config of one core. Self, Name and Rand are required, and Seeds unless
// FoundAlone is set; other zero values are good defaults. See [engine.Config]
// and [seedjoin.Config] for what each field does.
type Config struct {
	Self       member.Node
	Info       member.Info
	Name       string             // of the cluster
	Seeds      []string           // the first seed first
	FoundAlone bool               // found although a majority of the seeds is silent
	Timing     engine.Timing      // zero = engine.Lan
	Rand       *rand.Rand         // read by New only: each part gets a generator of its own
	Settings   []seedjoin.Setting // compared with those of whoever wants to join
	Symmetric  bool               // every seed may found
	Expect     int                // how many seeds a complete list has; 0 = as many as Seeds
	ReportOnly bool               // islands are told, and healed only on the operator's word
	Former     Heir               // what the incarnation before left to this one; zero = there was none
	Versions   seedjoin.Versions  // of the protocol; zero = this build's
	MinMembers int                // before placement starts; 0 = 1
	MinByRole  map[string]int     // the same for members that have a role
	Downing    downing.Strategy   // nil = keep-majority
	Gossip     gossip.Kind        // how news is spread; zero = gossip.ByDelegate
	Fanout     int                // of gossip; 0 = the engine's default
	MaxMessage int                // about how many bytes a message has; 0 = the engine's default
	Without    rules.Set          // taken out, for the simulator alone
}

func (c Config) engine() engine.Config {
	return engine.Config{
		Self:       c.Self,
		Info:       c.Info,
		Timing:     c.Timing,
		Rand:       split(c.Rand),
		MinMembers: c.MinMembers,
		MinByRole:  c.MinByRole,
		Downing:    c.Downing,
		Gossip:     c.Gossip,
		Fanout:     c.Fanout,
		MaxMessage: c.MaxMessage,
		Without:    c.Without,
	}
}

func (c Config) join() seedjoin.Config {
	t := cmp.Or(c.Timing, engine.Lan())
	return seedjoin.Config{
		Self:       c.Self,
		Info:       c.Info,
		Name:       c.Name,
		Seeds:      c.Seeds,
		FoundAlone: c.FoundAlone,
		Symmetric:  c.Symmetric,
		Expect:     c.Expect,
		Contacts:   c.Former.Contacts,
		Shun:       c.Former.Shun,
		Former:     c.Former.Cluster,
		ReportOnly: c.ReportOnly,
		Found:      t.Found,
		Retry:      t.Retry,
		GiveUp:     t.GiveUp,
		Rand:       split(c.Rand),
		Settings:   c.Settings,
		Versions:   c.Versions,
		Without:    c.Without,
	}
}

// split draws a generator from another, so that one part's draws do not shift
// the other's. nil stays nil, which the parts report as a fault.
func split(r *rand.Rand) *rand.Rand {
	if r == nil {
		return nil
	}
	return rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
}
