package durable

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/slots"
)

const (
	// prefix begins the id under which a node passes a message on:
	// $durable/HOPS/KIND/ID/. The last slash keeps an id that ends in #123 from
	// looking like one that is meant for an incarnation.
	prefix = "$durable/"

	maxHops    = 3         // between nodes; after the last one a message waits
	maxWaits   = 16 << 10  // messages that wait for the primary of one shard
	maxAllWait = 256 << 10 // the same on this node
	sweepEvery = 250 * time.Millisecond
)

// router takes each message to the primary of its shard. It is the process behind
// all refs of durable entities on a node, and behind the prefix under which other
// nodes pass messages on. Any goroutine may call it.
type router struct {
	svc     *service
	places  []place
	waiting atomic.Int64
}

// place is where the messages of one shard go. Nothing is sent while its lock is
// held, since what cannot be sent becomes a dead letter, and whoever hears of those
// may send again. One goroutine at a time passes on what waits, and what comes
// meanwhile waits behind, so that the order stays.
type place struct {
	mu      sync.Mutex
	primary string // address of its node; "" = none is known
	home    *home  // set while that is this node
	waits   []*call
	pumping bool
}

func newRouter(svc *service) *router {
	return &router{svc: svc, places: make([]place, svc.cfg.Shards)}
}

// resolve is the address resolver for refs of the kinds that are known here.
func (r *router) resolve(pid *pa.PID) (pa.Process, bool) {
	if pid.Address != actor.EntityAddress {
		return nil, false
	}
	kind, _, _ := strings.Cut(pid.Id, "/")
	return r, r.svc.kinds[kind] != nil
}

// SendUserMessage takes a message from this node, whose PID is that of an entity
// ref, or one that another node passed on.
func (r *router) SendUserMessage(pid *pa.PID, msg any) {
	_, m, from := pa.UnwrapEnvelope(msg)
	c := &call{msg: m, from: from, when: time.Now()}
	if !r.parse(pid, c) {
		r.svc.lost(c, ErrBadID)
		return
	}
	r.route(c)
}

// SendSystemMessage ignores what cannot be asked of an entity: to be watched or
// stopped.
func (r *router) SendSystemMessage(*pa.PID, any) {}

// Stop does nothing: entities stop with their node.
func (r *router) Stop(*pa.PID) {}

// parse reads a PID; false if it names no entity.
func (r *router) parse(pid *pa.PID, c *call) bool {
	text := pid.Id
	if pid.Address != actor.EntityAddress {
		rest, inbound := strings.CutPrefix(text, prefix)
		digit, rest, cut := strings.Cut(rest, "/")
		n, err := strconv.ParseUint(digit, 10, 8)
		if !inbound || !cut || err != nil || !strings.HasSuffix(rest, "/") {
			return false
		}
		text, c.hops = rest[:len(rest)-1], int(n)
	}
	kind, id, ok := strings.Cut(text, "/")
	if !ok || id == "" || len(id) > maxID || !utf8.ValidString(id) {
		return false
	}
	c.kind, c.id, c.slot = r.svc.kinds[kind], id, slots.Of(id)
	return c.kind != nil
}

// route passes a message on at once, or lets it wait.
func (r *router) route(c *call) {
	p := &r.places[r.svc.shardOf(c.slot)]
	p.mu.Lock()
	if home, to, ok := r.way(p); ok && !p.pumping && len(p.waits) == 0 && (home != nil || c.hops < maxHops) {
		p.mu.Unlock()
		r.pass(c, home, to)
		return
	}
	r.wait(p, c)
}

// comeBack takes back a message that the home of its shard may not handle: the
// node is no longer the primary, or has no lease. It may be overtaken by those that
// came after it, which no sender that awaits its answers notices.
func (r *router) comeBack(shard int, c *call) {
	p := &r.places[shard]
	p.mu.Lock()
	if home, to, ok := r.way(p); ok && home == nil && c.hops < maxHops {
		p.mu.Unlock()
		r.pass(c, nil, to)
		return
	}
	r.wait(p, c)
}

// way tells where a shard's messages can go now. Callers hold the lock.
func (r *router) way(p *place) (home *home, to string, ok bool) {
	if p.home != nil {
		return p.home, "", r.svc.mayServe(p.home.shard)
	}
	return nil, p.primary, p.primary != "" && p.primary != r.svc.address
}

// pass sends a message where its shard's primary is.
func (r *router) pass(c *call, home *home, to string) {
	if home != nil {
		home.self.Tell(c)
		return
	}
	r.svc.forwarded.Add(1)
	pid := &pa.PID{Address: to, Id: prefix + strconv.Itoa(c.hops+1) + "/" + c.kind.name + "/" + c.id + "/"}
	msg := c.msg
	if c.from != nil {
		msg = &pa.MessageEnvelope{Message: c.msg, Sender: c.from}
	}
	r.svc.sys.Proto().Root.Send(pid, msg)
}

// wait lets a message wait for a primary. It is called with the lock and gives it up.
func (r *router) wait(p *place, c *call) {
	var fault error
	switch {
	case r.svc.stopped.Load():
		fault = ErrStopped
	case len(p.waits) >= maxWaits || r.waiting.Load() >= maxAllWait:
		fault = ErrFull
	default:
		p.waits = append(p.waits, c)
		if r.waiting.Add(1) == 1 {
			r.svc.node.Poke(serviceName)
		}
	}
	p.mu.Unlock()
	if fault != nil {
		r.svc.lost(c, fault)
	}
}

// pump passes on what waits, as far as it can. Hops count anew, nearly: what waits
// goes by newer news than those that brought it here. It is called with the lock
// and gives it up.
func (r *router) pump(p *place) {
	for !p.pumping && len(p.waits) > 0 {
		home, to, ok := r.way(p)
		if !ok {
			break
		}
		list := p.waits
		p.waits, p.pumping = nil, true
		r.waiting.Add(-int64(len(list)))
		p.mu.Unlock()
		for _, c := range list {
			c.hops = min(c.hops, maxHops-1)
			r.pass(c, home, to)
		}
		p.mu.Lock()
		p.pumping = false
	}
	p.mu.Unlock()
}

// lead directs a shard: its primary is at address, and home is its home if that
// is this node.
func (r *router) lead(shard int, address string, home *home) {
	p := &r.places[shard]
	p.mu.Lock()
	p.primary, p.home = address, home
	r.pump(p)
}

// resume passes on what waits for a shard.
func (r *router) resume(shard int) {
	p := &r.places[shard]
	p.mu.Lock()
	r.pump(p)
}

// primary returns the address of a shard's primary, as far as this node knows.
func (r *router) primary(shard int) string {
	p := &r.places[shard]
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.primary
}

// sweep passes on what can be, for instance since the lease is back, refuses what
// has waited too long, and tells when to call it again; zero if nothing waits.
func (r *router) sweep(now time.Time) time.Time {
	if r.waiting.Load() == 0 {
		return time.Time{}
	}
	for i := range r.places {
		p := &r.places[i]
		p.mu.Lock()
		r.pump(p)
		p.mu.Lock()
		n := 0
		for n < len(p.waits) && now.Sub(p.waits[n].when) >= r.svc.cfg.MaxWait {
			n++
		}
		late := p.waits[:n]
		p.waits = p.waits[n:]
		r.waiting.Add(-int64(n))
		p.mu.Unlock()
		for _, c := range late {
			r.svc.lost(c, ErrNoPrimary)
		}
	}
	if r.waiting.Load() == 0 {
		return time.Time{}
	}
	return now.Add(sweepEvery)
}

// dropAll refuses all that waits.
func (r *router) dropAll(err error) {
	for i := range r.places {
		p := &r.places[i]
		p.mu.Lock()
		list := p.waits
		p.waits = nil
		r.waiting.Add(-int64(len(list)))
		p.mu.Unlock()
		for _, c := range list {
			r.svc.lost(c, err)
		}
	}
}
