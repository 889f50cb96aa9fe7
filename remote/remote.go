package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// Node is one incarnation at an address. UID 0 means whoever is there.
type Node struct {
	Address string // host:port
	UID     uint64 // grows with each start at that address
}

// system is what a Remote needs of [actor.System].
type system interface {
	Name() string
	Address() string
	UID() uint64
	Proto() *pa.ActorSystem
	DeliverWith(id string, from *pa.PID, header map[string]string, msg any)
	DeliverAnswer(id []byte, from *pa.PID, header map[string]string, msg any)
	inlet(id string) inlet
	Portable(pid *pa.PID) (address, id string)
	NodeRemoved(address string, uid uint64)
	DeadLetter(to, from *pa.PID, msg any, reason error)
	SpawnKind(kind, id, name string) (*pa.PID, error)
	Reach(id string) actor.Reach
}

// inlet hands in messages for one local id.
type inlet interface {
	Deliver(from *pa.PID, header map[string]string, msg any)
}

// actors makes a system of an actor.System.
type actors struct{ *actor.System }

func (a actors) inlet(id string) inlet { return a.System.Inlet(id) }

// Remote connects one actor system to other nodes. Create it with [Listen].
type Remote struct {
	sys    system
	typed  *actor.System // the same, for typed refs
	self   Node
	cfg    Config
	log    *slog.Logger
	ln     net.Listener
	count  counters
	codecs codecs
	line   *succession
	guards
	exposure *exposure // shared with successors, as the actors are
	warnings warnings

	chunks  sync.Pool     // *[]byte of chunkBytes
	scratch sync.Pool     // *[]byte for payloads
	spawns  chan struct{} // a token for each spawn that runs
	moved   chan struct{} // holds one after something was sent or acknowledged
	halt    chan struct{} // closed when Close begins
	done    chan struct{} // closed when Close is complete
	wg      sync.WaitGroup

	recent atomic.Pointer[peer] // of peers, the one last looked up; changed under mu

	mu          sync.Mutex
	closing     bool // Close has been called
	stopped     bool // nothing is started any more
	services    map[string]Service
	peers       map[string]*peer
	tombs       map[string]tombstone
	generations uint64                // of peers
	sweepAt     int                   // so many peers have the unused ones forgotten
	conns       map[net.Conn]struct{} // from other nodes
	greetings   int                   // of them without a handshake so far
	sources     map[string]*origin    // where they come from
}

// maxSpawns is how many requests of other nodes are carried out at a time,
// maxPeerSpawns how many of one.
const (
	maxSpawns     = 64
	maxPeerSpawns = 16
)

// Listen takes over ln and connects sys to other nodes: it registers the
// resolver of addresses and accepts connections. Call it before sys has sent
// anything. The address and UID of sys are what other nodes are told; ln may
// listen elsewhere. Listen reports all faults of cfg at once.
func Listen(sys *actor.System, ln net.Listener, cfg Config) (*Remote, error) {
	r, err := listen(actors{sys}, ln, cfg)
	if err != nil {
		return nil, err
	}
	r.typed = sys
	return r, nil
}

func listen(sys system, ln net.Listener, cfg Config) (*Remote, error) {
	cfg, cfgErr := cfg.withDefaults()
	self := Node{Address: sys.Address(), UID: sys.UID()}
	if !wire.CheckAddress(self.Address) || self.UID == 0 {
		return nil, fmt.Errorf("remote: address %q with UID %d cannot be reached by other nodes", self.Address, self.UID)
	}
	guards, err := cfg.guards(self.Address, ln.Addr())
	if err := errors.Join(cfgErr, err); err != nil {
		return nil, fmt.Errorf("remote: config: %w", err)
	}
	r := newRemote(sys, self, ln, cfg, guards, &exposure{})
	r.Expose(cfg.Expose...)
	r.line = &succession{}
	r.line.current.Store(r)
	sys.Proto().ProcessRegistry.RegisterAddressResolver(r.line.resolve)
	r.start(r.accept)
	return r, nil
}

func newRemote(sys system, self Node, ln net.Listener, cfg Config, guards guards, exposure *exposure) *Remote {
	r := &Remote{
		sys: sys, self: self, cfg: cfg, log: cfg.Logger.With("node", self.Address), ln: ln,
		guards: guards, exposure: exposure,
		spawns:   make(chan struct{}, maxSpawns),
		moved:    make(chan struct{}, 1),
		halt:     make(chan struct{}),
		done:     make(chan struct{}),
		services: make(map[string]Service),
		peers:    make(map[string]*peer),
		codecs:   codecs{list: cfg.Codecs},
		tombs:    make(map[string]tombstone), sweepAt: 64,
		conns:   make(map[net.Conn]struct{}),
		sources: make(map[string]*origin),
	}
	r.chunks.New = func() any { b := make([]byte, 0, chunkBytes); return &b }
	r.scratch.New = func() any { b := make([]byte, 0, 512); return &b }
	return r
}

// start runs f in a goroutine that Close waits for. It is false once Close has
// stopped everything.
func (r *Remote) start(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.wg.Go(f)
	return true
}

// begin is start for who says by itself when it has ended.
func (r *Remote) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.wg.Add(1)
	}
	return !r.stopped
}

// known returns the peer of an address, nil if there is none.
func (r *Remote) known(address string) *peer {
	if p := r.recent.Load(); p != nil && p.address == address {
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[address]
	if p != nil {
		r.recent.Store(p)
	}
	return p
}

// peer returns the peer of an address, new if need be; nil if there are too many.
func (r *Remote) peer(address string) *peer {
	if p := r.known(address); p != nil {
		return p
	}
	r.makeRoom()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[address]
	if p == nil && len(r.peers) < r.cfg.MaxPeers {
		p = newPeer(r, address)
		t := r.tombs[address]
		p.uid, p.removed = t.uid, t.removed
		delete(r.tombs, address)
		r.peers[address] = p
		if r.stopped {
			p.close()
		}
	}
	return p
}

// makeRoom forgets peers, now and then, before another comes.
func (r *Remote) makeRoom() {
	r.mu.Lock()
	n, at := len(r.peers), r.sweepAt
	r.mu.Unlock()
	switch {
	case n >= r.cfg.MaxPeers:
		r.sweep(min(crowded, r.cfg.ForgetAfter))
	case n >= at:
		r.sweep(r.cfg.ForgetAfter)
	}
}

// reach is peer for an address from outside; nil if it is none.
func (r *Remote) reach(address string) *peer {
	if !wire.CheckAddress(address) {
		return nil
	}
	return r.peer(address)
}

func (r *Remote) allPeers() []*peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*peer, 0, len(r.peers))
	for _, p := range r.peers {
		all = append(all, p)
	}
	return all
}

// peersAt returns the peers that are the node at an address, under whatever
// spelling.
func (r *Remote) peersAt(address string) []*peer {
	var at []*peer
	for _, p := range r.allPeers() {
		if p.isAt(address) {
			at = append(at, p)
		}
	}
	return at
}

// removedAt returns the highest UID removed at an address.
func (r *Remote) removedAt(address string) uint64 {
	r.mu.Lock()
	p, t := r.peers[address], r.tombs[address]
	r.mu.Unlock()
	if p == nil {
		return t.removed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.removed
}

// Service is the receiving end of one kind of control message.
type Service struct {
	// Receive is called with each message, in the order of posting for each
	// peer, on the connection's goroutine: it must not block. The payload is
	// the callee's.
	Receive func(from Node, payload []byte)
	// Failed is called with a posted message that certainly or probably did
	// not arrive: ErrNobody, *RefusedError, *IncarnationError, ErrLost,
	// ErrQueueFull or another error. It must not block. It is never called
	// from within Post, nor after Close.
	Failed func(to Node, payload []byte, err error)
}

// Handle installs the service of a name. Messages for a name without a service
// are counted and dropped, so call it before other nodes can know this one.
func (r *Remote) Handle(service string, s Service) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services[service] = s
}

func (r *Remote) service(name string) (Service, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.services[name]
	return s, ok
}

// Post sends a control message. It never blocks. to.UID 0 is whoever answers at
// that address, also under another spelling of this node's own. A message for
// a peer that cannot be reached fails after one try to connect.
func (r *Remote) Post(to Node, service string, payload []byte) {
	m := &post{uid: to.UID, failed: func(err error) {
		if s, ok := r.service(service); ok && s.Failed != nil {
			s.Failed(to, payload, err)
		}
	}}
	p := r.reach(to.Address)
	if p == nil {
		r.log.Error("control message dropped: address invalid or one too many", "to", to.Address, "service", service)
		r.count.controlDropped.Add(1)
		return
	}
	if len(service) > wire.MaxText || len(payload) > r.cfg.MaxMessage {
		p.control.fail(m, fmt.Errorf("%w: %s: %d bytes, limit %d", ErrTooLarge, service, len(payload), r.cfg.MaxMessage))
		return
	}
	frame, err := wire.AppendFrame(make([]byte, 0, len(payload)+len(service)+32), wire.KindControl,
		&remotepb.Control{Service: service, Payload: payload})
	if err != nil {
		p.control.fail(m, fmt.Errorf("remote: service %q: %w", service, err))
		return
	}
	m.frame = frame
	for p != nil && !p.control.push(m) { // it was forgotten a moment ago
		p = r.reach(to.Address)
	}
}

// Known tells which incarnation is the member at an address. A higher UID than
// the one known so far ends all that was agreed with the older incarnation.
func (r *Remote) Known(n Node) {
	if n.UID == 0 || n == r.self || !wire.CheckAddress(n.Address) {
		return
	}
	r.peer(n.Address)
	for _, p := range r.peersAt(n.Address) {
		p.meet(n.UID)
	}
}

// Removed tells that a member was removed for good: who watches its actors gets
// Terminated, asks that wait for it end, what waits to be sent to it becomes
// dead letters, the watches that it held are forgotten and its user messages
// are refused from now on. Control messages still pass, in both directions.
// All older incarnations at the address count as removed too.
func (r *Remote) Removed(n Node) {
	if n.UID == 0 || n == r.self || !wire.CheckAddress(n.Address) {
		return
	}
	r.peer(n.Address)
	for _, p := range r.peersAt(n.Address) {
		p.remove(n.UID)
	}
	r.sys.NodeRemoved(n.Address, n.UID)
}

// Close stops everything and waits for it; a second call waits for the first. User and control messages for peers
// that can be reached are sent first, for as long as ctx allows; the error is
// ctx's if it ended that. What is left becomes dead letters.
func (r *Remote) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		<-r.done
		return nil
	}
	r.closing = true
	r.mu.Unlock()
	defer close(r.done)
	close(r.halt)
	r.ln.Close()
	err := r.flush(ctx)
	r.stop()
	r.wg.Wait()
	for _, p := range r.allPeers() {
		p.drainUsers(errStopped, errStopped)()
	}
	return err
}

// errStopped is the reason of dead letters after Close.
var errStopped = fmt.Errorf("%w: %w", actor.ErrStopped, ErrClosed)

// stop ends all connections and lanes.
func (r *Remote) stop() {
	r.mu.Lock()
	r.stopped = true
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	for _, p := range r.allPeers() {
		p.close()
	}
}

func (p *peer) close() {
	p.control.close()
	for _, q := range p.users {
		q.refuseAll(errStopped)
	}
	for _, l := range p.lanes() {
		l.close()
	}
}

// flush waits until each lane is empty, or cannot connect.
func (r *Remote) flush(ctx context.Context) error {
	for _, p := range r.allPeers() {
		p.control.hasten()
	}
	for r.busy() {
		select {
		case <-r.moved:
		case <-ctx.Done():
			return fmt.Errorf("remote: close: %w", errors.Join(ctx.Err(), context.Cause(ctx)))
		}
	}
	return nil
}

func (r *Remote) busy() bool {
	for _, p := range r.allPeers() {
		if !p.control.empty() && !p.control.l.isDown() {
			return true
		}
		for _, q := range p.users {
			if !q.empty() && !q.l.isDown() {
				return true
			}
		}
	}
	return false
}

// touch tells flush to look again.
func (r *Remote) touch() {
	select {
	case r.moved <- struct{}{}:
	default:
	}
}
