package groups

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config says who this node is and how patient its groups are. The zero value
// of a field means its default.
type Config struct {
	// Self is the stable id of this node's data directory: drawn at random when
	// the directory is made, never used by another one. Not 0 and not one of the
	// two largest numbers. A node without a directory draws a new one each time.
	Self uint64
	// Boot is a number that no earlier start of this node had, for example the
	// UID of its cluster member. Not 0.
	Boot uint64
	// Shards is the number of shards, a power of two up to 16384. Default 256.
	Shards int
	// Seed is where the jitter of elections comes from.
	Seed uint64
	// Standby: this node votes and keeps data, and never leads.
	Standby bool
	Timing  Timing
	Limits  Limits
}

// Timing holds the clocks of all groups of one node. All nodes of a cluster use
// the same. The defaults are those of the lan column of the protocol's table.
type Timing struct {
	// Beat is the interval of heartbeats; Tick wants to be called that often.
	// Default 250 ms.
	Beat time.Duration
	// Lease is T_f: a primary stops that long after the moment at which it sent
	// the newest heartbeat that a quorum answered. Default 2 s, at least 3 Beat.
	Lease time.Duration
	// Drift is ρ, the largest error of a node's clock rate. Default 0.05.
	Drift float64
	// Patience is how long a replica waits for a heartbeat before it stands for
	// election; at least [Timing.Guard]. Default 2.6 s.
	Patience time.Duration
	// Spread is the largest jitter that is added to Patience. Default 2 Beat.
	Spread time.Duration
	// Release bounds a transfer of leadership: drained and taken over by then,
	// or the old primary starts again under a new term. Default 2 Beat.
	Release time.Duration
}

// Guard is T_w = T_f·(1+ρ)/(1−ρ): how long a replica that answered a primary's
// heartbeat grants nobody else a vote. By then that primary's lease has ended,
// by whatever clock.
func (t Timing) Guard() time.Duration {
	return time.Duration(math.Ceil(float64(t.Lease) * (1 + t.Drift) / (1 - t.Drift)))
}

// Limits bound what a node holds and sends. Each is for one shard unless it
// says otherwise.
type Limits struct {
	// OpenBytes bounds the commands that are not yet applied, Open the proposals
	// that are not yet acknowledged or not yet applied, of which half may wait for
	// All: more are refused with ErrFull. Defaults 4 MiB, 4096.
	OpenBytes, Open int
	// CommandBytes bounds one command (ErrTooLarge). Default 1 MiB.
	CommandBytes int
	// MessageBytes bounds the entries of one append message, and Inflight how
	// many of these are under way to one follower. Defaults 256 KiB, 64.
	MessageBytes, Inflight int
	// ApplyBytes bounds what one Ready hands over to be applied. Default 1 MiB.
	ApplyBytes int
	// LogEntries and LogBytes bound the log after the newest snapshot: beyond
	// either, and beyond the size of that snapshot, a new one is asked for.
	// Defaults 8192, 4 MiB.
	LogEntries, LogBytes int
	// KeepEntries is how many entries before the newest snapshot stay in the
	// log, so that a replica that was away for a moment resyncs by delta.
	// Default 1024.
	KeepEntries int
	// PartBytes is the size of a snapshot's parts and Window how many of them
	// are under way. Defaults 64 KiB, 4.
	PartBytes, Window int
	// Transfers bounds the snapshots that this node sends at one time, over all
	// shards. Default 2.
	Transfers int
	// PacketBytes is about how large a packet grows before a second one is
	// begun. Default 1 MiB.
	PacketBytes int
	// Peers bounds the nodes that this node talks with: one more makes room by
	// forgetting an idle one, or is not talked with. Default 1024.
	Peers int
}

// orDefault sets a field that was left out.
func orDefault[T int | time.Duration | float64](field *T, def T) {
	if *field == 0 {
		*field = def
	}
}

// filled returns cfg with its defaults, or every fault at once.
func (cfg Config) filled() (Config, error) {
	t, l := &cfg.Timing, &cfg.Limits
	orDefault(&cfg.Shards, 256)
	orDefault(&t.Beat, 250*time.Millisecond)
	orDefault(&t.Lease, 2*time.Second)
	orDefault(&t.Drift, 0.05)
	orDefault(&t.Patience, 2600*time.Millisecond)
	orDefault(&t.Spread, 2*t.Beat)
	orDefault(&t.Release, 2*t.Beat)
	orDefault(&l.OpenBytes, 4<<20)
	orDefault(&l.Open, 4096)
	orDefault(&l.CommandBytes, 1<<20)
	orDefault(&l.MessageBytes, 256<<10)
	orDefault(&l.Inflight, 64)
	orDefault(&l.ApplyBytes, 1<<20)
	orDefault(&l.LogEntries, 8192)
	orDefault(&l.LogBytes, 4<<20)
	orDefault(&l.KeepEntries, 1024)
	orDefault(&l.PartBytes, 64<<10)
	orDefault(&l.Window, 4)
	orDefault(&l.Transfers, 2)
	orDefault(&l.PacketBytes, 1<<20)
	orDefault(&l.Peers, 1024)
	return cfg, cfg.validate()
}

func (cfg Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("groups: "+format, args...))
		}
	}
	t, l := cfg.Timing, cfg.Limits
	check(validID(cfg.Self), "Self %d is no node id", cfg.Self)
	check(cfg.Boot != 0, "Boot is 0")
	check(cfg.Shards > 0 && cfg.Shards <= 16384 && cfg.Shards&(cfg.Shards-1) == 0,
		"Shards %d is no power of two up to 16384", cfg.Shards)
	check(t.Beat > 0 && t.Spread > 0 && t.Release > 0, "Beat, Spread and Release must not be negative")
	check(t.Drift > 0 && t.Drift < 0.5, "Drift %g is not between 0 and 0.5", t.Drift)
	check(t.Lease >= 3*t.Beat, "Lease %v is shorter than three times Beat %v", t.Lease, t.Beat)
	check(t.Patience >= t.Guard(), "Patience %v is shorter than the guard %v", t.Patience, t.Guard())
	for _, n := range []int{l.OpenBytes, l.Open, l.CommandBytes, l.MessageBytes, l.Inflight, l.ApplyBytes, l.LogEntries,
		l.LogBytes, l.KeepEntries, l.PartBytes, l.Window, l.Transfers, l.PacketBytes, l.Peers} {
		check(n > 0, "a limit is negative")
	}
	return errors.Join(faults...)
}

// validID tells whether id can name a node: the Raft library keeps 0 and the
// two largest numbers for itself.
func validID(id uint64) bool { return id != 0 && id < math.MaxUint64-1 }
