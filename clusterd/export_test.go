package clusterd

import (
	"github.com/pando-go/pando/clusterd/internal/harness"
	"github.com/pando-go/pando/remote/memnet"
)

// On returns cfg for a node at cfg.Listen of a network in memory.
func On(n *memnet.Network, cfg Config) Config {
	cfg.Harness = harness.Node{Listen: n.Listen, Dial: n.Dialer(cfg.Listen)}
	return cfg
}
