package clusterd

import (
	"context"
	"time"

	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/seedjoin"
	"github.com/pando-go/pando/seedjoin/discovery"
)

// lookout is the goroutine that asks Config.Discovery.
type lookout struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
}

// checkDiscovery reports what is wrong with Discovery and Expect.
func (c *Config) checkDiscovery(fault func(format string, args ...any)) {
	switch {
	case c.Discovery.Source == nil && c.Expect != 0:
		fault("Expect: it is for Discovery, which is not set")
	case c.Discovery.Source == nil:
	case len(c.Seeds) > 0:
		fault("Discovery: it takes the place of Seeds; set one of them")
	case c.Expect < 1 || c.Expect > seedjoin.MaxSeeds:
		fault("Expect %d: want how many contact points a complete list has, 1 to %d", c.Expect, seedjoin.MaxSeeds)
	default:
		if err := c.Discovery.Validate(); err != nil {
			fault("%w", err)
		}
	}
}

// startDiscovery begins to ask the source, if there is one. It goes on for as
// long as the node lives: the stewards of a cluster invite those that come.
func (n *Node) startDiscovery() {
	if n.cfg.Discovery.Source == nil {
		return
	}
	cfg := n.cfg.Discovery
	if cfg.Logger == nil {
		cfg.Logger = n.log
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.lookout = lookout{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(n.lookout.done)
		err := discovery.Watch(ctx, cfg, func(l discovery.List) {
			n.inbox.put(core.Seeds{Addresses: l.Addresses, Unsettled: !l.Stable})
		})
		if ctx.Err() == nil {
			n.log.Error("discovery has ended", "error", err)
		}
	}()
}

func (n *Node) stopDiscovery() {
	if n.lookout.cancel != nil {
		n.lookout.cancel()
		<-n.lookout.done
	}
}

// tellContacts hands the core what was found. Called by the loop.
func (n *Node) tellContacts(now time.Time) {
	if len(n.contacts.Addresses) == 0 {
		return
	}
	if err := n.core.Step(now, n.contacts); err != nil {
		n.log.Error("contact points refused", "error", err)
	}
}
