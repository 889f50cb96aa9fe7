package engine

import (
	"cmp"
	"time"
)

// Timing is a preset of every duration of the protocol. See [Fast], [Lan] and
// [Wan]; a zero Timing means Lan.
type Timing struct {
	Gossip      time.Duration // between two gossip rounds
	Heartbeat   time.Duration // between two heartbeats to one peer
	Accuse      time.Duration // T_acc: the shortest silence after which a monitor accuses
	Probe       time.Duration // silence after which others are asked to look, before the accusation; 0 = half of Accuse, as in all presets
	Phi         float64       // φ from which silence is suspect: 8 is one chance in a hundred million; 0 = 8
	Deviation   time.Duration // the least standard deviation of answers that is reckoned with; 0 = 50 ms
	Pause       time.Duration // a stall that is added to what is expected of an answer; 0 = 1.9 s
	StableAfter time.Duration // base of the stable time before downing; grows with the logarithm of the size
	Mend        time.Duration // a link between two members that stays broken for so long costs one of them its membership; 0 = never
	LeaseFor    time.Duration // T_f: how long a quorum's answers let this node act; at least four heartbeats
	Drift       float64       // ρ: by how much the rate of a clock may be wrong, as a part of 1; 0 = 0.05
	Found       time.Duration // T_found: how long a first seed collects answers
	GiveUp      time.Duration // T_giveup: how long a memory of a lost cluster binds
	Retry       time.Duration // between two tries of a join, a wave or a hand-over
	WeaklyUp    time.Duration // after so long without a new view fit joiners are WeaklyUp; 0 = never
	Leave       time.Duration // who asked to leave and has not drained after this is removed as if it were down
	Tombstones  time.Duration // how long a removed UID is remembered; less than a day is for tests
}

// Fast suits one machine or one rack: a crash is removed after about 2 s.
func Fast() Timing {
	return Timing{
		Gossip:      100 * time.Millisecond,
		Heartbeat:   100 * time.Millisecond,
		Accuse:      900 * time.Millisecond,
		Phi:         8,
		Deviation:   25 * time.Millisecond,
		Pause:       600 * time.Millisecond,
		StableAfter: 500 * time.Millisecond,
		Mend:        10 * time.Second,
		LeaseFor:    800 * time.Millisecond,
		Found:       1500 * time.Millisecond,
		GiveUp:      15 * time.Second,
		Retry:       200 * time.Millisecond,
		WeaklyUp:    3 * time.Second,
		Leave:       10 * time.Second,
		Tombstones:  24 * time.Hour,
	}
}

// Lan suits one data centre and is the default: a crash is removed after about
// 5 s.
func Lan() Timing {
	return Timing{
		Gossip:      200 * time.Millisecond,
		Heartbeat:   250 * time.Millisecond,
		Accuse:      2600 * time.Millisecond,
		Phi:         8,
		Deviation:   50 * time.Millisecond,
		Pause:       1900 * time.Millisecond,
		StableAfter: 1500 * time.Millisecond,
		Mend:        20 * time.Second,
		LeaseFor:    2 * time.Second,
		Found:       3 * time.Second,
		GiveUp:      30 * time.Second,
		Retry:       500 * time.Millisecond,
		WeaklyUp:    7 * time.Second,
		Leave:       15 * time.Second,
		Tombstones:  24 * time.Hour,
	}
}

// Wan suits members in several regions: a crash is removed after about 19 s.
func Wan() Timing {
	return Timing{
		Gossip:      time.Second,
		Heartbeat:   time.Second,
		Accuse:      8 * time.Second,
		Phi:         8,
		Deviation:   250 * time.Millisecond,
		Pause:       5 * time.Second,
		StableAfter: 6 * time.Second,
		Mend:        60 * time.Second,
		LeaseFor:    6 * time.Second,
		Found:       15 * time.Second,
		GiveUp:      120 * time.Second,
		Retry:       2 * time.Second,
		WeaklyUp:    20 * time.Second,
		Leave:       60 * time.Second,
		Tombstones:  24 * time.Hour,
	}
}

// probeAfter returns [Timing.Probe] or its default.
func (t Timing) probeAfter() time.Duration { return cmp.Or(t.Probe, t.Accuse/2) }

// drift returns ρ.
func (t Timing) drift() float64 { return cmp.Or(t.Drift, 0.05) }

// stewardEvery returns how often a node and a steward that does not monitor it
// exchange heartbeats in a cluster of n: so rarely that n of them cost a
// steward no more than 2,000 in a second. It is a multiple of the interval between
// heartbeats, and so stays the same while a few members come and go.
func (t Timing) stewardEvery(n int) time.Duration {
	beats := (time.Duration(n)*500*time.Microsecond + t.Heartbeat - 1) / t.Heartbeat
	return max(1, beats) * t.Heartbeat
}
