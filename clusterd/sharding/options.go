package sharding

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd"
)

// Option changes how a kind is hosted. The options of a kind should be the same
// on all nodes that host it.
type Option interface{ apply(*manner) }

type option func(*manner)

func (o option) apply(h *manner) { o(h) }

// manner is what the options of a kind say.
type manner struct {
	idle     time.Duration // 0 = for ever
	limit    int           // 0 = none
	remember bool
	role     string
}

// PassivateAfter stops entities that no message has come for in the given time,
// at least a second; it may take a quarter of it longer. Their memory ends with
// them: the next message starts a fresh one. What a handler is at work on, and
// what waits for it, is never cut off. The default is never.
func PassivateAfter(idle time.Duration) Option {
	return option(func(h *manner) { h.idle = idle })
}

// AtMost bounds the entities of the kind on each node: when there are more, those
// that have been without messages for longest are stopped as by
// [PassivateAfter]. Since it looks about once a second, there may be more for a
// moment. The default is no bound.
func AtMost(entities int) Option { return option(func(h *manner) { h.limit = entities }) }

// Remember starts the entities that run at a slot's old home at its new one as
// well, without a message. Without it only those with a [Mover]'s state are
// started, and others on demand. An entity that stops itself is forgotten, and
// after a crash nothing is remembered: that takes durable entities. It cannot go
// with passivation.
func Remember() Option { return option(func(h *manner) { h.remember = true }) }

// OnRole hosts the kind only on nodes with the given role in
// clusterd.Config.Roles. On others, [Host] with it is the same as [Proxy].
func OnRole(role string) Option { return option(func(h *manner) { h.role = role }) }

// errOptions is what Start returns for options that contradict each other.
var errOptions = errors.New("sharding: an entity cannot be remembered and passivated")

func mannerOf(kind string, opts []Option) (manner, error) {
	var h manner
	for _, o := range opts {
		o.apply(&h)
	}
	switch {
	case h.remember && (h.idle != 0 || h.limit != 0):
		return h, fmt.Errorf("kind %q: %w", kind, errOptions)
	case h.idle < 0 || h.idle > 0 && h.idle < time.Second || h.limit < 0:
		return h, fmt.Errorf("sharding: kind %q: want to passivate after at least a second, and a limit that is not negative", kind)
	}
	return h, nil
}

// Settings is a service for clusterd.Config.Services that changes how this node
// takes part in moves. The zero value is the default.
type Settings struct {
	// Moves is how many slots of one kind this node hands over at a time; where
	// they are full it is fewer, so that about 512 entities are on their way.
	// More make a rebalancing shorter and the pause of each longer. 0 = 64.
	Moves int

	// Rebalance is how often this node, if it is the one that plans, compares
	// how busy nodes are. 0 = 10 s; less than 0: never by load.
	Rebalance time.Duration
}

// Install is called by clusterd.Start.
func (s Settings) Install(n *clusterd.Node) error { return s.install(n) }

func (s Settings) install(n node) error {
	svc, err := serviceOf(n)
	if err != nil {
		return err
	}
	if s.Rebalance == 0 {
		s.Rebalance = loadPeriod
	}
	svc.settings = s
	return nil
}

// plays tells whether a node has the role that a kind is hosted on.
func (h manner) plays(roles []string) bool { return h.role == "" || slices.Contains(roles, h.role) }
