package remote

import "sync/atomic"

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

type counters struct {
	inbound, outbound                                 atomic.Int64
	accepted, dialled, failed, refused, malformed     atomic.Uint64
	sent, sentBytes, received, receivedBytes, resent  atomic.Uint64
	overflow, undelivered, undecodable, panics        atomic.Uint64
	notExposed                                        atomic.Uint64
	control, controlFailed, controlDropped, noService atomic.Uint64
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
