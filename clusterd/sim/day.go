package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
)

// Day is a stretch of ordinary life: a cluster whose links lose some packets and
// delay all, while now and then one node stands still for a moment, as it does when
// it collects garbage or its host is busy. Nothing in it is a failure, so nobody
// should be taken for failed. Zero fields have the values given with them.
type Day struct {
	Seed   uint64        // everything random is drawn from it
	Nodes  int           // in the cluster; 0 = 100
	Length time.Duration // after all have joined; 0 = 24 h
	Loss   float64       // part of the packets that vanish; 0 = none
	Delay  time.Duration // the longest of a packet, the shortest being 200 µs; 0 = 50 ms
	Every  time.Duration // between two stalls; 0 = 1 min
	Stall  time.Duration // how long the node stands still; 0 = 2 s
	Timing engine.Timing // of all nodes; zero = engine.Lan
}

// DayReport is what a day has come to so far.
type DayReport struct {
	Passed      time.Duration // of the day
	Stalls      int
	Unreachable uint64 // times that a node took a member for unreachable, of all nodes together
	Removed     int    // members that were removed
	Leaders     uint64 // changes of the leader, of all nodes together
	Packets     uint64
	Events      uint64
}

// String returns the report as one line.
func (r DayReport) String() string {
	return fmt.Sprintf("%v passed: %d stalls, %d times unreachable, %d removed, %d changes of the leader, %d packets, %d events",
		r.Passed, r.Stalls, r.Unreachable, r.Removed, r.Leaders, r.Packets, r.Events)
}

// longBirth is how long the nodes may take to form the cluster.
const longBirth = 5 * time.Minute

// Run lives through the day and tells how it goes after each stall; told may be
// nil. The error is the invariant that broke, or that the cluster did not form.
func (d Day) Run(told func(DayReport)) (DayReport, error) {
	d = d.withDefaults()
	s := New(Config{
		Seed: d.Seed, Seeds: []int{1, 2, 3}, Timing: d.Timing,
		Link:  Link{Min: good.Min, Max: d.Delay, Loss: d.Loss},
		Watch: 1 + d.Nodes/64,
	})
	for id := 1; id <= d.Nodes; id++ {
		s.Start(id)
	}
	if !s.Settle(longBirth) {
		return DayReport{}, fmt.Errorf("sim: %d nodes have not formed a cluster after %v: %s: %w", d.Nodes, longBirth, s.Amiss(), s.Err())
	}
	begun, removed := s.now, len(s.law.removed)
	s.tally = tally{}
	rng := rand.New(rand.NewPCG(d.Seed, 3))
	var r DayReport
	for s.now-begun < d.Length {
		end := min(s.now+d.Every, begun+d.Length)
		s.Run(time.Duration(rng.Int64N(int64(d.Every - d.Stall))))
		id := 1 + rng.IntN(d.Nodes)
		s.Freeze(id)
		s.Run(d.Stall)
		s.Thaw(id)
		s.Run(end - s.now)
		r = DayReport{
			Passed: s.now - begun, Stalls: r.Stalls + 1, Unreachable: s.tally.unreachable, Leaders: s.tally.leaders,
			Removed: len(s.law.removed) - removed, Packets: s.packets, Events: s.count,
		}
		if told != nil {
			told(r)
		}
		if s.Err() != nil {
			return r, s.Err()
		}
	}
	return r, nil
}

func (d Day) withDefaults() Day {
	if d.Nodes == 0 {
		d.Nodes = 100
	}
	if d.Length == 0 {
		d.Length = 24 * time.Hour
	}
	if d.Delay == 0 {
		d.Delay = 50 * time.Millisecond
	}
	if d.Every == 0 {
		d.Every = time.Minute
	}
	if d.Stall == 0 {
		d.Stall = 2 * time.Second
	}
	return d
}

// tally counts what all nodes have told of each other.
type tally struct {
	unreachable uint64
	leaders     uint64
}

func (t *tally) note(e engine.Event) {
	switch e := e.(type) {
	case engine.ReachabilityChanged:
		if !e.Member.Reachable {
			t.unreachable++
		}
	case engine.LeaderChanged:
		t.leaders++
	}
}
