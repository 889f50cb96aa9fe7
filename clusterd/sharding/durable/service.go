package durable

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// serviceName is the name under which the services of all nodes find each other.
const serviceName = "durable"

// node is what this package needs of a *clusterd.Node.
type node interface {
	System() *actor.System
	Host(kind string) error
	Attach(name string, s clusterd.Attached) error
	Attachment(name string) clusterd.Attached
	Publish(key, value string) error
	Post(to member.Node, service string, payload []byte)
	Poke(service string)
	Drained(service string)
	MayAct() bool
	View() clusterd.View
	Timing() engine.Timing
}

// service is the node's side of durable entities. The methods of
// clusterd.Attached are called on the node's goroutine.
type service struct {
	node    node
	cfg     Config
	sys     *actor.System
	log     *slog.Logger
	address string
	timing  engine.Timing
	kinds   map[string]*kind // fixed before traffic
	router  *router
	shell   *shell
	desk    actor.Ref[any] // says no to askers

	started   bool // the shell runs; owned by the node's goroutine
	stopped   atomic.Bool
	live      atomic.Int64 // behaviors in memory
	forwarded atomic.Uint64
}

var _ clusterd.Attached = (*service)(nil)

// Host is a service for clusterd.Config.Services: this node keeps shards, and runs
// entities of these kinds. All nodes that host have the same kinds.
func Host(cfg Config, kinds ...AnyKind) clusterd.Service { return &installer{cfg, kinds, true} }

// Proxy is a service for nodes that keep no shards: refs of entities of these
// kinds work there. Shards is all that it needs of cfg.
func Proxy(cfg Config, kinds ...AnyKind) clusterd.Service { return &installer{cfg, kinds, false} }

type installer struct {
	cfg   Config
	kinds []AnyKind
	host  bool
}

// Install is called by clusterd.Start.
func (in *installer) Install(n *clusterd.Node) error {
	if err := in.install(n); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

func (in *installer) install(n node) error {
	cfg := in.cfg.withDefaults()
	kinds := map[string]*kind{}
	faults := []error{cfg.validate()}
	for _, k := range in.kinds {
		made, err := k.kind()
		if err == nil && kinds[made.name] != nil {
			err = fmt.Errorf("kind %q is there twice", made.name)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		kinds[made.name] = made
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	s, err := newService(n, cfg, kinds, in.host)
	if err != nil {
		return err
	}
	if err := n.Attach(serviceName, s); err != nil {
		return err
	}
	return nil
}

// newService takes its place in the actor system. It runs before traffic.
func newService(n node, cfg Config, kinds map[string]*kind, host bool) (*service, error) {
	sys := n.System()
	s := &service{node: n, cfg: cfg, sys: sys, log: sys.Log(), address: sys.Address(), timing: n.Timing(), kinds: kinds}
	s.router = newRouter(s)
	var err error
	if s.desk, err = actor.Spawn(sys, "", actor.Func(deskReceive)); err != nil {
		return nil, err
	}
	if s.shell, err = newShell(s, host); err != nil {
		return nil, err
	}
	// First in the list: package sharding takes every entity that nobody took.
	reg := sys.Proto().ProcessRegistry
	reg.RemoteHandlers = append([]pa.AddressResolver{s.router.resolve}, reg.RemoteHandlers...)
	sys.HandlePrefix(prefix, s.router)
	sys.HandlePrefix(groupPrefix, inlet{s.shell})
	if host {
		if err := n.Publish(serviceName, shownID(s.shell.self)); err != nil {
			return nil, err
		}
		if cfg.Standby {
			if err := n.Publish(standbyKey, "yes"); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func serviceOf(n node) (*service, error) {
	if s, ok := n.Attachment(serviceName).(*service); ok {
		return s, nil
	}
	return nil, ErrNotInstalled
}

// ErrNotInstalled is returned by calls on a node without a service of this
// package: add [Host] or [Proxy] to clusterd.Config.Services.
var ErrNotInstalled = errors.New("durable: not installed on this node")

func (s *service) shardOf(slot uint16) int { return int(slot) / (slots.Count / s.cfg.Shards) }

// mayServe reports whether this node may answer for a shard that it is the primary
// of, at this moment.
func (s *service) mayServe(shard int) bool { return s.node.MayAct() && s.shell.mayServe(shard) }

// answer sends an answer to an asker.
func (s *service) answer(to *pa.PID, answer any) { s.sys.Proto().Root.Send(to, answer) }

// refusal is a message of the desk: its sender gets err.
type refusal struct{ err error }

// deskReceive answers askers with a failure, which only an actor can.
func deskReceive(c *actor.Context[any], m any) error {
	if r, ok := m.(refusal); ok {
		c.Fail(r.err)
	}
	return nil
}

// refuse tells an asker, if there is one, why there is no answer.
func (s *service) refuse(to *pa.PID, err error) {
	if to == nil {
		return
	}
	var f *actor.Failure
	if !errors.As(err, &f) {
		err = failure(err)
	}
	s.sys.Proto().Root.Send(s.desk.PID(), &pa.MessageEnvelope{Message: refusal{err}, Sender: to})
}

// lost is the end of a message that was not handled: its asker is told, else it
// is a dead letter.
func (s *service) lost(c *call, err error) {
	if c.from != nil {
		s.refuse(c.from, err)
		return
	}
	kind := ""
	if c.kind != nil {
		kind = c.kind.name
	}
	s.sys.DeadLetter(&pa.PID{Address: actor.EntityAddress, Id: kind + "/" + c.id}, nil, c.msg, err)
}

// ViewActive passes each view on. Before the first one there is nothing to do.
func (s *service) ViewActive(v clusterd.ViewActive) {
	if !s.started {
		s.started = true
		s.shell.start()
	}
	s.shell.put(viewed{v, epochOf(s.node.View().ClusterID, v.Number)})
}

// epochOf numbers views over all clusters that a store lives in: after a restart of
// all nodes views count from 1 again, under a ClusterID whose first 48 bits are the
// time of its founding in milliseconds.
func epochOf(cluster string, view uint64) uint64 {
	b, err := hex.DecodeString(cluster)
	if err != nil || len(b) < 6 {
		return view
	}
	var ms uint64
	for _, x := range b[:6] {
		ms = ms<<8 | uint64(x)
	}
	const viewBits = 26
	return ms>>10<<viewBits | view&(1<<viewBits-1)
}

// Receive takes a packet of another node's service.
func (s *service) Receive(from member.Node, payload []byte) { s.shell.put(packet{from, payload}) }

// SendFailed needs no answer: what matters is sent again.
func (s *service) SendFailed(member.Node, []byte, error) {}

// Leaving hands the shards over.
func (s *service) Leaving() { s.shell.put(leaving{}) }

// Fenced lets go on what waits when the lease is back. Each message is checked
// against the clock, so there is nothing to pause.
func (s *service) Fenced(bool) {}

// Tick looks after the messages that wait.
func (s *service) Tick(now time.Time) time.Time { return s.router.sweep(now) }

// Removed ends nothing: a shard's group decides who is its primary, and without a
// lease this node answers for none.
func (s *service) Removed(context.Context) error {
	s.shell.put(removed{})
	return nil
}

// Stop ends the service.
func (s *service) Stop(context.Context) {
	s.stopped.Store(true)
	s.router.dropAll(ErrStopped)
	if err := s.shell.stop(s.started); err != nil {
		s.log.Error("store did not close", "error", err)
	}
}
