package clusterd

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pando-go/pando/seedjoin"
)

// settings are what a cluster compares when a node wants to join. Whoever has
// another lease or waits less for accusations would break what the others rely
// on, so those must be equal; how long this node tries before it gives up is
// its own business and only told.
func (c *Config) settings() []seedjoin.Setting {
	t := c.Timing
	list := []seedjoin.Setting{
		{Key: "downing", Value: c.Downing.String()},
		{Key: "gossip", Value: c.Gossip.String(), Rule: seedjoin.MayDiffer},
		{Key: "min-members", Value: c.minimums(), Rule: seedjoin.MayDiffer},
		{Key: "timing.accuse", Value: t.Accuse.String()},
		{Key: "timing.found", Value: t.Found.String()},
		{Key: "timing.give-up", Value: t.GiveUp.String()},
		{Key: "timing.heartbeat", Value: t.Heartbeat.String()},
		{Key: "timing.lease", Value: t.LeaseFor.String()},
		{Key: "timing.stable-after", Value: t.StableAfter.String()},
		{Key: "timing.gossip", Value: t.Gossip.String(), Rule: seedjoin.MayDiffer},
		{Key: "timing.leave", Value: t.Leave.String(), Rule: seedjoin.MayDiffer},
		{Key: "timing.retry", Value: t.Retry.String(), Rule: seedjoin.MayDiffer},
	}
	for _, k := range slices.Sorted(maps.Keys(c.Settings)) {
		list = append(list, seedjoin.Setting{Key: "user." + k, Value: c.Settings[k]})
	}
	return list
}

// minimums is MinMembers and MinByRole as text: "3 store:2".
func (c *Config) minimums() string {
	text := fmt.Sprint(max(1, c.MinMembers))
	for _, role := range slices.Sorted(maps.Keys(c.MinByRole)) {
		text += fmt.Sprintf(" %s:%d", role, c.MinByRole[role])
	}
	return text
}
