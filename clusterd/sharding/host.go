package sharding

import (
	"fmt"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// serviceName is the name under which the services of all nodes find each other.
const serviceName = "slots"

// node is what this package needs of a *clusterd.Node.
type node interface {
	System() *actor.System
	Host(kind string) error
	Attach(name string, s clusterd.Attached) error
	Attachment(name string) clusterd.Attached
	Post(to member.Node, service string, payload []byte)
	Poke(service string)
	Drained(service string)
	MayAct() bool
	Self() clusterd.Member
}

// Host is a service for clusterd.Config.Services: this node runs entities of k.
// Start fails if the kind is hosted twice, its name is not allowed, or options
// contradict each other.
func Host[M any](k actor.Kind[M], opts ...Option) clusterd.Service { return hosted[M]{k, opts} }

// Proxy is a service for nodes that host nothing: refs of entities work there.
// Beside [Host] it has no effect.
func Proxy() clusterd.Service { return proxy{} }

type hosted[M any] struct {
	kind actor.Kind[M]
	opts []Option
}

// Install is called by clusterd.Start.
func (h hosted[M]) Install(n *clusterd.Node) error { return h.install(n) }

func (h hosted[M]) install(n node) error {
	if h.kind.New == nil {
		return fmt.Errorf("sharding: kind %q has no constructor", h.kind.Name)
	}
	how, err := mannerOf(h.kind.Name, h.opts)
	if err != nil {
		return err
	}
	s, err := serviceOf(n)
	if err != nil || !how.plays(n.Self().Info.Roles) {
		return err
	}
	if err := n.Host(h.kind.Name); err != nil {
		return fmt.Errorf("sharding: %w", err)
	}
	s.router.host(h.kind.Name, spawner(h.kind, how.remember), how)
	return nil
}

type proxy struct{}

// Install is called by clusterd.Start.
func (proxy) Install(n *clusterd.Node) error {
	_, err := serviceOf(n)
	return err
}

// serviceOf returns the node's one service, which the first call attaches.
func serviceOf(n node) (*service, error) {
	if s, ok := n.Attachment(serviceName).(*service); ok {
		return s, nil
	}
	s, err := newService(n)
	if err != nil {
		return nil, err
	}
	if err := n.Attach(serviceName, s); err != nil {
		return nil, fmt.Errorf("sharding: %w", err)
	}
	return s, nil
}

// Ref follows the entity of kind k with an id of 1 to 512 bytes of UTF-8,
// wherever its home is. It never fails: messages to an id that is not allowed,
// or from a node where nothing of this package is installed, are dead letters.
// The ref is valid on any node of the cluster, and may be kept for ever.
func Ref[M any](n *clusterd.Node, k actor.Kind[M], id string) actor.Ref[M] {
	return actor.EntityRef[M](n.System(), k.Name, id)
}

// Home returns the address of the node that runs the entity, or will run it, as
// far as this node knows; "" if no member hosts the kind or nothing of this
// package is installed here.
func Home(n *clusterd.Node, kind, id string) string { return home(n, kind, id) }

func home(n node, kind, id string) string {
	s, ok := n.Attachment(serviceName).(*service)
	if !ok {
		return ""
	}
	return s.router.home(kind, id)
}
