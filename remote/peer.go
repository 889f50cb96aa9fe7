package remote

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// maxStreams is how many streams one peer may have: its lanes times the
// spellings of this node's address that it dials.
const maxStreams = 256

// generationBits is how many numbers the streams to an address have, at most,
// until it is forgotten.
const generationBits = 40

// peer is what this node knows of an address: the incarnation that is there,
// the lanes to it and the watches in both directions. There is one for each
// address, or spelling of it, until it is forgotten.
//
// Locks are taken in the order turn, mu, lane, queue, Remote.
type peer struct {
	r       *Remote
	address string
	route   *route
	users   []*userQueue // by lane
	control *controlQueue
	room    *room // of the user lanes
	drops   dropCounters

	spawns atomic.Int64  // requests of this peer that are carried out
	many   atomic.Bool   // its last batch had more than one message
	heard  atomic.Uint32 // how many batches have come

	answers atomic.Pointer[inbound] // where askers may read; nil: nowhere

	turn sync.Mutex // held from one incarnation to the next, until the old is cleared away

	mu        sync.Mutex
	forgotten bool
	used      time.Time // when a connection of it ended, or it was made
	uid       uint64    // the newest incarnation known; 0: none
	removed   uint64    // this incarnation, and all before it, are removed members
	canonical string    // what the node itself says its address is; "" = unknown
	streams   map[streamKey]*stream
	watching  map[watchKey]watch    // local watchers of actors there
	watchers  map[watchKey]struct{} // watchers there of local actors
}

// streamKey names one of the sequences of numbers that a peer sends.
type streamKey struct {
	lane    remotepb.Lane
	index   uint32
	dialled string
}

// stream is how far one such sequence has arrived. Its numbers and what is
// partial belong to the goroutine that reads conn; the next reader waits for
// it to end.
type stream struct {
	batch, system atomic.Uint64
	partial       wire.Partial
	holds         atomic.Bool // held is not empty

	conn *inbound               // under peer.mu
	held map[watchKey]heldWatch // under peer.mu
}

// newPeer is called under r.mu.
func newPeer(r *Remote, address string) *peer {
	p := &peer{r: r, address: address, used: time.Now(), room: &room{limit: int64(r.cfg.QueueBytes)}}
	p.route = &route{line: r.line, address: address}
	p.route.p.Store(p)
	// What was sent before the address was forgotten, the node there may
	// remember: numbers go on, far above those.
	first := r.generations << generationBits
	r.generations++
	for i := range r.cfg.UserLanes {
		stats := new(laneCounters)
		l := newLane(p, remotepb.Lane_LANE_USER, uint32(i), stats)
		q := newUserQueue(l, p.room, &r.chunks, stats, first)
		l.src = q
		p.users = append(p.users, q)
	}
	c := newLane(p, remotepb.Lane_LANE_CONTROL, 0, new(laneCounters))
	p.control = newControlQueue(c, r.cfg.ControlMessages, r.cfg.ControlBytes)
	p.control.system.seq, p.control.system.taken = first, first
	c.src = p.control
	return p
}

// lanes returns the control lane and the user lanes.
func (p *peer) lanes() []*lane {
	all := []*lane{p.control.l}
	for _, q := range p.users {
		all = append(all, q.l)
	}
	return all
}

// userFor returns the queue for a receiver. Answers to asks share one: each is
// the only message to its receiver, so there is no order to keep, and together
// they fill batches. Of a service's id, which begins with "$", only what follows
// the last "//" counts: before it a service writes what changes from message to
// message, though the receiver is the same and the order matters.
func (p *peer) userFor(id string) *userQueue {
	if len(p.users) == 1 || strings.HasPrefix(id, askPrefix) {
		return p.users[0]
	}
	if strings.HasPrefix(id, "$") {
		id = id[max(0, strings.LastIndex(id, "//")):]
	}
	return p.users[xxhash.Sum64String(id)%uint64(len(p.users))]
}

// counters returns those of the peer's lane that is c's counterpart. A peer may
// have more lanes than this node; the last one counts for those beyond.
func (p *peer) counters(c *inbound) *laneCounters {
	if c.lane == remotepb.Lane_LANE_CONTROL {
		return p.control.l.stats
	}
	return p.users[min(int(c.index), len(p.users)-1)].stats
}

// drainUsers drains the queues of all user lanes.
func (p *peer) drainUsers(reason, refuse error) (bury func()) {
	var all []func()
	for _, q := range p.users {
		all = append(all, q.drain(reason, refuse))
	}
	return func() {
		for _, f := range all {
			f()
		}
	}
}

// is reports whether uid is the incarnation that is there.
func (p *peer) is(uid uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uid == uid
}

// isAt reports whether the peer is the node at a canonical address.
func (p *peer) isAt(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address == address || p.canonical == address
}

// connect opens a connection for a lane and meets the incarnation that answers.
func (p *peer) connect(ctx context.Context, l *lane) (*outbound, error) {
	c, err := p.r.open(ctx, p.address, l)
	if err != nil {
		return nil, err
	}
	if err := p.answered(c.welcome, l.kind); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (p *peer) answered(w *remotepb.Welcome, kind remotepb.Lane) error {
	removed := p.r.removedAt(w.Address)
	if newest, ok := p.meet(w.Uid); !ok {
		return &IncarnationError{Address: p.address, Want: newest, Got: w.Uid}
	}
	p.mu.Lock()
	p.canonical = w.Address
	p.mu.Unlock()
	if w.Uid <= removed {
		p.remove(removed)
		if kind == remotepb.Lane_LANE_USER {
			return fmt.Errorf("%w: %s", actor.ErrNodeRemoved, p.address)
		}
	}
	return nil
}

// meet notes which incarnation is at the address. A newer one ends all that was
// agreed with the old: connections, sequences, queues and the watches that the
// old one held. Watches on its actors stay until it is removed. An older one is
// not ok; newest is what is known.
func (p *peer) meet(uid uint64) (newest uint64, ok bool) {
	newest, ok, bury := p.turnTo(uid)
	bury()
	return newest, ok
}

func (p *peer) turnTo(uid uint64) (newest uint64, ok bool, bury func()) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	old := p.uid
	if uid <= old {
		p.mu.Unlock()
		return old, uid == old, func() {}
	}
	p.uid = uid
	conns, watchers := p.unmeet(old, uid)
	p.mu.Unlock()
	if old == 0 {
		return uid, true, func() {}
	}
	p.r.log.Info("new incarnation", "member", p.address, "uid", fmt.Sprintf("%x", uid), "old", fmt.Sprintf("%x", old))
	for _, l := range p.lanes() {
		l.drop(uid)
	}
	closeAll(conns)
	p.control.reset()
	p.purge(watchers)
	return uid, true, p.drainUsers(fmt.Errorf("%w: %s restarted", actor.ErrNodeRemoved, p.address), nil)
}

// unmeet takes out what belongs to the incarnation old. p.mu is held.
func (p *peer) unmeet(old, uid uint64) (conns []*inbound, watchers map[watchKey]struct{}) {
	if old == 0 {
		for k, w := range p.watching {
			if w.uid == 0 {
				w.uid = uid
				p.watching[k] = w
			}
		}
		return nil, nil
	}
	conns = p.inbounds(func(streamKey) bool { return true })
	watchers, p.watchers, p.streams = p.watchers, nil, nil
	return conns, watchers
}

// inbounds returns the connections of some streams. p.mu is held.
func (p *peer) inbounds(which func(streamKey) bool) []*inbound {
	var conns []*inbound
	for k, s := range p.streams {
		if s.conn != nil && which(k) {
			conns = append(conns, s.conn)
		}
	}
	return conns
}

func closeAll(conns []*inbound) {
	for _, c := range conns {
		c.Close()
	}
}

// remove notes that uid, and all incarnations before it, are removed members.
func (p *peer) remove(uid uint64) {
	gone, bury := p.turnOff(uid)
	bury()
	for k, w := range gone {
		p.r.toLocal(k.watcher, &pa.Terminated{Who: w.pid, Why: pa.TerminatedReason_AddressTerminated})
	}
	p.forgetIf(p.r.cfg.ForgetAfter)
}

func (p *peer) turnOff(uid uint64) (gone map[watchKey]watch, bury func()) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	if uid <= p.removed {
		p.mu.Unlock()
		return nil, func() {}
	}
	p.removed = uid
	gone = p.takeWatching(uid)
	if p.uid > uid {
		p.mu.Unlock()
		return gone, func() {}
	}
	p.uid = uid
	conns := p.inbounds(func(k streamKey) bool { return k.lane == remotepb.Lane_LANE_USER })
	watchers := p.watchers
	p.watchers = nil
	p.mu.Unlock()
	for _, q := range p.users {
		q.l.drop(0)
	}
	closeAll(conns)
	p.control.reset()
	p.purge(watchers)
	return gone, p.drainUsers(actor.ErrNodeRemoved, actor.ErrNodeRemoved)
}

// enter lets a connection of the peer in: it becomes the reader of its stream.
// before is the reader that it replaces.
func (p *peer) enter(c *inbound) (before *inbound, refusal *remotepb.Refusal) {
	newest, ok := p.meet(c.uid)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.forgotten: // a moment ago
		return nil, &remotepb.Refusal{Code: CodeBusy, Text: "remote: try again"}
	case !ok || c.uid != p.uid:
		newest = max(newest, p.uid)
		return nil, &remotepb.Refusal{Code: CodeUID, Exceed: newest, Text: fmt.Sprintf(
			"remote: UID %d at %s was followed by UID %d; start the node there with a higher one", c.uid, p.address, newest)}
	case c.uid <= p.removed && c.lane == remotepb.Lane_LANE_USER:
		return nil, &remotepb.Refusal{Code: CodeRemoved, Text: fmt.Sprintf(
			"remote: %s with UID %d was removed from the cluster; it can join again with a new UID", p.address, c.uid)}
	}
	s := p.stream(streamKey{c.lane, c.index, c.dialled})
	if s == nil {
		return nil, &remotepb.Refusal{Code: CodeBusy, Text: "remote: too many lanes, or spellings of this node's address"}
	}
	before, s.conn, c.stream, c.stats = s.conn, c, s, p.counters(c)
	for _, l := range p.lanes() {
		l.retry() // it can be reached, or soon
	}
	return before, nil
}

// stream returns the stream of a key, new if need be; nil if there are too
// many. p.mu is held.
func (p *peer) stream(key streamKey) *stream {
	s := p.streams[key]
	if s == nil && len(p.streams) < maxStreams {
		if p.streams == nil {
			p.streams = make(map[streamKey]*stream)
		}
		s = &stream{}
		p.streams[key] = s
	}
	return s
}

// exit ends what enter began.
func (p *peer) exit(c *inbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.stream.conn == c {
		c.stream.conn = nil
	}
	p.used = time.Now()
}
