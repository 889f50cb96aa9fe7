// Package clusterd: declarations that others build against.
package clusterd

import (
	"context"
	"crypto/tls"
	"iter"
	"log/slog"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

func Start(ctx context.Context, cfg Config) (*Node, error) { panic("todo") }

type Config struct {
	Name, Listen, Advertise string
	Seeds, Roles            []string
	Zone, Version           string
	Meta                    map[string]string
	TLS                     *tls.Config
	JoinSecret              string
	Plaintext               bool
	FoundAlone              bool
	Services                []Service
	Timing                  engine.Timing
	LeaveTimeout            time.Duration // 0 = 10 s
	Logger                  *slog.Logger
}

type Service interface{ Install(n *Node) error }

type Node struct{}

// Member is one member of the cluster as this node sees it; View all of them.
type (
	Member = engine.Member
	View   struct {
		ClusterID string // lower-case hex; "" before this node has joined
		Leader    string // address; "" while unknown
		Converged bool
		Members   []Member // sorted by address; never contains removed members
	}
	Event               = engine.Event // first a Snapshot, then each change in order
	Snapshot            = engine.Snapshot
	MemberChanged       = engine.MemberChanged
	ReachabilityChanged = engine.ReachabilityChanged
	LeaderChanged       = engine.LeaderChanged
	ViewActive          = engine.ViewActive
	SelfRemoved         = engine.SelfRemoved
)

func (n *Node) Ready(ctx context.Context) error                { panic("todo") } // *RefusedError when ctx ends while refused
func (n *Node) System() *actor.System                          { panic("todo") }
func (n *Node) Self() Member                                   { panic("todo") }
func (n *Node) View() View                                     { panic("todo") }
func (n *Node) Events(ctx context.Context) iter.Seq[Event]     { panic("todo") }
func (n *Node) Leave(ctx context.Context) error                { panic("todo") }
func (n *Node) Down(ctx context.Context, address string) error { panic("todo") }
func (n *Node) Close() error                                   { panic("todo") }
func (n *Node) Done() <-chan struct{}                          { panic("todo") }
func (n *Node) Err() error                                     { panic("todo") } // after Done: nil = left or closed, ErrRemoved

// --- for services (sharding, …); call during Install ---

// Host publishes in the member record that this node hosts entities of kind.
func (n *Node) Host(kind string) error { panic("todo") }

// Attach installs a service that follows views and exchanges control messages
// with its counterparts on other nodes.
func (n *Node) Attach(name string, s Attached) error { panic("todo") }

// Attached is called on the node's own goroutine, one call at a time: it must not block.
type Attached interface {
	ViewActive(v ViewActive)                  // each new active view, in order
	Receive(from member.Node, payload []byte) // a control message of the same service on a member
	SendFailed(to member.Node, payload []byte, err error)
	Leaving()                            // this node leaves: hand over, then call Node.Drained(name)
	Tick(now time.Time) (next time.Time) // called when next is due; zero = not again until something happens
	Stop(ctx context.Context)            // the node ends (left, removed or closed): stop what runs, in time
}

// Post sends a control message to the same service on another member; never blocks. Any goroutine.
func (n *Node) Post(to member.Node, service string, payload []byte) { panic("todo") }

// Poke asks for a Tick of the service soon, on the node's goroutine. Any goroutine.
func (n *Node) Poke(service string) { panic("todo") }

// Drained tells that the service has handed over everything. Any goroutine.
func (n *Node) Drained(service string) { panic("todo") }
