package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// pump runs a few engines on virtual time over a network that tests can cut,
// delay, repeat and spy on. It checks the invariants after each event.
type pump struct {
	t     *testing.T
	now   time.Time
	rng   *rand.Rand
	nodes []*box // sorted by name
	queue []parcel
	seq   int

	delay  func(m *Message) time.Duration // nil = 1 ms
	drop   func(m *Message) bool          // nil = nothing
	twice  func(m *Message) bool          // nil = nothing
	config func(*Config)                  // nil = as it is

	count map[string]int // messages by type

	decided map[uint64]*member.View // by number, for I2
	upNo    map[member.Node]uint64  // for I6
	buried  map[member.Node]uint64  // by whom and in which view, for I5
}

// box is one engine with what it has told.
type box struct {
	*Engine
	name    string
	alive   bool
	events  []Event
	wake    time.Time
	lastUID uint64
}

type parcel struct {
	at  time.Time
	seq int
	m   *Message
}

var epoch = time.UnixMilli(1_700_000_000_000)

func newPump(t *testing.T, seed uint64) *pump {
	return &pump{
		t: t, now: epoch, count: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 99)),
		decided: map[uint64]*member.View{}, upNo: map[member.Node]uint64{}, buried: map[member.Node]uint64{},
	}
}

// start starts a node, named by a letter or so, without a cluster.
func (p *pump) start(name string) *box {
	p.t.Helper()
	b := &box{name: name, alive: true}
	if old := p.get(name); old != nil {
		b.lastUID = old.self.UID
		p.nodes = slices.DeleteFunc(p.nodes, func(x *box) bool { return x == old })
	}
	cfg := Config{
		Self: member.Node{Address: name + ":1", UID: member.NextUID(p.now, b.lastUID, p.rng.Uint64())},
		Info: member.Info{Kinds: []string{"room"}, Meta: []member.Pair{{Key: "name", Value: name}}},
		Rand: rand.New(rand.NewPCG(p.rng.Uint64(), 1)),
	}
	if p.config != nil {
		p.config(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		p.t.Fatalf("New: %v", err)
	}
	b.Engine = e
	p.nodes = append(p.nodes, b)
	slices.SortFunc(p.nodes, func(a, b *box) int { return strings.Compare(a.name, b.name) })
	return b
}

func (p *pump) get(name string) *box {
	for _, b := range p.nodes {
		if b.name == name {
			return b
		}
	}
	return nil
}

// found lets a node found the cluster.
func (p *pump) found(name string) *box {
	p.t.Helper()
	b := p.start(name)
	p.must(name, Found{ID: member.ClusterID{1}})
	return b
}

// join starts a node and lets another accept it.
func (p *pump) join(name, by string) *box {
	p.t.Helper()
	b := p.start(name)
	p.must(name, Expect{From: member.Node{Address: by + ":1"}})
	p.must(by, Admit{Node: b.self, Info: b.cfg.Info})
	return b
}

// must gives a node a command that it takes.
func (p *pump) must(name string, in Input) {
	p.t.Helper()
	if err := p.try(name, in); err != nil {
		p.t.Fatalf("%s refuses %T: %v", name, in, err)
	}
}

func (p *pump) try(name string, in Input) error {
	b := p.get(name)
	err := b.Step(p.now, in)
	p.collect(b)
	return err
}

func (p *pump) crash(name string) { p.get(name).alive = false }

// cut drops everything between two groups of nodes, "ab" and "cde".
func (p *pump) cut(left, right string) {
	p.drop = func(m *Message) bool {
		l, r := m.From.Address[:1], m.To.Address[:1]
		return strings.Contains(left, l) && strings.Contains(right, r) ||
			strings.Contains(right, l) && strings.Contains(left, r)
	}
}

// cutOneWay drops everything from one group to another.
func (p *pump) cutOneWay(from, to string) {
	p.drop = func(m *Message) bool {
		return strings.Contains(from, m.From.Address[:1]) && strings.Contains(to, m.To.Address[:1])
	}
}

func (p *pump) heal() { p.drop = nil }

// collect takes what an engine has to hand over.
func (p *pump) collect(b *box) {
	p.t.Helper()
	rd := b.Ready()
	b.events = append(b.events, rd.Events...)
	b.wake = rd.Wake
	for _, m := range rd.Messages {
		p.post(m)
		if p.twice != nil && p.twice(m) {
			p.post(m)
		}
	}
	p.check(b)
}

func (p *pump) post(m *Message) {
	if p.drop != nil && p.drop(m) {
		return
	}
	d := time.Millisecond
	if p.delay != nil {
		d = p.delay(m)
	}
	p.seq++
	p.count[fmt.Sprintf("%T", m.Body)]++
	p.queue = append(p.queue, parcel{p.now.Add(d), p.seq, m})
}

// run lets time pass.
func (p *pump) run(d time.Duration) {
	p.t.Helper()
	end := p.now.Add(d)
	for p.next(end) {
	}
	p.now = end
}

// until lets time pass until a condition holds, for at most d, and returns how
// long that took.
func (p *pump) until(d time.Duration, what string, done func() bool) time.Duration {
	p.t.Helper()
	began := p.now
	for end := p.now.Add(d); !done(); {
		if !p.next(end) {
			p.t.Fatalf("after %v: not %s\n%s", d, what, p.state())
		}
	}
	return p.now.Sub(began)
}

// next handles the next event until end, and reports whether there was one.
func (p *pump) next(end time.Time) bool {
	i, b := p.first()
	switch {
	case i >= 0 && (b == nil || !b.wake.Before(p.queue[i].at)):
		if p.queue[i].at.After(end) {
			return false
		}
		x := p.queue[i]
		p.queue = slices.Delete(p.queue, i, i+1)
		p.now = x.at
		p.deliver(x.m)
	case b != nil:
		if b.wake.After(end) {
			return false
		}
		if b.wake.After(p.now) {
			p.now = b.wake
		}
		b.Tick(p.now)
		p.collect(b)
	default:
		return false
	}
	return true
}

// first returns the earliest parcel and the node that is to be woken first.
func (p *pump) first() (parcel int, wake *box) {
	parcel = -1
	for i, x := range p.queue {
		if parcel < 0 || x.at.Before(p.queue[parcel].at) || x.at.Equal(p.queue[parcel].at) && x.seq < p.queue[parcel].seq {
			parcel = i
		}
	}
	for _, b := range p.nodes {
		if b.alive && !b.wake.IsZero() && (wake == nil || b.wake.Before(wake.wake)) {
			wake = b
		}
	}
	return parcel, wake
}

func (p *pump) deliver(m *Message) {
	if p.drop != nil && p.drop(m) {
		return
	}
	for _, b := range p.nodes {
		if b.alive && b.self == m.To {
			_ = b.Step(p.now, m) // refused: lost
			p.collect(b)
		}
	}
}

// check holds the invariants I2, I4, I5 and I6 for what a node knows.
func (p *pump) check(b *box) {
	p.t.Helper()
	in := b.Inspect()
	if in.Identity != (member.Identity{Cluster: member.ClusterID{1}}) {
		return
	}
	for _, v := range []*member.View{in.Decided, in.Active} {
		if v == nil {
			continue
		}
		if known := p.decided[v.Number]; known != nil {
			if known != v && fmt.Sprint(*known) != fmt.Sprint(*v) {
				p.t.Fatalf("I2: view %d has two contents:\n%+v\n%+v", v.Number, *known, *v)
			}
			continue
		}
		p.decided[v.Number] = v
		p.checkNew(v)
	}
	for i, r := range in.Records {
		if i > 0 && in.Records[i-1].Address == r.Address {
			p.t.Fatalf("I5: %s has two records of %s", b.name, r.Address)
		}
	}
}

func (p *pump) checkNew(v *member.View) {
	p.t.Helper()
	if err := v.Validate(); err != nil {
		p.t.Fatalf("an invalid view was decided: %v", err)
	}
	for _, m := range v.Members {
		if gone := p.buried[m.Node]; gone != 0 && gone <= v.Number {
			p.t.Fatalf("I5: %s was removed in view %d and returns in %d", m.Node, gone, v.Number)
		}
		if was, ok := p.upNo[m.Node]; ok && was != m.UpNumber {
			p.t.Fatalf("I6: %s has upNumber %d in view %d, had %d", m.Node, m.UpNumber, v.Number, was)
		}
		p.upNo[m.Node] = m.UpNumber
	}
	for _, t := range v.Removed {
		p.buried[t.Node] = t.View
	}
}

// up reports whether exactly these nodes see each other, and nobody else, as
// Up and reachable, have converged and name the same leader.
func (p *pump) up(names ...string) bool {
	want := slices.Sorted(slices.Values(names))
	var leader string
	for _, n := range names {
		s := p.get(n).Snapshot()
		if !s.Converged || s.Leader == "" || leader != "" && s.Leader != leader {
			return false
		}
		leader = s.Leader
		var got []string
		for _, m := range s.Members {
			if m.Status == member.Up && m.Reachable {
				got = append(got, m.Address[:len(m.Address)-2])
			} else {
				got = append(got, "!"+m.Address)
			}
		}
		if !slices.Equal(got, want) {
			return false
		}
	}
	return true
}

// wantUp lets time pass until exactly these nodes are up.
func (p *pump) wantUp(d time.Duration, names ...string) time.Duration {
	p.t.Helper()
	return p.until(d, fmt.Sprint("all up: ", names), func() bool { return p.up(names...) })
}

// cluster founds a cluster and brings these nodes up.
func (p *pump) cluster(names ...string) {
	p.t.Helper()
	p.found(names[0])
	for _, n := range names[1:] {
		p.join(n, names[0])
	}
	p.wantUp(20*time.Second, names...)
}

func (p *pump) state() string {
	var s strings.Builder
	for _, b := range p.nodes {
		in := b.Inspect()
		fmt.Fprintf(&s, "%s alive=%t removed=%t %v promised=%v\n", b.name, b.alive, in.Removed, b.Snapshot(), in.Promised)
		fmt.Fprintf(&s, "  acked=%v decided=%v active=%v\n", in.Acked, in.Decided, in.Active)
		for _, r := range in.Records {
			fmt.Fprintf(&s, "  %+v\n", *r)
		}
		for _, r := range in.Rows {
			fmt.Fprintf(&s, "  %+v\n", *r)
		}
	}
	return s.String()
}

// told returns the events of one kind that a node has told.
func told[E Event](b *box) []E {
	var list []E
	for _, ev := range b.events {
		if ev, ok := ev.(E); ok {
			list = append(list, ev)
		}
	}
	return list
}
