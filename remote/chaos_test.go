package remote

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/memnet"
)

var (
	seed   = flag.Uint64("seed", 0, "run TestChaos and TestLinks with this seed only")
	rounds = flag.Int("rounds", 12, "how many seeds TestChaos runs")
)

// TestChaos has three nodes talk, watch and stop each other's actors through
// proxies that delay, reorder, cut, stall and half-close their connections, and one
// of them die and come back, all from a seed:
//
// Of each four seeds one is plain, one compresses, one has TLS and one both; every
// other one runs actors on a pool, so that readers are lent to them.
//
//	go test -race ./remote -run TestChaos -rounds 2000 -from 1
//	go test ./remote -run TestChaos -seed 17 -count 20
//
// A seed repeats what is drawn, not which goroutine goes first: so some counts.
// However that goes: messages of a pair arrive in order and once; each is delivered
// or a dead letter, and both only if a node died; each watch ends in one Terminated.
func TestChaos(t *testing.T) {
	if *seed != 0 {
		chaosRound(t, *seed)
		return
	}
	for s := *start; s < *start+uint64(*rounds); s++ {
		if chaosRound(t, s); t.Failed() {
			t.Fatalf("repeat with -seed %d", s)
		}
	}
}

// chaosNode is a real system behind a proxy.
type chaosNode struct {
	*actor.System
	r    *Remote
	p    *proxy
	uid  uint64
	dead bool
}

// chaosWorld is one round.
type chaosWorld struct {
	t    *testing.T
	seed uint64
	net  *memnet.Network
	log  *slog.Logger
	ca   *authority // nil: no TLS

	nodes []*chaosNode // by index; the incarnation that lives
	all   []*chaosNode

	mu      sync.Mutex
	r       *rand.Rand
	pairs   map[string]*chaosPair // by name
	watches map[string]*chaosWatch
}

// chaosPair is a sender and a receiver.
type chaosPair struct {
	sent      int
	delivered map[int]int
	dead      map[int]int
	last      int
	crossed   bool // either side died meanwhile
}

// chaosWatch is a watcher and what it watches.
type chaosWatch struct{ begun, ended int }

const chaosNodes = 3

func chaosRound(t *testing.T, seed uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &chaosWorld{
			t: t, seed: seed, net: memnet.New(), log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			r: rand.New(rand.NewPCG(seed, 3)), pairs: make(map[string]*chaosPair), watches: make(map[string]*chaosWatch),
		}
		if seed%4 >= 2 {
			w.ca = newAuthority(t)
		}
		for i := range chaosNodes {
			w.nodes = append(w.nodes, w.start(i, uint64(i+1)))
		}
		w.storm()
		w.check()
		for _, n := range w.nodes {
			w.stop(n)
		}
		time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
	})
}

func (w *chaosWorld) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.r.IntN(n)
}

func address(i int) string { return fmt.Sprintf("n%d:1", i) }

// start starts a node with its actors.
func (w *chaosWorld) start(i int, uid uint64) *chaosNode {
	p, err := newProxy(address(i), w.net, w.seed*100+uid)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := actor.Config{Name: "test", Address: address(i), UID: uid, Logger: w.log, Small: true}
	if w.seed/4%2 == 0 {
		cfg.Dispatcher = pa.NewDefaultDispatcher(50)
	}
	sys, err := actor.NewSystem(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	sys.Proto().EventStream.Subscribe(func(e any) {
		if d, ok := e.(*actor.DeadLetter); ok {
			w.died(d)
		}
	})
	ln, err := w.net.Listen(address(i))
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := Listen(sys, ln, w.config(i, p))
	if err != nil {
		w.t.Fatal(err)
	}
	n := &chaosNode{System: sys, r: r, p: p, uid: uid}
	w.all = append(w.all, n)
	for k := range 2 {
		w.spawn(n, fmt.Sprint("box", k), actor.Func(func(_ *actor.Context[any], m any) error {
			w.arrived(m.(string))
			return nil
		}))
	}
	w.spawn(n, "watcher", func() actor.Behavior[any] { return &chaosWatcher{w: w, uid: uid} })
	for k := range 4 {
		w.spawn(n, fmt.Sprint("victim", k), actor.Func(func(*actor.Context[any], any) error { return nil }))
	}
	return n
}

func (w *chaosWorld) config(i int, p *proxy) Config {
	c := Config{Dial: p.dial, Logger: w.log, Expose: []string{"*"}, QueueBytes: 300_000, MaxMessage: 200_000}
	if w.seed%2 == 1 {
		c.Compressions, c.CompressBytes = []Compression{runs{}}, 200
	}
	if w.ca != nil {
		host, _, _ := net.SplitHostPort(address(i))
		c.TLS = w.ca.config(host)
	}
	return c
}

func (w *chaosWorld) spawn(n *chaosNode, name string, new func() actor.Behavior[any]) {
	if _, err := actor.Spawn(n.System, name, new); err != nil {
		w.t.Fatal(err)
	}
}

// stop closes a node without waiting for what cannot be sent.
func (w *chaosWorld) stop(n *chaosNode) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.r.Close(gone); err != nil && !errors.Is(err, context.Canceled) {
		w.t.Error(err)
	}
	if err := n.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	n.p.close()
}

// arrived checks order. A text is pair, number and filling.
func (w *chaosWorld) arrived(text string) {
	name, n := parseChaos(text)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pairs[name]
	if p.delivered[n]++; p.delivered[n] > 1 {
		w.t.Errorf("seed %d: %s: %d arrived %d times", w.seed, name, n, p.delivered[n])
	}
	if n <= p.last {
		w.t.Errorf("seed %d: %s: %d arrived after %d", w.seed, name, n, p.last)
	}
	p.last = n
}

func (w *chaosWorld) died(d *actor.DeadLetter) {
	text, ok := d.Message.(string)
	if !ok {
		return
	}
	name, n := parseChaos(text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pairs[name].dead[n]++
}

func parseChaos(text string) (pair string, n int) {
	f := strings.SplitN(text, " ", 3)
	n, _ = strconv.Atoi(f[1])
	return f[0], n
}

// chaosWatcher watches what it is told to, and counts what it hears.
type chaosWatcher struct {
	w   *chaosWorld
	uid uint64
}

func (b *chaosWatcher) Receive(c *actor.Context[any], m any) error {
	who := m.(actor.Ref[any])
	w := b.w
	w.mu.Lock()
	x := w.watch(b.uid, who.String())
	again := x.begun == x.ended
	if again {
		x.begun++
	}
	w.mu.Unlock()
	if again { // watching twice is watching once
		c.Watch(who)
	}
	return nil
}

func (b *chaosWatcher) Terminated(_ *actor.Context[any], who actor.Gone) error {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	x := b.w.watch(b.uid, who.Ref)
	if x.ended++; x.ended > x.begun {
		b.w.t.Errorf("seed %d: the watcher of incarnation %d got %d Terminated of %s for %d watches", b.w.seed, b.uid, x.ended, who.Ref, x.begun)
	}
	return nil
}

// watch returns the counts of a watch. w.mu is held.
func (w *chaosWorld) watch(uid uint64, text string) *chaosWatch {
	key := fmt.Sprint(uid, " ", text)
	if w.watches[key] == nil {
		w.watches[key] = new(chaosWatch)
	}
	return w.watches[key]
}

// storm has everything happen, and waits until it is over.
func (w *chaosWorld) storm() {
	var wg sync.WaitGroup
	for from := range chaosNodes {
		for to := range chaosNodes {
			for box := range 2 {
				if from != to {
					wg.Go(func() { w.talk(from, to, box) })
				}
			}
		}
		wg.Go(func() { w.meddle(from) })
	}
	if w.draw(2) == 0 {
		time.Sleep(time.Duration(w.draw(15_000)) * time.Millisecond)
		w.replace(w.draw(chaosNodes))
	}
	wg.Wait()
	for _, n := range w.all {
		n.p.calm.Store(true)
	}
	time.Sleep(2 * time.Minute)
}

func (w *chaosWorld) node(i int) *chaosNode {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[i]
}

// talk sends numbers from one node to a box of another, as long as the node lives
// that it begins on.
func (w *chaosWorld) talk(from, to, box int) {
	n := w.node(from)
	name := fmt.Sprintf("%d>%d/%d", from, to, box)
	p := &chaosPair{delivered: make(map[int]int), dead: make(map[int]int)}
	w.mu.Lock()
	w.pairs[name] = p
	w.mu.Unlock()
	ref, err := actor.ParseRef[any](n.System, fmt.Sprintf("pando://test@%s/box%d", address(to), box))
	if err != nil {
		w.t.Error(err)
		return
	}
	for i := range 60 {
		size := w.draw(300)
		if w.draw(40) == 0 {
			size = w.draw(150_000)
		}
		w.mu.Lock()
		if n.dead {
			w.mu.Unlock()
			return
		}
		p.sent = i + 1
		w.mu.Unlock()
		ref.Tell(fmt.Sprint(name, " ", i+1, " ", strings.Repeat("x", size)))
		if w.draw(3) == 0 {
			time.Sleep(time.Duration(w.draw(1000)) * time.Millisecond)
		}
	}
}

// meddle watches and stops actors of all nodes.
func (w *chaosWorld) meddle(from int) {
	for range 25 {
		time.Sleep(time.Duration(w.draw(1200)) * time.Millisecond)
		n := w.node(from)
		other := w.draw(chaosNodes)
		victim, err := actor.ParseRef[any](n.System, fmt.Sprintf("pando://test@%s/victim%d", address(other), w.draw(4)))
		if err != nil {
			w.t.Error(err)
			return
		}
		if w.draw(4) == 0 {
			n.Proto().Root.Stop(victim.PID())
			continue
		}
		watcher, err := actor.ParseRef[any](n.System, fmt.Sprintf("pando://test@%s/watcher", address(from)))
		if err != nil {
			w.t.Error(err)
			return
		}
		watcher.Tell(victim)
	}
}

// replace kills a node, and starts it again under the next UID.
func (w *chaosWorld) replace(i int) {
	old := w.node(i)
	w.mu.Lock()
	old.dead = true
	for name, p := range w.pairs {
		p.crossed = p.crossed || strings.HasPrefix(name, strconv.Itoa(i)+">") || strings.Contains(name, ">"+strconv.Itoa(i)+"/")
	}
	w.mu.Unlock()
	w.net.Kill(address(i))
	w.stop(old)
	fresh := w.start(i, old.uid+chaosNodes)
	w.mu.Lock()
	w.nodes[i] = fresh
	w.mu.Unlock()
	for k := range chaosNodes {
		if k != i {
			n := w.node(k)
			time.AfterFunc(time.Duration(w.draw(10_000))*time.Millisecond, func() {
				n.r.Removed(Node{address(i), old.uid})
				n.r.Known(Node{address(i), fresh.uid})
			})
		}
	}
}

// check holds when everything has settled: it stops what still lives, so that each
// watch must end.
func (w *chaosWorld) check() {
	for _, n := range w.nodes {
		for k := range 4 {
			n.Proto().Root.Stop(n.Proto().NewLocalPID(fmt.Sprint("victim", k)))
		}
	}
	time.Sleep(time.Minute)
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, p := range w.pairs {
		for n := 1; n <= p.sent; n++ {
			switch arrived, dead := p.delivered[n], p.dead[n]; {
			case arrived+dead == 0:
				w.t.Errorf("seed %d: %s: %d of %d was lost in silence", w.seed, name, n, p.sent)
			case arrived+dead > 1 && !p.crossed:
				w.t.Errorf("seed %d: %s: %d of %d arrived %d times and died %d times", w.seed, name, n, p.sent, arrived, dead)
			}
		}
	}
	var total Stats
	for _, n := range w.all {
		s := n.r.Stats()
		total.Dialled, total.Failed, total.Resent = total.Dialled+s.Dialled, total.Failed+s.Failed, total.Resent+s.Resent
	}
	w.t.Logf("seed %d: %d connections, %d failed tries, %d messages sent again", w.seed, total.Dialled, total.Failed, total.Resent)
	living := make(map[string]bool)
	for _, n := range w.nodes {
		living[strconv.FormatUint(n.uid, 10)] = true
	}
	for key, x := range w.watches {
		if uid, _, _ := strings.Cut(key, " "); living[uid] && x.ended != x.begun {
			w.t.Errorf("seed %d: %s: %d watches ended in %d Terminated", w.seed, key, x.begun, x.ended)
		}
	}
}
