// Package remote: declarations that others build against.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"

	"github.com/pando-go/pando/actor"
)

// Node is one incarnation at an address. UID 0 = whoever is there.
type Node struct {
	Address string
	UID     uint64
}

// Config of a Remote; zero values are good defaults. Name, address and UID are the system's.
type Config struct {
	Dial   func(ctx context.Context, address string) (net.Conn, error) // nil = TCP
	TLS    *tls.Config
	Logger *slog.Logger
	// limits: frame, string, handshake time, queue bytes ... each with a default
}

type Remote struct{}

// Listen takes over ln and connects sys to other nodes: registers the address resolver, accepts connections.
func Listen(sys *actor.System, ln net.Listener, cfg Config) (*Remote, error) { panic("todo") }

// Service is the receiving end of one kind of control message.
type Service struct {
	Receive func(from Node, payload []byte)          // on the connection's goroutine; must not block; payload is the callee's
	Failed  func(to Node, payload []byte, err error) // a posted message certainly or probably did not arrive; errors: ErrNobody, *RefusedError, others
}

// Handle installs the service of a name ("member", "slots"). Call before Post; ok for several.
func (r *Remote) Handle(service string, s Service) { panic("todo") }

// Post sends a control message. Never blocks; to.UID 0 = whoever answers at that address
// (also under another spelling of this node's own address).
func (r *Remote) Post(to Node, service string, payload []byte) { panic("todo") }

// Removed tells that a member was removed for good: watchers of its actors get Terminated,
// asks end, its user traffic is refused from now on; control messages still pass.
func (r *Remote) Removed(n Node) { panic("todo") }

// Known tells which incarnation is the member at an address.
func (r *Remote) Known(n Node) { panic("todo") }

func (r *Remote) Stats() Stats                    { panic("todo") }
func (r *Remote) Close(ctx context.Context) error { panic("todo") }

// Spawn starts an actor of kind k on the node at address. Errors: actor.ErrUnknownKind, actor.ErrNameTaken, *actor.Failure, ctx's.
func Spawn[M any](ctx context.Context, r *Remote, address string, k actor.Kind[M], id, name string) (actor.Ref[M], error) {
	panic("todo")
}

type Stats struct{}

// ErrNobody: nothing listens at the address (connection refused).
var ErrNobody = errors.New("remote: nobody listens there")

// RefusedError: the other side refused the handshake and said why.
type RefusedError struct {
	Code string // "cluster", "version", "uid", ...
	Text string // for an operator: what was wrong and what would be right
}

func (e *RefusedError) Error() string { return e.Text }
