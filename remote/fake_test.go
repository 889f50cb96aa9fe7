package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/wire"
	"github.com/pando-go/pando/remote/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSystem stands in for an *actor.System. Messages for ids that begin with
// "box/" are kept; others go to protoactor's actors.
type fakeSystem struct {
	name    string
	node    Node
	proto   *pa.ActorSystem
	onMail  func(mail)
	sink    func(mail) // takes all messages, if set
	onSpawn func(kind, id, name string) (*pa.PID, error)

	mu      sync.Mutex
	mail    []mail
	headers []map[string]string // of mail
	dead    []actor.DeadLetter
	removed []Node
}

type mail struct {
	id   string
	from *pa.PID
	msg  any
}

func newFake(name, address string, uid uint64) *fakeSystem {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	ps := pa.NewActorSystem(
		pa.WithLoggerFactory(func(*pa.ActorSystem) *slog.Logger { return quiet }),
		pa.WithDeadLetterThrottleInterval(time.Millisecond))
	ps.ProcessRegistry.Address = address
	return &fakeSystem{name: name, node: Node{address, uid}, proto: ps}
}

func (s *fakeSystem) Name() string           { return s.name }
func (s *fakeSystem) Address() string        { return s.node.Address }
func (s *fakeSystem) UID() uint64            { return s.node.UID }
func (s *fakeSystem) Proto() *pa.ActorSystem { return s.proto }

// fakeInlet hands in messages for one id.
type fakeInlet struct {
	s  *fakeSystem
	id string
}

func (in fakeInlet) Deliver(from *pa.PID, header map[string]string, msg any) {
	in.s.DeliverWith(in.id, from, header, msg)
}

func (s *fakeSystem) inlet(id string) inlet { return fakeInlet{s, id} }

func (s *fakeSystem) DeliverWith(id string, from *pa.PID, header map[string]string, msg any) {
	if s.sink != nil {
		s.sink(mail{id, from, msg})
		return
	}
	if !strings.HasPrefix(id, "box/") {
		pid := s.proto.NewLocalPID(id)
		process, ok := s.proto.ProcessRegistry.GetLocal(id)
		if !ok {
			s.DeadLetter(pid, from, msg, actor.ErrNoActor)
			return
		}
		process.SendUserMessage(pid, &pa.MessageEnvelope{Message: msg, Sender: from, Header: header})
		return
	}
	m := mail{id, from, msg}
	s.mu.Lock()
	s.mail = append(s.mail, m)
	s.headers = append(s.headers, header)
	s.mu.Unlock()
	if s.onMail != nil {
		s.onMail(m)
	}
}

func (s *fakeSystem) DeliverAnswer(id []byte, from *pa.PID, header map[string]string, msg any) {
	s.DeliverWith(string(id), from, header, msg)
}

func (s *fakeSystem) Portable(pid *pa.PID) (address, id string) { return pid.Address, pid.Id }

func (s *fakeSystem) Reach(id string) actor.Reach {
	switch {
	case strings.HasPrefix(id, "$ask/"), strings.HasPrefix(id, "$own."):
		return actor.ReachKnown
	case strings.HasPrefix(id, "$"), id == "eventstream":
		return actor.ReachNone
	}
	return actor.ReachNamed
}

func (s *fakeSystem) NodeRemoved(address string, uid uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, Node{address, uid})
}

func (s *fakeSystem) DeadLetter(to, from *pa.PID, msg any, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = append(s.dead, actor.DeadLetter{To: to, From: from, Message: msg, Reason: reason})
}

func (s *fakeSystem) SpawnKind(kind, id, name string) (*pa.PID, error) {
	return s.onSpawn(kind, id, name)
}

func (s *fakeSystem) mails() []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]mail(nil), s.mail...)
}

func (s *fakeSystem) deads() []actor.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]actor.DeadLetter(nil), s.dead...)
}

// texts returns the string messages that one box got, in order.
func (s *fakeSystem) texts(id string) []string {
	var out []string
	for _, m := range s.mails() {
		if m.id == id {
			out = append(out, m.msg.(string))
		}
	}
	return out
}

// node is a fake system with its Remote on a network in memory.
type node struct {
	*fakeSystem
	r *Remote
	t *testing.T
}

// cluster is a network in memory and the nodes on it, all closed at the end.
type cluster struct {
	*memnet.Network
	t     *testing.T
	nodes []*node
}

// bubble runs f in a synctest bubble and closes the nodes at its end.
func bubble(t *testing.T, f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{Network: memnet.New(), t: t}
		defer func() {
			for _, n := range c.nodes {
				n.close()
			}
			time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
		}()
		f(c)
	})
}

func (c *cluster) start(address string, uid uint64, change ...func(*Config)) *node {
	c.t.Helper()
	return c.startAs("test", address, uid, change...)
}

func (c *cluster) startAs(name, address string, uid uint64, change ...func(*Config)) *node {
	c.t.Helper()
	ln, err := c.Listen(address)
	if err != nil {
		c.t.Fatal(err)
	}
	cfg := Config{Dial: c.Dialer(address), Expose: []string{"*"}, Logger: slog.New(slog.NewTextHandler(c.t.Output(), nil))}
	for _, f := range change {
		f(&cfg)
	}
	n := &node{fakeSystem: newFake(name, address, uid), t: c.t}
	if n.r, err = listen(n, ln, cfg); err != nil {
		c.t.Fatal(err)
	}
	c.nodes = append(c.nodes, n)
	return n
}

// close stops a node without waiting for what cannot be sent.
func (n *node) close() {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.r.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		n.t.Error(err)
	}
}

// crash breaks all connections of a node and stops it.
func (c *cluster) crash(n *node) {
	c.t.Helper()
	c.Kill(n.node.Address)
	n.close()
}

func (n *node) pid(id string) *pa.PID { return &pa.PID{Address: n.node.Address, Id: id} }

// tell sends messages to a box of another node.
func (n *node) tell(to *pa.PID, msgs ...any) {
	for _, m := range msgs {
		n.proto.Root.Send(to, m)
	}
}

// control is what a service has seen.
type control struct {
	mu     sync.Mutex
	got    []string
	failed []error
}

// handle installs a service that keeps what it sees.
func (n *node) handle(service string) *control {
	c := new(control)
	n.r.Handle(service, Service{
		Receive: func(from Node, payload []byte) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.got = append(c.got, fmt.Sprintf("%s#%d %s", from.Address, from.UID, payload))
		},
		Failed: func(to Node, payload []byte, err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed = append(c.failed, err)
		},
	})
	return c
}

func (c *control) take() (got []string, failed []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	got, failed = c.got, c.failed
	c.got, c.failed = nil, nil
	return got, failed
}

func wantTexts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// raw opens a bare connection to a node.
func (c *cluster) raw(to *node) net.Conn {
	c.t.Helper()
	conn, err := c.Dial(c.t.Context(), "raw:1", to.node.Address)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func outgoing(to, from, typ, payload string) *wire.Outgoing {
	return &wire.Outgoing{
		To: wire.Text{S: to}, From: wire.Text{S: from}, Type: wire.Text{S: typ}, Payload: []byte(payload),
	}
}
