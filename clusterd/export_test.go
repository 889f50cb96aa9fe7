package clusterd

import "github.com/pando-go/pando/remote/memnet"

// On returns cfg for a node at cfg.Listen of a network in memory.
func On(n *memnet.Network, cfg Config) Config {
	cfg.net = network{listen: n.Listen, dial: n.Dialer(cfg.Listen)}
	return cfg
}
