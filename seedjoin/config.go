package seedjoin

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/rules"
)

// MaxSeeds is the longest list of seeds. Every process asks every seed, so a
// long list costs much and brings nothing: three to five are usual.
const MaxSeeds = 64

// Protocol is the newest version of the cluster's protocol that this build speaks.
const Protocol = 1

// Config of one machine. [New] copies it.
type Config struct {
	Self       member.Node     // this incarnation, as advertised; required
	Info       member.Info     // what it tells of itself when it joins
	Name       string          // of the cluster; required
	Seeds      []string        // configured seed addresses, the first seed first; may spell this node in another way
	Symmetric  bool            // every seed may found, not the first alone; of those that a majority answers the lowest address does
	Expect     int             // with Symmetric: how many seeds a complete list has, for lists that [Seeds] brings; the majority is of so many at least
	Contacts   []string        // further addresses to ask, such as members of a cluster known before; they have no vote
	Shun       member.Identity // a cluster that this process has just left for another one: for GiveUp it does not count; zero = none
	Former     Former          // the cluster that the incarnation before this one was removed from; zero = none
	ReportOnly bool            // islands are told, and healed only on the operator's word, [Yield]
	Durable    bool            // this process holds data that outlives it: its side of an island yields on the operator's word alone
	FoundAlone bool            // the operator's override of S1: as the first seed found although a majority is silent; needed with empty Seeds
	Found      time.Duration   // T_found, for how long a first seed collects answers; 0 = 3 s
	Retry      time.Duration   // between two tries of a join; 0 = 500 ms
	GiveUp     time.Duration   // for how long the name of a cluster, once heard, keeps this process from founding; 0 = 10 × Found
	Rand       *rand.Rand      // jitter and the ClusterID; required, owned by the machine, seeded from real randomness outside tests
	Settings   []Setting       // compared key by key with those of whoever wants to join
	Versions   Versions        // of the protocol that this node speaks; zero = Protocol alone
	Without    rules.Set       // rules taken out, for the simulator alone
}

// Versions is a range of protocol versions, both ends included.
type Versions struct{ Min, Max uint32 }

// Meets reports whether some version lies in both ranges.
func (v Versions) Meets(o Versions) bool { return v.Min <= o.Max && o.Min <= v.Max }

// String returns the range as it is shown to an operator.
func (v Versions) String() string {
	if v.Min == v.Max {
		return fmt.Sprint(v.Min)
	}
	return fmt.Sprintf("%d to %d", v.Min, v.Max)
}

// withDefaults returns a copy with its own slices and every zero replaced.
func (c Config) withDefaults() Config {
	c.Found = cmp.Or(c.Found, 3*time.Second)
	c.Retry = cmp.Or(c.Retry, 500*time.Millisecond)
	c.GiveUp = cmp.Or(c.GiveUp, 10*c.Found)
	c.Versions = cmp.Or(c.Versions, Versions{Min: Protocol, Max: Protocol})
	c.Seeds = slices.Clone(c.Seeds)
	c.Contacts = slices.Clone(c.Contacts)
	c.Former.Voters = slices.Clone(c.Former.Voters)
	c.Settings = slices.Clone(c.Settings)
	slices.SortFunc(c.Settings, func(a, b Setting) int { return cmp.Compare(a.Key, b.Key) })
	return c
}

// validate reports every fault at once.
func (c Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("seedjoin: "+format, args...))
		}
	}
	fault(c.Self.Address == "", "Self has no address")
	fault(c.Self.UID == 0, "Self has no UID")
	fault(c.Name == "", "Name is empty")
	fault(c.Rand == nil, "Rand is missing")
	fault(len(c.Seeds) == 0 && !c.FoundAlone && c.Expect == 0, "Seeds is empty, and neither FoundAlone nor Expect is set: this node could neither join nor found")
	fault(c.Expect < 0 || c.Expect > MaxSeeds, "Expect is %d, want at most %d", c.Expect, MaxSeeds)
	fault(c.Expect > 0 && !c.Symmetric, "Expect is set without Symmetric: a list that changes has no head")
	fault(len(c.Contacts) > maxMet, "%d Contacts, at most %d are allowed", len(c.Contacts), maxMet)
	fault(len(c.Seeds) > MaxSeeds, "%d seeds, at most %d are allowed", len(c.Seeds), MaxSeeds)
	fault(slices.Contains(c.Seeds, ""), "Seeds has an empty address")
	fault(c.Found < 0, "Found is negative: %s", c.Found)
	fault(c.Retry < 0, "Retry is negative: %s", c.Retry)
	fault(c.GiveUp < 0, "GiveUp is negative: %s", c.GiveUp)
	fault(c.Versions.Min > c.Versions.Max, "Versions is upside down: %d to %d", c.Versions.Min, c.Versions.Max)
	for i := 1; i < len(c.Settings); i++ {
		fault(c.Settings[i].Key == c.Settings[i-1].Key, "Settings has %q twice", c.Settings[i].Key)
	}
	return errors.Join(faults...)
}
