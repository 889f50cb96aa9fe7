package remote

import (
	"time"
)

// A peer is forgotten when it has no connection, message, watch or question any
// more, and its node is removed, or it has been so for Config.ForgetAfter.
// What stays of it is its tombstone: which incarnations were known and removed,
// so that none of them comes back. A cluster whose nodes come and go under ever
// new addresses so costs a tombstone for each, for that time.

// tombstone is what is left of a peer.
type tombstone struct {
	uid, removed uint64
	since        time.Time
}

// crowded is how long a peer must be unused to be forgotten when there are
// Config.MaxPeers of them.
const crowded = time.Minute

// forgetIf forgets a peer if nothing needs it and it has been unused for so
// long, or is removed.
func (p *peer) forgetIf(unused time.Duration) bool {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forgotten || !p.isGone() && time.Since(p.used) < unused || p.inUse() || !p.shut() {
		return false
	}
	p.forgotten = true
	r := p.r
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.peers, p.address)
	r.recent.CompareAndSwap(p, nil)
	if p.uid != 0 {
		r.tombs[p.address] = tombstone{p.uid, p.removed, time.Now()}
	}
	return true
}

// inUse reports whether anything needs the peer. p.mu is held.
func (p *peer) inUse() bool {
	if len(p.watching) > 0 || len(p.watchers) > 0 {
		return true
	}
	for _, s := range p.streams {
		if s.conn != nil {
			return true
		}
	}
	for _, l := range p.lanes() {
		if l.isRunning() {
			return true
		}
	}
	return false
}

// shut has the queues refuse everything with errForgotten, if all are empty.
// p.mu is held.
func (p *peer) shut() bool {
	for i, q := range p.users {
		if !q.forget() {
			p.reopen(i)
			return false
		}
	}
	if !p.control.forget() {
		p.reopen(len(p.users))
		return false
	}
	return true
}

func (p *peer) reopen(n int) {
	for _, q := range p.users[:n] {
		q.remember()
	}
}

// forget refuses everything from now on, if nothing is here.
func (q *userQueue) forget() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.flight) > 0 || len(q.open) > 0 || len(q.flows.by) > 0 {
		return false
	}
	q.kept, q.refuse = q.refuse, errForgotten
	q.room.signal()
	return true
}

// remember takes forget back.
func (q *userQueue) remember() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse = q.kept
}

// sweep forgets the peers that nobody has used for a time, and the tombstones
// that are old.
func (r *Remote) sweep(unused time.Duration) {
	for _, p := range r.allPeers() {
		p.forgetIf(unused)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweepAt = 2*len(r.peers) + 64
	for a, t := range r.tombs {
		if time.Since(t.since) >= r.cfg.ForgetAfter {
			delete(r.tombs, a)
		}
	}
	for a := range r.tombs { // there is room for so many; which ones go is chance
		if len(r.tombs) <= r.cfg.MaxPeers {
			break
		}
		delete(r.tombs, a)
	}
}
