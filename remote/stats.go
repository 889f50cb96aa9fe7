package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
)

// Stats counts since Listen, but for the gauges Peers, Inbound and Outbound.
type Stats struct {
	Peers    int // addresses known
	Inbound  int // connections that other nodes opened, shaken hands or not
	Outbound int // connections to other nodes

	Accepted  uint64 // connections from other nodes whose handshake succeeded
	Dialled   uint64 // connections to other nodes whose handshake succeeded
	Failed    uint64 // tries to connect that failed
	Refused   uint64 // connections from other nodes that were refused with a code
	Malformed uint64 // connections closed because the other side broke the protocol

	Sent          uint64 // user messages taken for other nodes
	SentBytes     uint64 // written to connections, all lanes
	Received      uint64 // user messages that arrived, deliverable or not
	ReceivedBytes uint64 // frames that arrived, all lanes
	Resent        uint64 // user messages written again on a new connection

	Overflow    uint64 // user messages that found the queue full
	Undelivered uint64 // user messages that became dead letters here before they left
	Undecodable uint64 // user messages that arrived and could not be decoded
	Panics      uint64 // panics of code that handled an arrived message

	NotExposed uint64 // messages of other nodes for actors that they may not reach

	Control         uint64 // control messages that arrived
	ControlFailed   uint64 // control messages whose failure was told
	ControlDropped  uint64 // control messages whose failure could not even be told
	UnknownServices uint64 // control messages for a service that is not installed
}

// PeerStats tells of one address that this node has to do with.
type PeerStats struct {
	Address string
	UID     uint64 // of the newest incarnation known; 0 = none
	Removed bool   // that incarnation was removed
	Queued  int    // bytes of user messages that wait or are not acknowledged
	Dropped Drops
	Lanes   []LaneStats // control first, then the user lanes
}

// Drops counts the user messages for one peer that became dead letters here, by
// reason.
type Drops struct {
	Full        uint64 // the queue was full
	NodeRemoved uint64 // the node was removed, or restarted meanwhile
	NotPortable uint64 // no codec, too large, or an id that cannot be sent
	Other       uint64 // refused by the peer, or this node was closed
}

// LaneStats tells of one lane to a peer and of the peer's lane back.
type LaneStats struct {
	Name     string // "control", "user0", "user1", …
	Up       bool   // a connection to the peer stands or is tried
	Connects uint64 // connections to the peer, reconnects included

	Sent      uint64 // user messages, or control and system messages, that were queued
	SentBytes uint64 // written to connections
	Received  uint64 // user messages, or control and system messages, that arrived
	Fragments uint64 // frames written that were parts of a large message
	// PackedFrom and PackedTo are the bytes of frames that were compressed,
	// before and after.
	PackedFrom uint64
	PackedTo   uint64
	// AckLatency is how long an acknowledgement took of late: a mean in which
	// the newest counts an eighth. The other side takes up to 5 ms to send one.
	AckLatency time.Duration
}

type counters struct {
	inbound, outbound                                 atomic.Int64
	accepted, dialled, failed, refused, malformed     atomic.Uint64
	sent, sentBytes, received, receivedBytes, resent  atomic.Uint64
	overflow, undelivered, undecodable, panics        atomic.Uint64
	notExposed                                        atomic.Uint64
	control, controlFailed, controlDropped, noService atomic.Uint64
}

// laneCounters are those of one lane, in both directions.
type laneCounters struct {
	connects, sent, wireBytes, received atomic.Uint64
	fragments, packedFrom, packedTo     atomic.Uint64
	ackLatency                          atomic.Int64
}

type dropCounters struct{ full, removed, notPortable, other atomic.Uint64 }

func (d *dropCounters) of(reason error) *atomic.Uint64 {
	switch {
	case errors.Is(reason, actor.ErrMailboxFull):
		return &d.full
	case errors.Is(reason, actor.ErrNodeRemoved):
		return &d.removed
	case errors.Is(reason, actor.ErrNotPortable):
		return &d.notPortable
	}
	return &d.other
}

// drop counts a user message for p that becomes a dead letter.
func (r *Remote) drop(p *peer, reason error) {
	if errors.Is(reason, actor.ErrMailboxFull) {
		r.count.overflow.Add(1)
	}
	r.count.undelivered.Add(1)
	p.drops.of(reason).Add(1)
}

// probe measures how long one acknowledgement takes. Its owner locks.
type probe struct {
	seq uint64 // 0: none is under way
	at  time.Time
}

func (p *probe) start(seq uint64) {
	if p.seq == 0 {
		p.seq, p.at = seq, time.Now()
	}
}

func (p *probe) end(ack uint64, stats *laneCounters) {
	if p.seq == 0 || ack < p.seq {
		return
	}
	took, old := int64(time.Since(p.at)), stats.ackLatency.Load()
	if old != 0 {
		took = old + (took-old)/8
	}
	stats.ackLatency.Store(took)
	p.seq = 0
}

// Stats returns the counters. Any goroutine.
func (r *Remote) Stats() Stats {
	r.mu.Lock()
	peers := len(r.peers)
	r.mu.Unlock()
	c := &r.count
	return Stats{
		Peers: peers, Inbound: int(c.inbound.Load()), Outbound: int(c.outbound.Load()),
		Accepted: c.accepted.Load(), Dialled: c.dialled.Load(), Failed: c.failed.Load(),
		Refused: c.refused.Load(), Malformed: c.malformed.Load(),
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(),
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(), Resent: c.resent.Load(),
		Overflow: c.overflow.Load(), Undelivered: c.undelivered.Load(),
		Undecodable: c.undecodable.Load(), Panics: c.panics.Load(),
		NotExposed: c.notExposed.Load(),
		Control:    c.control.Load(), ControlFailed: c.controlFailed.Load(),
		ControlDropped: c.controlDropped.Load(), UnknownServices: c.noService.Load(),
	}
}

// PeerStats returns the counters by peer and lane, in the order of addresses.
// They end with the peer: one that was forgotten begins anew. Any goroutine.
func (r *Remote) PeerStats() []PeerStats {
	var all []PeerStats
	for _, p := range r.allPeers() {
		all = append(all, p.stats())
	}
	slices.SortFunc(all, func(a, b PeerStats) int { return strings.Compare(a.Address, b.Address) })
	return all
}

func (p *peer) stats() PeerStats {
	p.mu.Lock()
	s := PeerStats{Address: p.address, UID: p.uid, Removed: p.isGone(), Queued: int(p.room.used.Load())}
	p.mu.Unlock()
	d := &p.drops
	s.Dropped = Drops{
		Full: d.full.Load(), NodeRemoved: d.removed.Load(), NotPortable: d.notPortable.Load(), Other: d.other.Load(),
	}
	for _, l := range p.lanes() {
		s.Lanes = append(s.Lanes, l.statistics())
	}
	return s
}

func (l *lane) statistics() LaneStats {
	c := l.stats
	return LaneStats{
		Name: laneName(l.kind, l.index), Up: l.isRunning(), Connects: c.connects.Load(),
		Sent: c.sent.Load(), SentBytes: c.wireBytes.Load(), Received: c.received.Load(),
		Fragments: c.fragments.Load(), PackedFrom: c.packedFrom.Load(), PackedTo: c.packedTo.Load(),
		AckLatency: time.Duration(c.ackLatency.Load()),
	}
}

func laneName(kind remotepb.Lane, index uint32) string {
	if kind == remotepb.Lane_LANE_CONTROL {
		return "control"
	}
	return fmt.Sprintf("user%d", index)
}
