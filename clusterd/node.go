package clusterd

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/remote"
)

// The words of membership, as the engine defines them.
type (
	// Member is one member of the cluster as this node sees it.
	Member = engine.Member
	// Event is one change, or a Snapshot of everything.
	Event = engine.Event
	// Snapshot is everything this node knows of its cluster at one moment.
	Snapshot = engine.Snapshot
	// MemberChanged tells a member's new status.
	MemberChanged = engine.MemberChanged
	// ReachabilityChanged tells that a member became unreachable or reachable.
	ReachabilityChanged = engine.ReachabilityChanged
	// LeaderChanged tells the leader that this node derives.
	LeaderChanged = engine.LeaderChanged
	// ViewActive tells that a view is active; placement follows it.
	ViewActive = engine.ViewActive
	// SelfRemoved tells that this node is no longer a member.
	SelfRemoved = engine.SelfRemoved
	// IslandDetected tells that another cluster of the same name lives.
	IslandDetected = engine.IslandDetected
)

// View is what a node tells its user of the cluster.
type View struct {
	ClusterID string   // lower-case hexadecimal; "" before this node has joined
	Leader    string   // address; "" while unknown
	Converged bool     // the newest view known here is active
	Members   []Member // sorted by address; without removed members
}

// Node is one running cluster node. Its methods may be called from any
// goroutine.
type Node struct {
	cfg      Config
	log      *slog.Logger
	address  string // the one that the cluster knows; the same for every incarnation
	bound    string // what is listened on, with the port that was really bound
	sys      *actor.System
	life     atomic.Pointer[incarnation] // changes when the node rejoins, by the loop
	rng      *rand.Rand                  // owned by the loop once started
	core     *core.Core                  // owned by the loop
	inbox    *inbox
	hub      *hub
	kinds    []string      // fixed once started
	attached []*attachment // fixed once started
	started  bool          // set before any goroutine starts
	lookout  lookout       // fixed once started
	clerk    *clerk        // fixed once started; nil = no lease outside the cluster

	phases     phases
	background sync.WaitGroup // phases that run beside the loop
	looped     chan struct{}  // closed when the loop has ended

	leaving  bool       // owned by the loop: Leave was asked for
	over     bool       // owned by the loop: nothing is left to wait for
	asked    bool       // owned by the loop: services were told that the node leaves
	wake     time.Time  // owned by the loop: when the core's Tick is due
	upSince  time.Time  // owned by the loop: when this incarnation became Up; zero = it is not
	retries  int        // owned by the loop: rejoins in a row that did not last
	contacts core.Seeds // owned by the loop: what Discovery found last
	fence    *fence
	held     bool // owned by the loop: the services were last told that the fence holds

	halt     chan struct{} // closed to end the loop at once
	haltOnce sync.Once
	done     chan struct{} // closed when everything has ended

	mu     sync.Mutex
	up     chan struct{} // closed once this incarnation is Up
	note   core.Note     // the newest reason why this node is not Up yet
	err    error         // why it ended; fixed once done is closed
	pinned error         // a verdict that a later one does not replace
}

// incarnation is one life of a node in its cluster: from joining to removal.
type incarnation struct {
	self   member.Node
	remote *remote.Remote // nil during Install
}

// self is the incarnation that this node is now.
func (n *Node) self() member.Node { return n.life.Load().self }

// Start binds cfg.Listen, installs the services and begins to join. It returns
// as soon as the node listens; Ready waits until it is a member. ctx bounds
// this call only. A faulty cfg is reported whole, every fault at once.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	ln, err := cfg.listen(ctx)
	if err != nil {
		return nil, err
	}
	n, err := newNode(cfg, ln)
	if err != nil {
		ln.Close()
		return nil, err
	}
	return n, nil
}

// listen binds the node's port.
func (c *Config) listen(ctx context.Context) (net.Listener, error) {
	listen := c.Harness.Listen
	if listen == nil {
		listen = func(address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
	}
	ln, err := listen(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("clusterd: listen on %s: %w", c.Listen, err)
	}
	return ln, nil
}

// bound is Listen with the port that was really bound.
func (c *Config) bound(ln net.Listener) (string, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port != "0" {
		return c.Listen, err
	}
	_, port, err = net.SplitHostPort(ln.Addr().String())
	return net.JoinHostPort(host, port), err
}

func newNode(cfg Config, ln net.Listener) (*Node, error) {
	bound, err := cfg.bound(ln)
	if err != nil {
		return nil, fmt.Errorf("clusterd: %w", err)
	}
	address := cmp.Or(cfg.Advertise, bound)
	n := &Node{
		cfg:     cfg,
		address: address,
		bound:   bound,
		log:     cfg.Logger.With("node", address),
		rng:     newRand(),
		inbox:   newInbox(),
		fence:   newFence(),
		looped:  make(chan struct{}),
		halt:    make(chan struct{}),
		up:      make(chan struct{}),
		done:    make(chan struct{}),
	}
	uid := nextUID(time.Now(), n.rng, 0)
	n.life.Store(&incarnation{self: member.Node{Address: address, UID: uid}})
	n.sys, err = actor.NewSystem(actor.Config{
		Name: cfg.Name, Address: address, UID: uid, Logger: n.log, Dispatcher: cfg.Harness.Dispatcher,
	})
	if err != nil {
		return nil, fmt.Errorf("clusterd: %w", err)
	}
	if err := n.assemble(ln); err != nil {
		n.closeSystem()
		return nil, err
	}
	n.started = true
	n.startDiscovery()
	n.startClerk()
	go n.loop()
	return n, nil
}

// assemble installs the services, then opens the port.
func (n *Node) assemble(ln net.Listener) error {
	for _, s := range n.cfg.Services {
		if err := s.Install(n); err != nil {
			return fmt.Errorf("clusterd: install %T: %w", s, err)
		}
	}
	c, err := n.newCore(n.self(), core.Heir{})
	if err != nil {
		return fmt.Errorf("clusterd: %w", err)
	}
	n.core, n.hub = c, newHub(c.Snapshot())
	transport := n.cfg.transport()
	transport.Dial, transport.Logger = n.cfg.Harness.Dial, n.cfg.Logger
	r, err := remote.Listen(n.sys, ln, transport)
	if err != nil {
		return fmt.Errorf("clusterd: %w", err)
	}
	n.live(n.self(), r)
	return nil
}

// newCore makes the membership of one incarnation.
func (n *Node) newCore(self member.Node, former core.Heir) (*core.Core, error) {
	return core.New(core.Config{
		Self:       self,
		Info:       n.cfg.info(n.kinds),
		Name:       n.cfg.Name,
		Seeds:      n.cfg.Seeds,
		Symmetric:  n.cfg.Symmetric || n.cfg.Discovery.Source != nil,
		Expect:     n.cfg.Expect,
		Settings:   n.cfg.settings(),
		ReportOnly: n.cfg.ReportIslands,
		Downing:    n.cfg.Downing,
		MinMembers: n.cfg.MinMembers,
		MinByRole:  n.cfg.MinByRole,
		// The operator's word is for this start: whoever rejoins has been in a cluster.
		FoundAlone: n.cfg.FoundAlone && (former.Exceed == 0 || len(n.cfg.Seeds) == 0),
		Timing:     n.cfg.Timing,
		Rand:       n.rng,
		Gossip:     n.cfg.Gossip,
		Fanout:     n.cfg.GossipFanout,
		Former:     former,
	})
}

// live makes an incarnation the present one and lets its packets in.
func (n *Node) live(self member.Node, r *remote.Remote) {
	n.life.Store(&incarnation{self: self, remote: r})
	n.handle(r, memberService)
	for _, a := range n.attached {
		n.handle(r, a.name)
	}
}

// handle lets a service's packets into the inbox.
func (n *Node) handle(r *remote.Remote, service string) {
	r.Handle(service, remote.Service{
		Receive: func(from remote.Node, payload []byte) {
			n.inbox.offer(packet{service, member.Node(from), payload})
		},
		Failed: func(to remote.Node, payload []byte, err error) {
			n.inbox.offer(sendFailed{service, member.Node(to), payload, err})
		},
	})
}

func (n *Node) post(to member.Node, service string, payload []byte) {
	n.life.Load().remote.Post(remote.Node(to), service, payload)
}

// Expose adds to Config.Expose. Any goroutine, also a service during Install.
func (n *Node) Expose(names ...string) {
	if !n.started { // during Install
		n.cfg.Expose = append(n.cfg.Expose, names...)
		return
	}
	n.life.Load().remote.Expose(names...)
}

// newRand seeds the generator of the protocol cores; they draw from nothing else.
func newRand() *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
}

// nextUID draws the UID of an incarnation: in the order of time, and above
// exceed whatever the clock shows, so that it never belonged to anybody.
func nextUID(now time.Time, rng *rand.Rand, exceed uint64) uint64 {
	return max(uint64(now.UnixMilli()), exceed>>20+1)<<20 | rng.Uint64N(1<<20)
}

// Ready waits until this node is Up; while it rejoins after a removal, until it
// is Up again. It returns a *RefusedError when ctx ends while the cluster
// refuses this node, a *WaitingError when ctx ends before, and Err when the
// node has ended.
func (n *Node) Ready(ctx context.Context) error {
	n.mu.Lock()
	up := n.up
	n.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-n.done:
		if err := n.Err(); err != nil {
			return err
		}
		return ErrStopped
	case <-ctx.Done():
		return n.notReady(ctx)
	}
}

func (n *Node) notReady(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.note.Refused {
		return &RefusedError{By: n.note.By, Reason: n.note.Text}
	}
	return &WaitingError{For: n.note.Text, Cause: context.Cause(ctx)}
}

// System is the node's actor system.
func (n *Node) System() *actor.System { return n.sys }

// Timing is the node's timing, for services whose own clocks must fit it.
func (n *Node) Timing() engine.Timing { return n.cfg.Timing }

// Self is this node as a member; its Status is 0 before it has joined. Its UID
// changes when the node rejoins after a removal.
func (n *Node) Self() Member {
	self := n.self()
	if n.hub != nil { // nil during Install
		for _, m := range n.hub.snapshot().Members {
			if m.Node == self {
				return m
			}
		}
	}
	return Member{Node: self, Reachable: true, Info: n.cfg.info(n.kinds)}
}

// View is what this node knows of its cluster now.
func (n *Node) View() View {
	s := n.hub.snapshot()
	return View{
		ClusterID: s.Identity.Cluster.String(),
		Leader:    s.Leader,
		Converged: s.Converged,
		Members:   s.Members,
	}
}

// Events returns a Snapshot, then every change in the order in which it
// happened here, until ctx ends or the node has ended. A reader that falls far
// behind gets a new Snapshot in place of what it missed; it never holds up the
// node.
func (n *Node) Events(ctx context.Context) iter.Seq[Event] { return n.hub.events(ctx) }

// Done is closed when the node has ended: it left, was closed, or was removed
// and does not rejoin (see Config.StopWhenRemoved).
func (n *Node) Done() <-chan struct{} { return n.done }

// Err tells why the node has ended, once Done is closed: nil when it left or
// was closed, ErrRemoved when it was removed.
func (n *Node) Err() error {
	select {
	case <-n.done:
		return n.err
	default:
		return nil
	}
}
