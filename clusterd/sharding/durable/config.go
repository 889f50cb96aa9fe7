package durable

import (
	"errors"
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/store"
	"github.com/pando-go/pando/clusterd/slots"
)

// Config is what all kinds of a node have in common. The zero value is good for
// three nodes or more that keep their data in memory. Shards and Replicas must be
// the same on all nodes; the first nodes' values are kept for ever.
type Config struct {
	// Store keeps what this node has of the shards; boltstore.Open makes one in a
	// directory. It is closed when the node has ended; if Start fails, it is the
	// caller's. Nil: in memory, so that a restarted node
	// is a new, empty one.
	Store store.Store
	// Standby: this node keeps replicas and votes, and is never a primary: for
	// instance since it is far from the others. A shard of which only such replicas
	// are left has no primary. All members see it, as key "durable.standby" of the
	// node's metadata.
	Standby bool
	// Shards is into how many groups of neighbouring slots the 16384 slots are
	// cut: a power of two. It cannot be changed later. Zero: 256.
	Shards int
	// Replicas is how many nodes keep each shard, if there are so many. Zero: 3.
	Replicas int
	// Expect is how many hosts must be Up before an empty store is founded. Zero:
	// Replicas. More nodes with empty stores than Expect, without a single one of
	// those that have the data, would found a second, empty store.
	Expect int
	// Rebuild is how long a host that is gone keeps its replicas before others get
	// them, if there are others. Zero: 15 s.
	Rebuild time.Duration
	// Idle is after how long without a message an entity's behavior leaves the
	// memory; its state stays. Zero: 2 minutes.
	Idle time.Duration
	// MaxLive is how many entities of one shard may keep their behaviors in
	// memory; beyond it those that were used least lately leave. Zero: 4096.
	MaxLive int
	// MaxWait is how long a message waits for a primary before ErrNoPrimary.
	// Zero: 10 s.
	MaxWait time.Duration
}

func (c Config) withDefaults() Config {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.Shards, 256)
	set(&c.Replicas, 3)
	set(&c.Expect, c.Replicas)
	set(&c.MaxLive, 4096)
	if c.Store == nil {
		c.Store = new(store.Memory)
	}
	if c.Rebuild == 0 {
		c.Rebuild = 15 * time.Second
	}
	if c.Idle == 0 {
		c.Idle = 2 * time.Minute
	}
	if c.MaxWait == 0 {
		c.MaxWait = 10 * time.Second
	}
	return c
}

// validate reports every fault at once.
func (c *Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Shards < 1 || c.Shards > slots.Count || c.Shards&(c.Shards-1) != 0 {
		fault("Shards %d: want a power of two up to %d", c.Shards, slots.Count)
	}
	if c.Replicas < 1 || c.Replicas > 7 {
		fault("Replicas %d: want 1 to 7", c.Replicas)
	}
	if c.Expect < 1 {
		fault("Expect %d: want at least 1", c.Expect)
	}
	if c.MaxLive < 1 || c.Idle < 0 || c.MaxWait < 0 || c.Rebuild < 0 {
		fault("MaxLive, Rebuild, Idle and MaxWait must not be negative")
	}
	return errors.Join(faults...)
}
