package seedjoin

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// world runs machines over a network of its own on virtual time. In place of
// engines it keeps one list of members per cluster, which all of its members
// see at once, or as late as Welcome delays and losses have it.
type world struct {
	t        *testing.T
	rand     *rand.Rand
	now      time.Time
	start    time.Time
	queue    queue
	serial   int
	asked    int              // probes sent
	procs    map[string]*proc // by address; dead ones are absent
	alias    map[string]string
	clusters []*fakeCluster
	cut      func(from, to string) bool // nil = nobody
	islands  bool                       // two clusters may live
	silent   map[string]bool            // addresses whose machine is off: no refusal either

	loss, dup float64
	delay     time.Duration // longest
	log       []string
}

type proc struct {
	m       *Machine
	cfg     Config
	self    member.Node
	stand   Standing
	events  []Event
	founded int
	wakeAt  time.Time
}

// mods makes the next incarnation's configuration like this one's.
func (p *proc) mods(more ...func(*Config)) []func(*Config) {
	like := p.cfg
	return append([]func(*Config){func(c *Config) {
		c.Symmetric, c.Expect, c.ReportOnly, c.Settings = like.Symmetric, like.Expect, like.ReportOnly, like.Settings
	}}, more...)
}

type fakeCluster struct {
	id      member.Identity
	view    uint64
	members []member.Node
	stuck   bool // nobody has a lease
}

type job struct {
	at     time.Time
	serial int
	do     func()
}

type queue []job

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].serial < q[j].serial
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(job)) }
func (q *queue) Pop() any {
	old := *q
	j := old[len(old)-1]
	*q = old[:len(old)-1]
	return j
}

func newWorld(t *testing.T, seed uint64) *world {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), now: start, start: start,
		procs: map[string]*proc{}, alias: map[string]string{}, silent: map[string]bool{},
		delay: time.Millisecond,
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.queue, job{at: w.now.Add(d), serial: w.serial, do: do})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		j := heap.Pop(&w.queue).(job)
		w.now = j.at
		j.do()
		w.check()
	}
	w.now = end
}

// until runs in small steps until cond holds.
func (w *world) until(limit time.Duration, what string, cond func() bool) time.Duration {
	w.t.Helper()
	begin := w.now
	for !cond() {
		if w.now.Sub(begin) > limit {
			w.t.Fatalf("after %s not yet: %s\n%s", limit, what, w.state())
		}
		w.run(5 * time.Millisecond)
	}
	return w.now.Sub(begin)
}

// up starts a process; one that runs at the address is killed first.
func (w *world) up(address string, seeds []string, mod ...func(*Config)) *proc {
	w.t.Helper()
	w.kill(address)
	uid := uint64(w.now.UnixMilli())<<20 | w.rand.Uint64()&(1<<20-1)
	cfg := Config{
		Self: member.Node{Address: address, UID: uid}, Name: "test", Seeds: seeds,
		Rand: rand.New(rand.NewPCG(w.rand.Uint64(), 1)),
	}
	for _, f := range mod {
		f(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &proc{m: m, cfg: cfg, self: cfg.Self}
	w.procs[address] = p
	w.logf("%s starts", p.self)
	m.Tick(w.now)
	w.drain(p)
	return p
}

func (w *world) kill(address string) {
	if p := w.procs[address]; p != nil {
		w.logf("%s dies", p.self)
		delete(w.procs, address)
	}
}

func (w *world) live(p *proc) bool { return w.procs[p.self.Address] == p }

func (w *world) step(p *proc, in Input) {
	w.t.Helper()
	if !w.live(p) {
		return
	}
	if err := p.m.Step(w.now, in); err != nil {
		w.t.Fatalf("%s: Step(%+v) = %v", p.self, in, err)
	}
	w.drain(p)
}

func (w *world) drain(p *proc) {
	rd := p.m.Ready()
	for _, e := range rd.Events {
		w.event(p, e)
	}
	for _, msg := range rd.Messages {
		w.send(msg)
	}
	if rd.Wake.IsZero() || rd.Wake.Equal(p.wakeAt) && rd.Wake.After(w.now) {
		return
	}
	if !rd.Wake.After(w.now) {
		w.t.Fatalf("%s: Wake %s is not after now %s", p.self, rd.Wake.Sub(w.start), w.now.Sub(w.start))
	}
	p.wakeAt = rd.Wake
	w.after(rd.Wake.Sub(w.now), func() {
		if w.live(p) && p.wakeAt.Equal(w.now) {
			p.m.Tick(w.now)
			w.drain(p)
		}
	})
}

func (w *world) latency() time.Duration { return time.Duration(w.rand.Int64N(int64(w.delay) + 1)) }

func (w *world) send(msg *Message) {
	if _, ok := msg.Body.(Probe); ok {
		w.asked++
	}
	copies := 1
	if w.rand.Float64() < w.dup {
		copies = 2
	}
	for range copies {
		if w.rand.Float64() >= w.loss {
			w.after(w.latency(), func() { w.deliver(msg) })
		}
	}
}

func (w *world) deliver(msg *Message) {
	address := msg.To.Address
	if a, ok := w.alias[address]; ok {
		address = a
	}
	if w.silent[address] || w.cut != nil && w.cut(msg.From.Address, address) {
		return
	}
	p := w.procs[address]
	if p == nil || msg.To.UID != 0 && msg.To.UID != p.self.UID {
		if from := w.procs[msg.From.Address]; from != nil && from.self == msg.From {
			w.after(w.latency(), func() { w.step(from, SendFailed{To: msg.To, Nobody: p == nil}) })
		}
		return
	}
	w.step(p, msg)
}

func (w *world) event(p *proc, e Event) {
	p.events = append(p.events, e)
	w.logf("%s: %T%+v", p.self, e, e)
	switch e := e.(type) {
	case Founded:
		p.founded++
		c := &fakeCluster{id: member.Identity{Cluster: e.ID}, members: []member.Node{p.self}}
		w.clusters = append(w.clusters, c)
		w.publish(c)
	case Admit:
		w.admit(p, e)
	case Lost:
		w.kill(p.self.Address)
		w.after(time.Second, func() { w.up(p.self.Address, p.cfg.Seeds, p.mods()...) })
	case Yielded:
		w.kill(p.self.Address)
		w.after(100*time.Millisecond, func() {
			w.up(p.self.Address, p.cfg.Seeds, p.mods(func(c *Config) { c.Contacts, c.Shun = []string{e.By.Address}, e.From })...)
		})
	case Replaced:
		w.after(300*time.Millisecond, func() { w.remove(w.cluster(p), e.Old) })
	}
}

func (w *world) cluster(p *proc) *fakeCluster {
	for _, c := range w.clusters {
		if c.id == p.stand.Identity {
			return c
		}
	}
	return nil
}

func (w *world) admit(p *proc, e Admit) {
	c := w.cluster(p)
	if c == nil {
		w.t.Fatalf("%s admits and is in no cluster", p.self)
	}
	if !slices.Contains(c.members, e.Node) {
		for _, n := range c.members {
			if n.Address == e.Node.Address {
				w.t.Fatalf("%s admits %s beside %s", p.self, e.Node, n)
			}
		}
		c.members = append(slices.Clone(c.members), e.Node)
		slices.SortFunc(c.members, member.Node.Compare)
	}
	if w.rand.Float64() >= w.loss { // the welcome
		w.after(w.latency(), func() { w.publish(c) })
	}
}

func (w *world) remove(c *fakeCluster, n member.Node) {
	if c == nil || !slices.Contains(c.members, n) {
		return
	}
	c.members = slices.DeleteFunc(slices.Clone(c.members), func(m member.Node) bool { return m == n })
	w.publish(c)
}

func (w *world) publish(c *fakeCluster) {
	c.view++
	for i, n := range c.members {
		p := w.procs[n.Address]
		if p == nil || p.self != n || !p.stand.Identity.IsZero() && p.stand.Identity != c.id {
			continue
		}
		p.stand = Standing{Identity: c.id, View: c.view, Lease: !c.stuck, Steward: i < 3, Members: member.Nodes(c.members), Voters: member.Nodes(c.members)}
		w.after(0, func() { w.step(p, Stand{p.stand}) })
	}
}

// check holds the invariants after every event.
func (w *world) check() {
	w.t.Helper()
	living := map[member.Identity]bool{}
	for _, p := range w.procs { // order: only a set is built, and faults end the test
		if !p.stand.Identity.IsZero() {
			living[p.stand.Identity] = true
		}
		if p.founded > 0 && p.cfg.Expect == 0 && !p.m.first() { // a list that is looked up changes
			w.t.Fatalf("%s is not the first seed and founded\n%s", p.self, w.state())
		}
		if p.founded > 1 {
			w.t.Fatalf("%s founded twice\n%s", p.self, w.state())
		}
	}
	if len(living) > 1 && w.cut == nil && !w.islands {
		w.t.Fatalf("two clusters live\n%s", w.state())
	}
}

// joined reports whether all living processes are in one cluster.
func (w *world) joined() bool {
	var id member.Identity
	for _, p := range w.procs { // order: all are compared
		if p.stand.Identity.IsZero() || !id.IsZero() && p.stand.Identity != id {
			return false
		}
		id = p.stand.Identity
	}
	return true
}

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%8s ", w.now.Sub(w.start).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (w *world) state() string {
	s := ""
	for _, l := range w.log[max(0, len(w.log)-60):] {
		s += l + "\n"
	}
	return s
}

func eventsOf[E Event](p *proc) []E {
	var es []E
	for _, e := range p.events {
		if e, ok := e.(E); ok {
			es = append(es, e)
		}
	}
	return es
}
