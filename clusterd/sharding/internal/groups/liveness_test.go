package groups

import (
	"fmt"
	"time"
)

// lull is the law of liveness: when faults end, every shard takes writes again in
// time, from whatever state they left the group in. Nobody is restarted for it, who
// would forget what he is stuck in. Stopped nodes, late packets and restarts that
// are under way are still faults; lag is when the last of them is over.
func (w *world) lull() {
	w.tracef("lull")
	w.mild, w.loss, w.slow = true, 0, 0
	clear(w.cut)
	w.run(lag)
	begin := w.now
	for missing := w.unwritten(begin); w.err == nil && len(missing) > 0; missing = w.unwritten(begin) {
		if w.now.Sub(begin) >= recovery {
			w.explain()
			w.failf("shards %v take no writes %v after the last fault", missing, recovery)
			return
		}
		for _, shard := range missing {
			w.probe(shard)
		}
		w.run(10 * time.Millisecond)
	}
	w.stats.recovery = max(w.stats.recovery, w.now.Sub(begin))
	w.mild = false
}

const (
	lag = 3100 * time.Millisecond
	// recovery is enough for a replica that restarted last to be bound by its
	// guard, two elections without a result, and moves between them.
	recovery = 2 * time.Second
)

// unwritten are the shards of which no write was acknowledged since a moment.
func (w *world) unwritten(since time.Time) (list []uint32) {
	for shard := range uint32(w.shards) {
		if !w.written[shard].After(since) {
			list = append(list, shard)
		}
	}
	return list
}

// probe writes to a shard, if anybody takes it.
func (w *world) probe(shard uint32) {
	for _, n := range w.nodes {
		if n.m == nil || n.until.After(w.now) || !n.m.CanServe(shard, n.clock()) {
			continue
		}
		w.write(n, shard, simKeys[0], Quorum)
		n.poll()
	}
}

// explain adds the state of all groups to the trace.
func (w *world) explain() {
	for _, n := range w.nodes {
		if n.m == nil {
			w.tracef("n%d does not run", n.at)
			continue
		}
		for _, g := range n.m.groups {
			if g != nil {
				w.tracef("n%d id %d %s", n.at, n.id, g.debug())
			}
		}
	}
}

// write proposes an append.
func (w *world) write(n *simNode, shard uint32, key string, level Level) {
	id := uint64(len(w.ops) + 1)
	o := &op{shard: shard, key: key, node: n, call: w.now, value: fmt.Sprint(id), level: level}
	if n.step(Propose{Shard: shard, ID: id, Level: o.level, Data: []byte(o.key + "=" + o.value)}) == nil {
		w.ops = append(w.ops, o)
		w.open[id] = o
	}
}
