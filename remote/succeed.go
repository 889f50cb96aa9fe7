package remote

import (
	"errors"
	"math"
	"net"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// A node that its cluster removed comes back in the same process under a new
// UID. Everything that was agreed with other nodes ends then: associations,
// sequence numbers, watches. So the new incarnation gets a Remote of its own,
// the successor. What stays are the PIDs that the program holds, and the
// route that protoactor keeps in each: it leads to the newest Remote.

// succession is what a Remote shares with its successors.
type succession struct {
	current atomic.Pointer[Remote] // the newest
}

// resolve is the address resolver of the actor system, which has no way to
// take one back.
func (s *succession) resolve(pid *pa.PID) (pa.Process, bool) { return s.current.Load().resolve(pid) }

// errOpen is returned by Succeed before Close.
var errOpen = errors.New("remote: not closed yet")

// Succeed connects the actor system of r, which must be closed, again: under
// the UID that the system has by now, over ln, with the same Config. For other
// nodes that is a new incarnation. All that r still had with the old world ends
// first: local actors get Terminated for each remote actor that they watch, and
// asks that wait for other nodes end with actor.ErrNodeRemoved. Services are to
// be handled anew. On an error ln is not closed.
func (r *Remote) Succeed(ln net.Listener) (*Remote, error) {
	select {
	case <-r.done:
	default:
		return nil, errOpen
	}
	self := Node{Address: r.sys.Address(), UID: r.sys.UID()}
	if self.UID <= r.self.UID {
		return nil, &IncarnationError{Address: self.Address, Want: r.self.UID + 1, Got: self.UID}
	}
	r.forsake()
	next := newRemote(r.sys, self, ln, r.cfg, r.guards, r.exposure)
	next.typed, next.line = r.typed, r.line
	r.line.current.Store(next)
	next.start(next.accept)
	return next, nil
}

// forsake ends what local actors have with other nodes, as if each of those
// had been removed: so it is, seen from a node that was.
func (r *Remote) forsake() {
	for _, p := range r.allPeers() {
		p.mu.Lock()
		uid := p.uid
		p.mu.Unlock()
		p.remove(math.MaxUint64)
		r.sys.NodeRemoved(p.address, uid)
	}
}
