package core_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire"
	"github.com/pando-go/pando/seedjoin"
)

const (
	a = "127.0.0.1:7001"
	b = "127.0.0.1:7002"
	c = "127.0.0.1:7003"
)

// pump runs cores on virtual time; each packet crosses the wire's encoding.
type pump struct {
	t     testing.TB
	tap   func(payload []byte) // sees each; nil = nobody
	rand  *rand.Rand
	now   time.Time
	queue queue
	n     int
	nodes map[string]*node // by address
	alias map[string]string
	log   []string
}

type node struct {
	*core.Core
	self   member.Node
	notes  []core.Note
	events []engine.Event
	wake   time.Time
	spins  int // Ticks in a row that were due at once
}

type job struct {
	at time.Time
	n  int
	do func()
}

type queue []job

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].n < q[j].n
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(job)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	j := (*q)[last]
	*q = (*q)[:last]
	return j
}

func newPump(t testing.TB) *pump {
	return &pump{
		t: t, rand: rand.New(rand.NewPCG(1, 1)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		nodes: map[string]*node{}, alias: map[string]string{},
	}
}

func (p *pump) after(d time.Duration, do func()) {
	p.n++
	heap.Push(&p.queue, job{p.now.Add(d), p.n, do})
}

func (p *pump) run(d time.Duration) {
	end := p.now.Add(d)
	for len(p.queue) > 0 && !p.queue[0].at.After(end) {
		j := heap.Pop(&p.queue).(job)
		p.now = j.at
		j.do()
	}
	p.now = end
}

func (p *pump) until(limit time.Duration, what string, cond func() bool) {
	p.t.Helper()
	for end := p.now.Add(limit); !cond(); p.run(10 * time.Millisecond) {
		if p.now.After(end) {
			p.t.Fatalf("after %s not yet: %s\n%s", limit, what, p.state())
		}
	}
}

// up starts a node; one that runs at the address dies.
func (p *pump) up(address string, seeds []string, mod ...func(*core.Config)) *node {
	p.t.Helper()
	self := member.Node{Address: address, UID: member.NextUID(p.now, 0, p.rand.Uint64())}
	cfg := core.Config{
		Self: self, Name: "test", Seeds: seeds, Timing: engine.Fast(),
		Rand: rand.New(rand.NewPCG(p.rand.Uint64(), 1)),
	}
	for _, f := range mod {
		f(&cfg)
	}
	k, err := core.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	n := &node{Core: k, self: self}
	p.nodes[address] = n
	k.Tick(p.now)
	p.drain(n)
	return n
}

func (p *pump) step(n *node, in core.Input) {
	if p.nodes[n.self.Address] != n {
		return
	}
	if err := n.Step(p.now, in); err != nil {
		p.log = append(p.log, fmt.Sprintf("%s: %v", n.self, err))
	}
	p.drain(n)
}

func (p *pump) drain(n *node) {
	rd := n.Ready()
	n.notes = append(n.notes, rd.Notes...)
	n.events = append(n.events, rd.Events...)
	for _, e := range rd.Events {
		p.log = append(p.log, fmt.Sprintf("%s %s: %s", p.now.Format("05.000"), n.self, e))
	}
	for _, note := range rd.Notes {
		p.log = append(p.log, fmt.Sprintf("%s %s: %+v", p.now.Format("05.000"), n.self, note))
	}
	for _, packet := range rd.Packets {
		payload, err := wire.Append(nil, packet)
		if err != nil {
			p.t.Fatalf("%s: %v", n.self, err)
		}
		if p.tap != nil {
			p.tap(payload)
		}
		to := packet.To
		p.after(time.Millisecond, func() { p.deliver(n, to, payload) })
	}
	if rd.Wake.IsZero() || rd.Wake.Equal(n.wake) {
		return
	}
	if rd.Wake.After(p.now) {
		n.spins = 0
	} else if n.spins++; n.spins > 10 {
		p.t.Fatalf("%s: asks for a Tick at once, %d times in a row", n.self, n.spins)
	}
	n.wake = rd.Wake
	p.after(max(0, rd.Wake.Sub(p.now)), func() {
		if p.nodes[n.self.Address] == n && n.wake.Equal(rd.Wake) {
			n.wake = time.Time{}
			n.Tick(p.now)
			p.drain(n)
		}
	})
}

func (p *pump) deliver(from *node, to member.Node, payload []byte) {
	address := to.Address
	if real, ok := p.alias[address]; ok {
		address = real
	}
	n := p.nodes[address]
	if n == nil || to.UID != 0 && to.UID != n.self.UID {
		p.step(from, core.SendFailed{To: to, Nobody: n == nil})
		return
	}
	packet, err := wire.Decode(from.self, payload)
	if err != nil {
		p.t.Fatalf("%s: %v", from.self, err)
	}
	p.step(n, packet)
}

// together reports whether all nodes are Up in one converged cluster that
// lists exactly them.
func (p *pump) together() bool {
	var first engine.Snapshot
	for _, n := range p.nodes { // order: all must agree
		s := n.Snapshot()
		if s.Identity.IsZero() || !s.Converged || s.Leader == "" || len(s.Members) != len(p.nodes) {
			return false
		}
		for _, m := range s.Members {
			if m.Status != member.Up || p.nodes[m.Address] == nil || p.nodes[m.Address].self != m.Node {
				return false
			}
		}
		if first.Identity.IsZero() {
			first = s
		}
		if s.Identity != first.Identity || s.Leader != first.Leader {
			return false
		}
	}
	return true
}

func (p *pump) state() string {
	var s strings.Builder
	for _, l := range p.log[max(0, len(p.log)-60):] {
		fmt.Fprintln(&s, l)
	}
	for _, n := range p.nodes { // order: for a human
		fmt.Fprintf(&s, "%s: %+v\n", n.self, n.Snapshot())
	}
	return s.String()
}

func TestEveryStartOrder(t *testing.T) {
	orders := [][]string{{a, b, c}, {a, c, b}, {b, a, c}, {b, c, a}, {c, a, b}, {c, b, a}}
	for _, order := range orders {
		for _, gap := range []time.Duration{0, 2 * time.Second} {
			t.Run(fmt.Sprint(order, gap), func(t *testing.T) {
				p := newPump(t)
				for i, address := range order {
					n := p.up(address, []string{a, b})
					p.run(gap)
					if !slices.Contains(order[:i+1], a) && !n.Snapshot().Identity.IsZero() {
						t.Errorf("%s is in a cluster before the first seed started", n.self)
					}
				}
				p.until(5*time.Second, "together", p.together)
			})
		}
	}
}

func TestFirstSeedSpeltOtherwise(t *testing.T) {
	p := newPump(t)
	p.alias["localhost:7001"], p.alias["localhost:7002"] = a, b
	seeds := []string{"localhost:7001", "localhost:7002"}
	for _, address := range []string{a, b, c} {
		p.up(address, seeds)
	}
	p.until(5*time.Second, "together", p.together)
}

func TestFirstSeedRestarts(t *testing.T) {
	for _, down := range []time.Duration{0, 500 * time.Millisecond, 10 * time.Second} {
		t.Run(down.String(), func(t *testing.T) {
			p := newPump(t)
			seeds := []string{a, b}
			for _, address := range []string{a, b, c} {
				p.up(address, seeds)
			}
			p.until(5*time.Second, "together", p.together)
			id := p.nodes[b].Snapshot().Identity
			delete(p.nodes, a)
			p.run(down)
			p.up(a, seeds)
			p.until(20*time.Second, "together again", p.together)
			if got := p.nodes[a].Snapshot().Identity; got != id {
				t.Errorf("got identity %v, want the living cluster's %v", got, id)
			}
		})
	}
}

func TestAllSeedsRestartBesideTheOldestMember(t *testing.T) {
	p := newPump(t)
	seeds := []string{a, b}
	for _, address := range []string{a, b, c} {
		p.up(address, seeds)
	}
	p.until(5*time.Second, "together", p.together)
	id := p.nodes[c].Snapshot().Identity
	for _, address := range []string{a, b} { // one after the other comes back: c is the oldest then
		p.up(address, seeds)
		p.until(20*time.Second, "together again", p.together)
	}
	for _, address := range []string{a, b} {
		delete(p.nodes, address)
		p.until(20*time.Second, "the rest alone", p.together)
	}
	p.up(a, seeds)
	p.until(20*time.Second, "joined", p.together)
	if got := p.nodes[a].Snapshot().Identity; got != id {
		t.Errorf("got identity %v, want the living cluster's %v", got, id)
	}
}

func TestTwoHeads(t *testing.T) {
	p := newPump(t)
	p.up(b, []string{b, a})
	p.up(a, []string{a, b})
	p.until(10*time.Second, "together", p.together)
}

func TestWrongSettings(t *testing.T) {
	set := func(v string) func(*core.Config) {
		return func(c *core.Config) { c.Settings = []seedjoin.Setting{{Key: "downing", Value: v}} }
	}
	p := newPump(t)
	p.up(a, []string{a, b}, set("keep-majority"))
	p.up(c, []string{a, b}, set("keep-majority"))
	p.until(5*time.Second, "together", p.together)
	n := p.up(b, []string{a, b}, set("down-all"))
	p.run(20 * time.Second)
	if !n.Snapshot().Identity.IsZero() {
		t.Error("got in with other settings")
	}
	refused := slices.DeleteFunc(n.notes, func(n core.Note) bool { return !n.Refused })
	if len(refused) == 0 || len(refused) > 2 || !strings.Contains(refused[0].Text, `downing is "down-all" here and "keep-majority" in the cluster`) {
		t.Errorf("got %d notes of refusals %+v, want one or two that name the setting and both values", len(refused), refused)
	}
}

func TestWrongName(t *testing.T) {
	p := newPump(t)
	p.up(a, []string{a, b})
	n := p.up(b, []string{a, b}, func(c *core.Config) { c.Name = "talk" })
	p.run(5 * time.Second)
	refused := slices.DeleteFunc(n.notes, func(n core.Note) bool { return !n.Refused })
	if len(refused) != 1 || !strings.Contains(refused[0].Text, `"test"`) || !strings.Contains(refused[0].Text, `"talk"`) {
		t.Errorf("got %+v, want one refusal that names both clusters", refused)
	}
}

func TestSilenceIsNoted(t *testing.T) {
	p := newPump(t)
	n := p.up(b, []string{a, b})
	p.run(20 * time.Second)
	if len(n.notes) == 0 || n.notes[0].By != a || n.notes[0].Refused {
		t.Errorf("got %+v, want a note that it waits for %s", n.notes, a)
	}
}

func TestLeave(t *testing.T) {
	p := newPump(t)
	for _, address := range []string{a, b, c} {
		p.up(address, []string{a, b})
	}
	p.until(5*time.Second, "together", p.together)
	n := p.nodes[a]
	p.step(n, core.Leave{})
	p.step(n, core.Drained{})
	gone := func() bool {
		return slices.ContainsFunc(n.events, func(e engine.Event) bool { _, ok := e.(engine.SelfRemoved); return ok })
	}
	p.until(10*time.Second, "removed", gone)
	delete(p.nodes, a)
	p.until(5*time.Second, "the others together", p.together)
	p.up(a, []string{a, b})
	p.until(5*time.Second, "back as a newcomer", p.together)
}
