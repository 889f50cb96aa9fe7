package downing

import (
	"math"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// A member that became unreachable this often within the window flaps: it is
// removed alone and without waiting for it to stay away.
const (
	flaps      = 3
	flapWindow = 60 * time.Second
)

// StableAfter returns how long a member of a cluster of n must have been
// unreachable before it is removed: base·(1 + ½·max(0, log10(n/10))).
func StableAfter(base time.Duration, n int) time.Duration {
	growth := max(0, math.Log10(float64(n)/10)) / 2
	return base + time.Duration(growth*float64(base))
}

// Timers says who has been unreachable for long enough. Each subject has its
// own timer, so that new trouble elsewhere does not postpone downing for ever.
// The zero value is ready to use.
type Timers struct {
	subjects []subject // sorted by node
	accused  time.Time // when the last new accusation was heard
}

type subject struct {
	node   member.Node
	since  time.Time   // when it became unreachable; zero = it is reachable
	onsets []time.Time // of the last unreachable times within the window, oldest first
}

// Accused tells that a new accusation was heard.
func (t *Timers) Accused(now time.Time) { t.accused = now }

// Update tells who is unreachable now; nodes are sorted. Members that are not
// known any more must be left out: what is known of them is forgotten in time.
func (t *Timers) Update(now time.Time, unreachable []member.Node) {
	for i := range t.subjects {
		s := &t.subjects[i]
		if _, ok := slices.BinarySearchFunc(unreachable, s.node, member.Node.Compare); !ok {
			s.since = time.Time{}
		}
		s.onsets = slices.DeleteFunc(s.onsets, func(o time.Time) bool { return now.Sub(o) > flapWindow })
	}
	for _, n := range unreachable {
		t.begin(now, n)
	}
	t.subjects = slices.DeleteFunc(t.subjects, func(s subject) bool { return s.since.IsZero() && len(s.onsets) == 0 })
}

func (t *Timers) begin(now time.Time, n member.Node) {
	i, ok := slices.BinarySearchFunc(t.subjects, n, func(s subject, n member.Node) int { return s.node.Compare(n) })
	if !ok {
		t.subjects = slices.Insert(t.subjects, i, subject{node: n})
	}
	s := &t.subjects[i]
	if !s.since.IsZero() {
		return
	}
	s.since = now
	s.onsets = append(s.onsets, now)
	if len(s.onsets) > flaps {
		s.onsets = s.onsets[1:]
	}
}

// Due returns, sorted, who is to be removed now: everybody unreachable once
// one of them has been so for stable and no new accusation came for quiet. At
// the latest after 2·stable a subject goes whatever else happens. A subject
// that flaps goes alone.
func (t *Timers) Due(now time.Time, stable, quiet time.Duration) []member.Node {
	calm := now.Sub(t.accused) >= quiet
	var all, late []member.Node
	ripe := false
	for _, s := range t.subjects {
		if s.since.IsZero() {
			continue
		}
		if calm && len(s.onsets) >= flaps {
			return []member.Node{s.node}
		}
		away := now.Sub(s.since)
		ripe = ripe || away >= stable
		all = append(all, s.node)
		if away >= 2*stable {
			late = append(late, s.node)
		}
	}
	if calm && ripe {
		return all
	}
	return late
}
