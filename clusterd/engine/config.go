package engine

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// Config describes one engine. Self and Rand are required; other zero values
// are good defaults.
type Config struct {
	Self   member.Node // this incarnation; its UID from member.NextUID
	Info   member.Info // what this node tells of itself
	Timing Timing      // zero = Lan
	Rand   *rand.Rand  // all random choices; owned by the engine from then on

	// MinMembers is how many members must have arrived before joiners become
	// Up and placement starts; 0 = 1. The founder is Up at once all the same,
	// for somebody must decide. Should be the same on all nodes: that of the
	// leader counts.
	MinMembers int
	// MinByRole is as MinMembers for the members that have a role; roles that
	// are not listed have no minimum.
	MinByRole map[string]int
	// Downing tells which voters of a view decide the next one and so which
	// side of a cut lives; nil = downing.KeepMajority. Must be the same on all
	// nodes.
	Downing downing.Strategy
	// Gossip is how news is spread; zero = gossip.ByDelegate. Should be the same
	// on all nodes.
	Gossip gossip.Kind
	// Without takes rules of the protocol out. It is for the simulator, which
	// proves so that its invariants can fail.
	Without rules.Set
	// Detector makes what judges the silence of one observed node that has
	// expected answers since now; nil = phi.New with what Timing says.
	Detector func(now time.Duration) Detector
	// Fanout is k: to how many peers a node passes news on in one step, and how
	// many branches the tree has that waves travel; 0 = gossip.DefaultFanout.
	Fanout int
	// MaxMessage is about how many bytes a message may have: facts and views are
	// divided by it. The difference between two views that a wave carries may have
	// four times as many where it lets members in, and is not divided where it
	// removes more than that: some 70 bytes for each. 0 = 64 KiB, at least 1 KiB.
	MaxMessage int

	minimums []minimum // MinMembers and MinByRole, the latter sorted by role
}

// minimum is how many members there must be with a role; "" = any.
type minimum struct {
	role  string
	count int
}

// validated returns the config with its defaults filled in, or every fault.
func (c Config) validated() (Config, error) {
	var faults []error
	if err := c.Self.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("engine: Self: %w", err))
	}
	if c.Rand == nil {
		faults = append(faults, errors.New("engine: Rand is required"))
	}
	c.Info = canonical(c.Info)
	if err := c.Info.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("engine: Info: %w", err))
	}
	if c.Timing == (Timing{}) {
		c.Timing = Lan()
	}
	faults = append(faults, c.Timing.validate()...)
	if c.MinMembers < 0 || c.Fanout < 0 {
		faults = append(faults, errors.New("engine: MinMembers and Fanout must not be negative"))
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = gossip.MaxFacts
	}
	if c.MaxMessage < 1<<10 {
		faults = append(faults, fmt.Errorf("engine: MaxMessage is %d, want at least 1 KiB", c.MaxMessage))
	}
	c.minimums = []minimum{{count: max(1, c.MinMembers)}}
	for _, role := range slices.Sorted(maps.Keys(c.MinByRole)) {
		if c.MinByRole[role] < 0 {
			faults = append(faults, fmt.Errorf("engine: MinByRole[%q] must not be negative", role))
		}
		c.minimums = append(c.minimums, minimum{role, c.MinByRole[role]})
	}
	if c.Downing == nil {
		c.Downing = downing.KeepMajority{}
	}
	return c, errors.Join(faults...)
}

func (t Timing) validate() []error {
	var faults []error
	for _, f := range []struct {
		name string
		d    time.Duration
	}{
		{"Gossip", t.Gossip}, {"Heartbeat", t.Heartbeat}, {"Accuse", t.Accuse},
		{"StableAfter", t.StableAfter}, {"LeaseFor", t.LeaseFor}, {"Retry", t.Retry},
		{"Leave", t.Leave}, {"Tombstones", t.Tombstones},
	} {
		if f.d <= 0 {
			faults = append(faults, fmt.Errorf("engine: Timing.%s is %v, want more than 0", f.name, f.d))
		}
	}
	if t.Accuse > 0 && t.Accuse <= 2*t.Heartbeat {
		faults = append(faults, fmt.Errorf("engine: Timing.Accuse is %v, want more than two heartbeats of %v", t.Accuse, t.Heartbeat))
	}
	if t.Probe < 0 || t.Probe >= t.Accuse && t.Accuse > 0 {
		faults = append(faults, fmt.Errorf("engine: Timing.Probe is %v, want less than Accuse of %v", t.Probe, t.Accuse))
	}
	if t.Mend < 0 {
		faults = append(faults, fmt.Errorf("engine: Timing.Mend is %v, must not be negative", t.Mend))
	}
	if t.LeaseFor > 0 && t.LeaseFor < 4*t.Heartbeat {
		faults = append(faults, fmt.Errorf("engine: Timing.LeaseFor is %v, want at least four heartbeats of %v", t.LeaseFor, t.Heartbeat))
	}
	if t.Drift < 0 || t.Drift > 0.5 {
		faults = append(faults, fmt.Errorf("engine: Timing.Drift is %v, want 0 to 0.5", t.Drift))
	}
	return faults
}

// canonical returns a copy with sorted slices without duplicates.
func canonical(i member.Info) member.Info {
	i.Roles = sorted(i.Roles)
	i.Kinds = sorted(i.Kinds)
	i.Meta = slices.Clone(i.Meta)
	slices.SortStableFunc(i.Meta, func(a, b member.Pair) int { return strings.Compare(a.Key, b.Key) })
	i.Meta = slices.CompactFunc(i.Meta, func(a, b member.Pair) bool { return a.Key == b.Key })
	return i
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
