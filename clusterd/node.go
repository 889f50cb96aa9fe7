package clusterd

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
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
	self     member.Node
	sys      *actor.System
	remote   *remote.Remote
	core     *core.Core // owned by the loop
	inbox    *inbox
	hub      *hub
	kinds    []string      // fixed once started
	attached []*attachment // fixed once started
	started  bool          // set before any goroutine starts

	leaving bool      // owned by the loop: Leave was asked for
	asked   bool      // owned by the loop: services were told that the node leaves
	wake    time.Time // owned by the loop: when the core's Tick is due

	halt     chan struct{} // closed to end the loop at once
	haltOnce sync.Once
	up       chan struct{} // closed once this node is Up
	done     chan struct{} // closed when everything has ended

	mu     sync.Mutex
	note   core.Note // the newest reason why this node is not Up yet
	err    error     // why it ended; fixed once done is closed
	pinned error     // a verdict that a later one does not replace
}

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

// address is the one that the cluster knows: Advertise, else Listen with the
// port that was really bound.
func (c *Config) address(ln net.Listener) (string, error) {
	if c.Advertise != "" {
		return c.Advertise, nil
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port != "0" {
		return c.Listen, err
	}
	_, port, err = net.SplitHostPort(ln.Addr().String())
	return net.JoinHostPort(host, port), err
}

func newNode(cfg Config, ln net.Listener) (*Node, error) {
	address, err := cfg.address(ln)
	if err != nil {
		return nil, fmt.Errorf("clusterd: %w", err)
	}
	rng := newRand()
	uid := uint64(time.Now().UnixMilli())<<20 | rng.Uint64N(1<<20)
	n := &Node{
		cfg:   cfg,
		self:  member.Node{Address: address, UID: uid},
		log:   cfg.Logger.With("node", address),
		inbox: newInbox(),
		halt:  make(chan struct{}),
		up:    make(chan struct{}),
		done:  make(chan struct{}),
	}
	n.sys, err = actor.NewSystem(actor.Config{
		Name: cfg.Name, Address: address, UID: uid, Logger: n.log, Dispatcher: cfg.Harness.Dispatcher,
	})
	if err != nil {
		return nil, fmt.Errorf("clusterd: %w", err)
	}
	if err := n.assemble(ln, rng); err != nil {
		n.closeSystem()
		return nil, err
	}
	n.started = true
	go n.loop()
	return n, nil
}

// assemble installs the services, then opens the port.
func (n *Node) assemble(ln net.Listener, rng *rand.Rand) error {
	for _, s := range n.cfg.Services {
		if err := s.Install(n); err != nil {
			return fmt.Errorf("clusterd: install %T: %w", s, err)
		}
	}
	var err error
	n.core, err = core.New(core.Config{
		Self:       n.self,
		Info:       n.cfg.info(n.kinds),
		Name:       n.cfg.Name,
		Seeds:      n.cfg.Seeds,
		FoundAlone: n.cfg.FoundAlone,
		Timing:     n.cfg.Timing,
		Rand:       rng,
	})
	if err != nil {
		return fmt.Errorf("clusterd: %w", err)
	}
	n.hub = newHub(n.core.Snapshot())
	transport := n.cfg.transport()
	transport.Dial, transport.Logger = n.cfg.Harness.Dial, n.log
	n.remote, err = remote.Listen(n.sys, ln, transport)
	if err != nil {
		return fmt.Errorf("clusterd: %w", err)
	}
	n.handle(memberService)
	for _, a := range n.attached {
		n.handle(a.name)
	}
	return nil
}

// handle lets a service's packets into the inbox.
func (n *Node) handle(service string) {
	n.remote.Handle(service, remote.Service{
		Receive: func(from remote.Node, payload []byte) {
			n.inbox.offer(packet{service, member.Node(from), payload})
		},
		Failed: func(to remote.Node, payload []byte, err error) {
			n.inbox.offer(sendFailed{service, member.Node(to), payload, err})
		},
	})
}

func (n *Node) post(to member.Node, service string, payload []byte) {
	n.remote.Post(remote.Node(to), service, payload)
}

// Expose adds to Config.Expose. Any goroutine, also a service during Install.
func (n *Node) Expose(names ...string) {
	if n.remote == nil { // during Install
		n.cfg.Expose = append(n.cfg.Expose, names...)
		return
	}
	n.remote.Expose(names...)
}

// newRand seeds the generator of the protocol cores; they draw from nothing else.
func newRand() *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
}

// Ready waits until this node is Up. It returns a *RefusedError when ctx ends
// while the cluster refuses this node, a *WaitingError when ctx ends before,
// and Err when the node has ended.
func (n *Node) Ready(ctx context.Context) error {
	select {
	case <-n.up:
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

// Self is this node as a member; its Status is 0 before it has joined.
func (n *Node) Self() Member {
	if n.hub == nil { // during Install
		return Member{Node: n.self, Reachable: true, Info: n.cfg.info(n.kinds)}
	}
	for _, m := range n.hub.snapshot().Members {
		if m.Node == n.self {
			return m
		}
	}
	return Member{Node: n.self, Reachable: true, Info: n.cfg.info(n.kinds)}
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

// Done is closed when the node has ended: it left, was closed or was removed.
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
