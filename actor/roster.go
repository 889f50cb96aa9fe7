package actor

import (
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// rosterShards is how many locks a roster has, a power of two.
const rosterShards = 64

// roster lists the anonymous actors of a system. Nobody can look one up by an id
// that nobody knows. So it enters protoactor's registry, which costs more than all
// the rest of a spawn (tens of thousands of maps, hardly ever in the cache), when
// its PID is asked for the first time; many an actor ends before that.
type roster struct{ shards [rosterShards]rosterShard }

type rosterShard struct {
	mu    sync.Mutex
	cells []*core // each knows its place
	_     [32]byte
}

func (r *roster) shard(c *core) *rosterShard { return &r.shards[c.num%rosterShards] }

func (r *roster) add(c *core) {
	sh := r.shard(c)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c.place = uint32(len(sh.cells))
	sh.cells = append(sh.cells, c)
}

// introduce gives an actor the PID by which others know it from then on.
func (r *roster) introduce(c *core, pid *pa.PID) *pa.PID {
	sh := r.shard(c)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if known := c.pid.Load(); known != nil {
		return known
	}
	if !c.dead.Load() {
		c.sys.register(pid.Id, c)
	}
	c.pid.Store(pid)
	return pid
}

// remove takes an actor that ends off the list, and out of the registry.
func (r *roster) remove(c *core) {
	sh := r.shard(c)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if pid := c.pid.Load(); pid != nil {
		c.sys.forget(pid.Id)
	}
	c.dead.Store(true)
	last := len(sh.cells) - 1
	moved := sh.cells[last]
	sh.cells[c.place], moved.place = moved, c.place
	sh.cells[last] = nil
	sh.cells = sh.cells[:last]
	if last < cap(sh.cells)/4 && last >= rosterShards {
		sh.cells = append(make([]*core, 0, 2*last), sh.cells...)
	}
}

// each calls f for all, under a lock.
func (r *roster) each(f func(*core)) {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		for _, c := range sh.cells {
			f(c)
		}
		sh.mu.Unlock()
	}
}
