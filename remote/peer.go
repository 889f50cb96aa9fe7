package remote

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// maxStreams is how many spellings of this node's address one peer may dial.
const maxStreams = 16

// peer is what this node knows of an address: the incarnation that is there,
// the two lanes to it and the watches in both directions. There is one for
// each address, or spelling of it, for as long as the Remote lives: PIDs keep
// it as their process.
//
// Locks are taken in the order turn, mu, lane, queue, Remote.
type peer struct {
	r       *Remote
	address string
	user    *userQueue
	control *controlQueue

	spawns atomic.Int64 // requests of this peer that are carried out

	turn sync.Mutex // held from one incarnation to the next, until the old is cleared away

	mu        sync.Mutex
	uid       uint64 // the newest incarnation known; 0: none
	removed   uint64 // this incarnation, and all before it, are removed members
	canonical string // what the node itself says its address is; "" = unknown
	streams   map[streamKey]*stream
	watching  map[watchKey]watch    // local watchers of actors there
	watchers  map[watchKey]struct{} // watchers there of local actors
}

// streamKey names one of the sequences of numbers that a peer sends.
type streamKey struct {
	lane    remotepb.Lane
	dialled string
}

// stream is how far one such sequence has arrived. The fields belong to the
// goroutine that reads conn; the next reader waits for it to end.
type stream struct {
	conn          *inbound // under peer.mu
	batch, system uint64
}

func newPeer(r *Remote, address string) *peer {
	p := &peer{r: r, address: address}
	u, c := newLane(p, remotepb.Lane_LANE_USER), newLane(p, remotepb.Lane_LANE_CONTROL)
	p.user = newUserQueue(u, r.cfg.QueueBytes, &r.chunks)
	p.control = newControlQueue(c, r.cfg.ControlMessages, r.cfg.ControlBytes)
	u.src, c.src = p.user, p.control
	return p
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
func (p *peer) connect(ctx context.Context, kind remotepb.Lane) (*outbound, error) {
	c, err := p.r.open(ctx, p.address, kind)
	if err != nil {
		return nil, err
	}
	if err := p.answered(c.welcome, kind); err != nil {
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
	p.user.l.drop(uid)
	p.control.l.drop(uid)
	closeAll(conns)
	p.control.reset()
	p.purge(watchers)
	return uid, true, p.user.drain(fmt.Errorf("%w: %s restarted", actor.ErrNodeRemoved, p.address), nil)
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
	p.user.l.drop(0)
	closeAll(conns)
	p.control.reset()
	p.purge(watchers)
	return gone, p.user.drain(actor.ErrNodeRemoved, actor.ErrNodeRemoved)
}

// enter lets a connection of the peer in: it becomes the reader of its stream.
// before is the reader that it replaces.
func (p *peer) enter(c *inbound, dialled string) (before *inbound, refusal *remotepb.Refusal) {
	newest, ok := p.meet(c.uid)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !ok || c.uid != p.uid:
		newest = max(newest, p.uid)
		return nil, &remotepb.Refusal{Code: CodeUID, Exceed: newest, Text: fmt.Sprintf(
			"remote: UID %d at %s was followed by UID %d; start the node there with a higher one", c.uid, p.address, newest)}
	case c.uid <= p.removed && c.lane == remotepb.Lane_LANE_USER:
		return nil, &remotepb.Refusal{Code: CodeRemoved, Text: fmt.Sprintf(
			"remote: %s with UID %d was removed from the cluster; it can join again with a new UID", p.address, c.uid)}
	}
	key := streamKey{c.lane, dialled}
	s := p.streams[key]
	if s == nil {
		if len(p.streams) >= maxStreams {
			return nil, &remotepb.Refusal{Code: CodeBusy, Text: "remote: too many spellings of this node's address"}
		}
		if p.streams == nil {
			p.streams = make(map[streamKey]*stream)
		}
		s = &stream{}
		p.streams[key] = s
	}
	before, s.conn, c.stream = s.conn, c, s
	p.user.l.retry() // it can be reached, or soon
	p.control.l.retry()
	return before, nil
}

// exit ends what enter began.
func (p *peer) exit(c *inbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.stream.conn == c {
		c.stream.conn = nil
	}
}

// bury makes dead letters of the messages of a chunk.
func (p *peer) bury(c *chunk, names *wire.Names, reason error) {
	_, envelopes, err := wire.ParseBatch(c.buf[wire.HeadLen:], names.Len(), nil)
	if err != nil {
		panic("remote: own batch is malformed: " + err.Error())
	}
	for i := range envelopes {
		e := &envelopes[i]
		to := &pa.PID{Address: p.address, Id: textOf(e.To, names)}
		var from *pa.PID
		if !e.From.IsZero() {
			from = &pa.PID{Address: p.r.self.Address, Id: textOf(e.From, names)}
			if !e.FromAddress.IsZero() {
				from.Address = textOf(e.FromAddress, names)
			}
		}
		typ := textOf(e.Type, names)
		msg, err := decoderOf(typ)(e.Payload)
		if err != nil { // a type that can be sent and not received
			msg = undecoded(typ, e.Payload)
		}
		p.r.count.undelivered.Add(1)
		p.r.sys.DeadLetter(to, from, msg, reason)
	}
}

// nameTable is either side of the table of names.
type nameTable interface{ At(ref uint32) string }

func textOf(s wire.Seen, names nameTable) string {
	if s.Ref != 0 {
		return names.At(s.Ref)
	}
	return string(s.B)
}
