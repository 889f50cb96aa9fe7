package sharding

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/remote/memnet"
)

// world is some nodes over a network in memory, whose membership the test
// decides. It lives in a synctest bubble.
type world struct {
	t     *testing.T
	net   *memnet.Network
	nodes []*fakeNode
	view  uint64

	shutdown bool // of the views from now on
}

// inWorld runs f in a bubble and closes all nodes afterwards.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New()}
		defer func() {
			for _, n := range w.nodes {
				n.close()
			}
		}()
		f(t, w)
	})
}

// fakeNode is a node with a real actor system and a real transport, and no
// membership engine.
type fakeNode struct {
	w        *world
	self     member.Node
	status   member.Status
	sys      *actor.System
	remote   *remote.Remote
	kinds    []string
	roles    []string
	attached clusterd.Attached
	gone     bool
	fenced   atomic.Bool

	mu      sync.Mutex
	inbox   []func()
	wake    chan struct{}
	quit    chan struct{}
	ended   chan struct{}
	tick    time.Time // owned by the loop
	drained chan struct{}
	once    sync.Once
}

var _ node = (*fakeNode)(nil)

func (n *fakeNode) System() *actor.System { return n.sys }
func (n *fakeNode) Host(kind string) error {
	if slices.Contains(n.kinds, kind) {
		return fmt.Errorf("kind %q is hosted twice", kind)
	}
	n.kinds = append(n.kinds, kind)
	slices.Sort(n.kinds)
	return nil
}
func (n *fakeNode) Attach(_ string, s clusterd.Attached) error { n.attached = s; return nil }
func (n *fakeNode) Attachment(string) clusterd.Attached        { return n.attached }
func (n *fakeNode) Post(to member.Node, service string, payload []byte) {
	n.remote.Post(remote.Node(to), service, payload)
}
func (n *fakeNode) MayAct() bool { return !n.fenced.Load() }
func (n *fakeNode) Poke(string)  { n.do(func() { n.tick = time.Now() }) }
func (n *fakeNode) Self() clusterd.Member {
	return clusterd.Member{Node: n.self, Status: n.status, Info: member.Info{Roles: n.roles, Kinds: n.kinds}}
}
func (n *fakeNode) Drained(string) { n.once.Do(func() { close(n.drained) }) }

// fence takes the node's lease, or gives it back.
func (n *fakeNode) fence(fenced bool) {
	n.fenced.Store(fenced)
	n.do(func() { n.attached.Fenced(fenced) })
}

// do runs f on the node's goroutine.
func (n *fakeNode) do(f func()) {
	n.mu.Lock()
	n.inbox = append(n.inbox, f)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *fakeNode) loop() {
	defer close(n.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-n.quit:
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			n.attached.Stop(ctx)
			return
		case <-n.wake:
			n.mu.Lock()
			list := n.inbox
			n.inbox = nil
			n.mu.Unlock()
			for _, f := range list {
				f()
			}
		case <-timer.C:
		}
		if now := time.Now(); !n.tick.IsZero() && !now.Before(n.tick) {
			n.tick = n.attached.Tick(now)
		}
		timer.Reset(time.Hour)
		if !n.tick.IsZero() {
			timer.Reset(max(0, time.Until(n.tick)))
		}
	}
}

type installer interface{ install(n node) error }

func (p proxy) install(n node) error {
	_, err := serviceOf(n)
	return err
}

// start makes a node with some services, not a member yet.
func (w *world) start(address string, services ...installer) *fakeNode {
	w.t.Helper()
	return w.startWith(address, func(*fakeNode) {}, services...)
}

// startWith is start for a node that is changed before its services come.
func (w *world) startWith(address string, change func(*fakeNode), services ...installer) *fakeNode {
	w.t.Helper()
	n := &fakeNode{
		w: w, self: member.Node{Address: address, UID: uint64(len(w.nodes) + 1)}, status: member.Up,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}), drained: make(chan struct{}),
	}
	log := slog.New(slog.DiscardHandler)
	var err error
	n.sys, err = actor.NewSystem(actor.Config{Name: "test", Address: address, UID: n.self.UID, Logger: log})
	if err != nil {
		w.t.Fatal(err)
	}
	change(n)
	for _, s := range services {
		if err := s.install(n); err != nil {
			w.t.Fatal(err)
		}
	}
	ln, err := w.net.Listen(address)
	if err != nil {
		w.t.Fatal(err)
	}
	n.remote, err = remote.Listen(n.sys, ln, remote.Config{Dial: w.net.Dialer(address), Logger: log})
	if err != nil {
		w.t.Fatal(err)
	}
	n.remote.Handle(serviceName, remote.Service{
		Receive: func(from remote.Node, payload []byte) {
			n.do(func() { n.attached.Receive(member.Node(from), payload) })
		},
		Failed: func(to remote.Node, payload []byte, err error) {
			n.do(func() { n.attached.SendFailed(member.Node(to), payload, err) })
		},
	})
	w.nodes = append(w.nodes, n)
	go n.loop()
	return n
}

func (n *fakeNode) close() {
	if n.gone {
		return
	}
	n.gone = true
	close(n.quit)
	<-n.ended
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.remote.Close(ctx); err != nil {
		n.w.t.Error(err)
	}
	if err := n.sys.Close(ctx); err != nil {
		n.w.t.Error(err)
	}
}

// crash ends a node without a word to the others.
func (n *fakeNode) crash() {
	n.w.net.Kill(n.self.Address)
	n.close()
}

// decide makes a view of the nodes that live and tells all of them, each after
// a different while.
func (w *world) decide(lag time.Duration) {
	w.view++
	v := clusterd.ViewActive{Number: w.view, Shutdown: w.shutdown}
	for _, n := range w.nodes {
		if !n.gone {
			v.Members = append(v.Members, engine.Member{Node: n.self, Status: n.status, Info: member.Info{Kinds: n.kinds}})
		}
	}
	slices.SortFunc(v.Members, func(a, b engine.Member) int { return member.CompareAddress(a.Address, b.Address) })
	v.Leader = v.Members[0].Address
	for i, n := range w.nodes {
		if n.gone {
			for _, o := range w.nodes {
				o.remote.Removed(remote.Node(n.self))
			}
			continue
		}
		time.AfterFunc(time.Duration(i)*lag, func() {
			n.do(func() {
				n.attached.ViewActive(v)
				n.tick = time.Now()
				if n.status == member.Leaving {
					n.attached.Leaving()
				}
			})
		})
	}
}

// settle lets everything run its course for a while.
func (w *world) settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}
