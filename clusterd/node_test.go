package clusterd

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/harness"
	"github.com/pando-go/pando/remote/memnet"
)

// cluster is some nodes of a test over one network in memory. Its methods run
// inside a synctest bubble.
type cluster struct {
	t   *testing.T
	net *memnet.Network
}

// nodeTest runs f in a bubble, with a network.
func nodeTest(t *testing.T, f func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, &cluster{t, memnet.New()}) })
}

var seeds = []string{"a:1", "b:1"}

func (c *cluster) config(address string) Config {
	return Config{
		Name: "test", Listen: address, Seeds: seeds, Plaintext: true, Timing: engine.Fast(),
		Logger:  slog.New(slog.DiscardHandler),
		Harness: harness.Node{Listen: c.net.Listen, Dial: c.net.Dialer(address)},
	}
}

func (c *cluster) start(cfg Config) *Node {
	c.t.Helper()
	n, err := Start(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { c.crash(n) })
	return n
}

// crash ends nodes at once, without a word to the others.
func (c *cluster) crash(nodes ...*Node) {
	for _, n := range nodes {
		c.net.Kill(n.address)
		n.stop()
	}
	for _, n := range nodes {
		<-n.Done()
	}
}

func (c *cluster) startAll(addresses ...string) []*Node {
	c.t.Helper()
	var nodes []*Node
	for _, a := range addresses {
		nodes = append(nodes, c.start(c.config(a)))
	}
	for _, n := range nodes {
		c.ready(n)
	}
	return nodes
}

func (c *cluster) ready(n *Node) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	if err := n.Ready(ctx); err != nil {
		c.t.Fatalf("%s: %v", n.address, err)
	}
}

// up lists the addresses of the members that n sees Up.
func up(n *Node) []string {
	var got []string
	for _, m := range n.View().Members {
		if m.Status == member.Up {
			got = append(got, m.Address)
		}
	}
	return got
}

// eventually waits in virtual time for a condition.
func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("not within 30 s: %s", what)
}

func (c *cluster) sees(n *Node, addresses ...string) {
	c.t.Helper()
	c.eventually(n.address+" sees "+strings.Join(addresses, " "), func() bool {
		return slices.Equal(up(n), addresses) && n.View().Converged
	})
}

func TestThreeNodesAgree(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		for _, n := range nodes {
			c.sees(n, "a:1", "b:1", "c:1")
			if got := n.View(); got.Leader != "a:1" || got.ClusterID == "" || got.ClusterID != nodes[0].View().ClusterID {
				t.Errorf("%s: leader %q in cluster %q, want a:1 in %q", n.address, got.Leader, got.ClusterID, nodes[0].View().ClusterID)
			}
			if n.Self().Status != member.Up {
				t.Errorf("%s: own status = %v, want up", n.address, n.Self().Status)
			}
		}
	})
}

func TestCrashedNodeIsRemoved(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		c.sees(nodes[1], "a:1", "b:1", "c:1")
		c.crash(nodes[0])
		for _, n := range nodes[1:] {
			c.sees(n, "b:1", "c:1")
			if got := n.View().Leader; got != "b:1" {
				t.Errorf("%s: leader = %q, want b:1", n.address, got)
			}
		}
		again := c.start(c.config("a:1"))
		c.ready(again)
		c.sees(again, "a:1", "b:1", "c:1")
		if again.View().ClusterID != nodes[1].View().ClusterID {
			t.Error("the restarted first seed is in another cluster")
		}
	})
}

func TestLeaverIsNeverUnreachable(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		ctx, cancel := context.WithCancel(t.Context())
		var statuses []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e := range nodes[0].Events(ctx) {
				switch e := e.(type) {
				case MemberChanged:
					statuses = append(statuses, e.Member.Status.String())
				case ReachabilityChanged:
					t.Errorf("%v while a node left", e)
				}
			}
		}()
		synctest.Wait()
		if err := nodes[2].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := nodes[2].Err(); err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		c.sees(nodes[0], "a:1", "b:1")
		cancel()
		<-done
		if want := []string{"leaving", "exiting", "removed"}; !slices.Equal(statuses, want) {
			t.Errorf("statuses = %q, want %q", statuses, want)
		}
	})
}

func TestLeaderAndLastLeave(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1")
		for _, n := range nodes {
			if err := n.Close(); err != nil {
				t.Errorf("%s: Close() = %v, want nil", n.address, err)
			}
			if err := n.Leave(t.Context()); err != nil {
				t.Errorf("%s: second Leave() = %v, want nil", n.address, err)
			}
		}
	})
}

func TestReadySaysForWhatItWaits(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		n := c.start(c.config("b:1"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := n.Ready(ctx)
		var waiting *WaitingError
		if !errors.As(err, &waiting) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(waiting.For, "a:1") {
			t.Errorf("Ready() = %v, want a WaitingError that names a:1", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("Close() of a node that never joined = %v, want nil", err)
		}
		if err := n.Ready(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("Ready() after Close = %v, want ErrStopped", err)
		}
	})
}

func TestOtherNameIsRefused(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		c.startAll("a:1", "b:1")
		cfg := c.config("c:1")
		cfg.Name = "other"
		n := c.start(cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := n.Ready(ctx)
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Fatalf("Ready() = %v, want a RefusedError", err)
		}
		for _, name := range []string{"test", "other"} {
			if !strings.Contains(refused.Reason, name) {
				t.Errorf("reason %q does not name %q", refused.Reason, name)
			}
		}
	})
}

func TestDownRemovesALiveNode(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1")
		cfg := c.config("c:1")
		cfg.StopWhenRemoved = true
		nodes = append(nodes, c.start(cfg))
		c.sees(nodes[0], "a:1", "b:1", "c:1")
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.sees(nodes[1], "a:1", "b:1")
		c.ends(nodes[2], ErrRemoved)
		if err := nodes[0].Down(t.Context(), "z:1"); err == nil {
			t.Error("Down() of an unknown address = nil, want an error")
		}
	})
}

// probe is a service that records what its node tells it.
type probe struct {
	node *Node
	hold bool // keeps the node from being drained

	mu    sync.Mutex
	views []uint64
	got   []string
	ticks int
}

func (p *probe) record(event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, event)
}

// told returns what the node told so far.
func (p *probe) told() (views []uint64, got []string, ticks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.views), slices.Clone(p.got), p.ticks
}

func (p *probe) Install(n *Node) error {
	p.node = n
	if err := n.Host("thing"); err != nil {
		return err
	}
	return n.Attach("probe", p)
}
func (p *probe) ViewActive(v ViewActive) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = append(p.views, v.Number)
}
func (p *probe) Receive(from member.Node, payload []byte) {
	p.record(from.Address + " " + string(payload))
}
func (p *probe) SendFailed(to member.Node, _ []byte, _ error) { p.record(to.Address + " failed") }
func (p *probe) Leaving() {
	if !p.hold {
		p.node.Drained("probe")
	}
}
func (p *probe) Fenced(bool) {}
func (p *probe) Tick(time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticks++
	return time.Time{}
}
func (p *probe) Removed(ctx context.Context) error {
	p.record("removed")
	if !p.hold {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}
func (p *probe) Stop(context.Context) { p.record("stopped") }

func TestServices(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		var probes []*probe
		var nodes []*Node
		for _, a := range []string{"a:1", "b:1"} {
			p := &probe{}
			cfg := c.config(a)
			cfg.Services = []Service{p}
			probes, nodes = append(probes, p), append(nodes, c.start(cfg))
		}
		for _, n := range nodes {
			c.sees(n, "a:1", "b:1")
		}
		if kinds := nodes[0].View().Members[1].Info.Kinds; !slices.Equal(kinds, []string{"thing"}) {
			t.Errorf("kinds of b:1 = %q, want thing", kinds)
		}
		nodes[0].Post(nodes[1].Self().Node, "probe", []byte("hi"))
		_, _, before := probes[1].told()
		nodes[1].Poke("probe")
		time.Sleep(time.Second)
		views, got, ticks := probes[1].told()
		if want := []string{"a:1 hi"}; !slices.Equal(got, want) {
			t.Errorf("received = %q, want %q", got, want)
		}
		if !slices.IsSorted(views) || len(views) == 0 {
			t.Errorf("views = %d, want some, in order", views)
		}
		if ticks <= before {
			t.Error("Poke caused no Tick")
		}
		if err := nodes[0].Attach("late", &probe{}); err == nil {
			t.Error("Attach after Start = nil, want an error")
		}
		if err := nodes[1].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, got, _ := probes[1].told(); got[len(got)-1] != "stopped" {
			t.Errorf("calls = %q, want stopped as the last", got)
		}
	})
}

func TestLeaveIsCutShort(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		c.startAll("a:1")
		cfg := c.config("b:1")
		cfg.Services = []Service{&probe{hold: true}}
		n := c.start(cfg)
		c.ready(n)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := n.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave() = %v, want the context's error", err)
		}
		<-n.Done()
	})
}

func TestStartReportsWhatIsWrong(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		c.startAll("a:1")
		if _, err := Start(t.Context(), c.config("a:1")); err == nil || !strings.Contains(err.Error(), "a:1") {
			t.Errorf("Start on a taken port = %v, want an error that names it", err)
		}
		cfg := c.config("b:1")
		cfg.Services = []Service{failing{}}
		if _, err := Start(t.Context(), cfg); !errors.Is(err, errFailing) {
			t.Errorf("Start with a failing service = %v, want its error", err)
		}
		c.start(c.config("b:1")) // the failed one left the port free
	})
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Install(*Node) error { return errFailing }
