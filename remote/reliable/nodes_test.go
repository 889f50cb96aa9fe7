package reliable_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/remote/memnet"
	"github.com/pando-go/pando/remote/reliable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is an actor system on a network in memory.
type node struct {
	*actor.System
	r *remote.Remote
	n *memnet.Network
}

func startNode(t *testing.T, n *memnet.Network, address string, uid uint64) *node {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := actor.NewSystem(actor.Config{Name: "test", Address: address, UID: uid, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := n.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.Listen(sys, ln, remote.Config{
		Dial: n.Dialer(address), Logger: log, Expose: []string{"ledger", "worker"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &node{sys, r, n}
}

// kill ends a node as a crash does: its peers get no farewell.
func (n *node) kill(t *testing.T) {
	t.Helper()
	n.n.Kill(n.Address())
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.r.Close(gone); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := n.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// bubble runs f in virtual time with a network.
func bubble(t *testing.T, f func(t *testing.T, n *memnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, memnet.New())
		time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
	})
}

// shelf is a handler that several lives of a consumer write to.
type shelf struct {
	mu  sync.Mutex
	got []int
}

func (s *shelf) Handle(_ *reliable.Context, m text) error {
	n, err := strconv.Atoi(m.Value)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, n)
	return nil
}

func (s *shelf) take() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func (s *shelf) spawn(t *testing.T, on *node, name string) {
	t.Helper()
	_, err := actor.Spawn(on.System, name, reliable.Consumer(func() reliable.Handler[text] { return s }, reliable.ConsumerConfig{Window: 16}))
	if err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, at *node, text string) actor.Ref[any] {
	t.Helper()
	ref, err := actor.ParseRef[any](at.System, text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestAcrossNodes: a link that is cut, a consumer's node that dies and comes back,
// and a producer's node that does. Each part gets the numbers that follow.
func TestAcrossNodes(t *testing.T) {
	bubble(t, func(t *testing.T, n *memnet.Network) {
		a, b := startNode(t, n, "a:1", 1), startNode(t, n, "b:1", 2)
		s, queue := new(shelf), reliable.NewMemoryQueue()
		s.spawn(t, b, "ledger")
		produce := func() *reliable.Producer[text] {
			p, err := reliable.NewProducer[text](a.System, "shop", parse(t, a, "pando://test@b:1/ledger"), reliable.Config{Queue: queue})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		p, sent := produce(), 0
		send := func(count int) {
			for range count {
				sent++
				if err := p.Send(t.Context(), wrapperspb.String(strconv.Itoa(sent))); err != nil {
					t.Fatal(err)
				}
			}
		}
		flush := func(part string, twice bool) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			if err := p.Flush(ctx); err != nil {
				t.Fatalf("%s: %v", part, err)
			}
			wantNumbers(t, part, s.take(), sent, twice)
		}
		send(100)
		flush("plain", false)

		n.Cut("a:1", "b:1")
		send(100)
		time.Sleep(time.Minute)
		n.Heal("a:1", "b:1")
		flush("cut and healed", false)

		n.Cut("a:1", "b:1")
		send(50)
		time.Sleep(time.Second)
		n.Heal("a:1", "b:1")
		b.kill(t)
		b = startNode(t, n, "b:1", 3)
		send(50)
		s.spawn(t, b, "ledger")
		flush("the consumer's node came back", true)

		send(50)
		a.kill(t)
		a = startNode(t, n, "a:1", 4)
		p = produce()
		send(50)
		flush("the producer's node came back", false)

		for _, m := range []*node{a, b} {
			m.kill(t)
		}
	})
}

// wantNumbers checks that got ends at last and has each number after those of the
// part before, in order; more than once only if twice.
func wantNumbers(t *testing.T, part string, got []int, last int, twice bool) {
	t.Helper()
	if len(got) == 0 {
		t.Fatalf("%s: got nothing", part)
	}
	seen, high := make(map[int]int), got[0]-1
	for _, n := range got {
		if n > high+1 || n <= high && !twice {
			t.Errorf("%s: got %d after %d", part, n, high)
		}
		high = max(high, n)
		seen[n]++
	}
	if high != last {
		t.Errorf("%s: got up to %d, want %d", part, high, last)
	}
	for n := got[0]; n <= last; n++ {
		if seen[n] == 0 {
			t.Errorf("%s: %d is missing", part, n)
		}
	}
}

// TestPoolLosesNodes: workers on three nodes, of which two are removed one after the
// other while work goes on. Everything is done, by whoever is left.
func TestPoolLosesNodes(t *testing.T) {
	bubble(t, func(t *testing.T, n *memnet.Network) {
		a := startNode(t, n, "a:1", 1)
		p, err := reliable.NewPool[text](a.System, "jobs", reliable.Config{Buffer: 50})
		if err != nil {
			t.Fatal(err)
		}
		var nodes []*node
		var shelves []*shelf
		for i := range 3 {
			m := startNode(t, n, fmt.Sprintf("w%d:1", i), uint64(10+i))
			s := new(shelf)
			s.spawn(t, m, "worker")
			if err := p.AddWorker(t.Context(), parse(t, a, fmt.Sprintf("pando://test@w%d:1/worker", i))); err != nil {
				t.Fatal(err)
			}
			nodes, shelves = append(nodes, m), append(shelves, s)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 300 {
			if err := p.Send(t.Context(), wrapperspb.String(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 {
				time.Sleep(time.Millisecond)
			}
			if i == 100 || i == 200 {
				k := i / 100
				n.Cut("a:1", nodes[k].Address())
				gone := remote.Node{Address: nodes[k].Address(), UID: uint64(10 + k)}
				time.AfterFunc(5*time.Second, func() { a.r.Removed(gone) })
			}
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen := make(map[int]bool)
		for i, s := range shelves {
			got := s.take()
			if len(got) == 0 {
				t.Errorf("worker %d did nothing", i)
			}
			for _, n := range got {
				seen[n] = true
			}
		}
		if len(seen) != 300 {
			t.Errorf("got %d messages done, want 300", len(seen))
		}
		for _, m := range append(nodes, a) {
			m.kill(t)
		}
	})
}
