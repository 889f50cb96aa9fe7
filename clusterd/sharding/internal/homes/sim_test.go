package homes

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/slots"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "run TestRandom with this seed alone")
	manySeeds = flag.Uint64("seeds", race.Less[uint64](8, 2), "run TestRandom with so many seeds")
)

var simKinds = []string{"cart", "room"}

// sim is a cluster of machines with a network that delays, loses, repeats and
// reorders, and a membership that decides views and tells each node of them in
// its own time.
type sim struct {
	t       *testing.T
	rnd     *rand.Rand
	now     time.Time
	events  eventHeap
	seq     int
	nodes   []*simNode // in order of birth, the dead ones too
	view    View       // the newest
	loss    float64
	moves   int                            // Config.Moves
	slow    time.Duration                  // the most that a late message or view takes
	top     map[string]*[slots.Count]Epoch // highest epoch that ever ran
	running map[string]map[uint16]*run     // of the watched slots
	log     []string
	packets int
}

// run is what the model knows of a slot that is watched: who has its state.
type run struct {
	node  *simNode
	value int // the state; a fresh start has a new one
}

type simNode struct {
	member.Node
	m       *Machine
	kinds   []string
	dead    bool
	wake    time.Time // when its Tick is due
	values  map[string]map[uint16]int
	stopped map[string]*slots.Set // asked to stop, not reported yet
}

type event struct {
	at  time.Time
	seq int
	do  func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		t: t, rnd: rand.New(rand.NewPCG(seed, 17)), now: time.Unix(1000, 0),
		top: map[string]*[slots.Count]Epoch{}, running: map[string]map[uint16]*run{},
	}
	for _, kind := range simKinds {
		s.top[kind] = new([slots.Count]Epoch)
		s.running[kind] = map[uint16]*run{}
	}
	return s
}

func (s *sim) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.events, event{s.now.Add(d), s.seq, do})
}

func (s *sim) within(max time.Duration) time.Duration { return time.Duration(s.rnd.Int64N(int64(max))) }

func (s *sim) logf(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%8.3f ", s.now.Sub(time.Unix(1000, 0)).Seconds())+fmt.Sprintf(format, args...))
}

func (s *sim) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(s.log[max(0, len(s.log)-60):], "\n"))
}

// runFor plays the events of the next d.
func (s *sim) runFor(d time.Duration) {
	end := s.now.Add(d)
	for len(s.events) > 0 && !s.events[0].at.After(end) {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	s.now = end
}

func (s *sim) start(address string, kinds ...string) *simNode {
	uid := uint64(1)
	for _, n := range s.nodes {
		if n.Address == address {
			uid = n.UID + 1
		}
	}
	n := &simNode{Node: member.Node{Address: address, UID: uid}, kinds: kinds,
		values: map[string]map[uint16]int{}, stopped: map[string]*slots.Set{}}
	for _, kind := range kinds {
		n.values[kind], n.stopped[kind] = map[uint16]int{}, new(slots.Set)
	}
	n.m = New(Config{Self: n.Node, Kinds: kinds, Limit: 2 << 20, Moves: s.moves, Rebalance: time.Second})
	s.nodes = append(s.nodes, n)
	return n
}

// decide makes a next view and tells all live members of it, each at its time.
func (s *sim) decide(what string, change func(v *View)) {
	v := s.view
	v.Number++
	v.Members = slices.Clone(v.Members)
	change(&v)
	slices.SortFunc(v.Members, func(a, b Member) int { return strings.Compare(a.Address, b.Address) })
	v.Leader = ""
	for _, m := range v.Members {
		if m.Status == member.Up || m.Status == member.Leaving {
			v.Leader = m.Address
			break
		}
	}
	s.view = v
	s.logf("view %d: %s", v.Number, what)
	for _, n := range s.nodes {
		s.after(s.within(s.slow/4), func() { s.tell(n, v) })
	}
}

func (s *sim) tell(n *simNode, v View) {
	if n.dead || s.view.find(n.Node) == nil && v.find(n.Node) == nil {
		return
	}
	// A late one is refused as old: some nodes skip views.
	_ = n.m.Step(s.now, v)
	s.drain(n)
}

func (s *sim) up(n *simNode) {
	s.decide("up "+n.String(), func(v *View) {
		v.Members = append(v.Members, Member{Node: n.Node, Status: member.Up, Kinds: n.kinds})
	})
}

func (s *sim) status(n *simNode, st member.Status) {
	s.decide(st.String()+" "+n.String(), func(v *View) {
		for i := range v.Members {
			if v.Members[i].Node == n.Node {
				v.Members[i].Status = st
			}
		}
	})
}

func (s *sim) remove(n *simNode) {
	s.decide("removed "+n.String(), func(v *View) {
		v.Members = slices.DeleteFunc(v.Members, func(m Member) bool { return m.Node == n.Node })
	})
}

func (s *sim) crash(n *simNode) {
	s.logf("crash %s", n)
	n.dead = true
}

// leave runs a planned departure: nobody may lose state by it.
func (s *sim) leave(n *simNode) {
	s.status(n, member.Leaving)
	var poll func()
	poll = func() {
		if n.dead {
			return
		}
		if m := n.m.view.find(n.Node); m != nil && m.Status == member.Leaving && n.m.Idle() {
			n.m.Drained()
			s.logf("drained %s", n)
			n.dead = true
			s.remove(n)
			return
		}
		s.after(100*time.Millisecond, poll)
	}
	s.after(100*time.Millisecond, poll)
}

// drain does what a machine wants done.
func (s *sim) drain(n *simNode) {
	r := n.m.Ready()
	for _, a := range r.Acts {
		s.do(n, a)
	}
	for _, p := range r.Packets {
		s.send(n, p)
	}
	if slices.ContainsFunc(r.Acts, func(a Act) bool { _, grows := a.(Run); return grows }) {
		s.check(n)
	}
	// One timer a node: a later wake waits for the earlier one.
	if r.Wake.IsZero() || !n.wake.IsZero() && !r.Wake.Before(n.wake) {
		return
	}
	n.wake = r.Wake
	s.after(max(0, r.Wake.Sub(s.now)), func() {
		if !n.dead && n.wake.Equal(r.Wake) {
			n.wake = time.Time{}
			n.m.Tick(s.now)
			s.drain(n)
		}
	})
}

func (s *sim) send(n *simNode, p Packet) {
	s.packets++
	for copies := 1; copies > 0; copies-- {
		if s.rnd.Float64() < s.loss {
			continue
		}
		if s.rnd.Float64() < s.loss {
			copies++
		}
		d := s.within(20 * time.Millisecond)
		if s.rnd.Float64() < s.loss {
			d = s.within(s.slow)
		}
		s.after(d, func() { s.arrive(n.Node, p) })
	}
}

func (s *sim) arrive(from member.Node, p Packet) {
	for _, n := range s.nodes {
		if n.Node == p.Peer && !n.dead {
			_ = n.m.Step(s.now, Packet{Peer: from, Message: p.Message})
			s.drain(n)
		}
	}
}

// watched are the slots whose state the model follows.
func watched(slot uint16) bool { return slot%512 == 3 }

func (s *sim) do(n *simNode, a Act) {
	switch a := a.(type) {
	case Run:
		s.logf("%s runs %s: %d slots, %d with cargo", n, a.Kind, a.Slots.Len(), len(a.Cargo))
		s.run(n, a)
	case Release:
		n.stopped[a.Kind].Union(a.Slots)
		// In one go or in two, each in its time.
		half := new(slots.Set)
		for slot := range a.Slots.Slots() {
			if s.rnd.IntN(2) == 0 {
				half.Add(slot)
			}
		}
		rest := a.Slots.Clone()
		rest.Subtract(half)
		for _, part := range []*slots.Set{half, rest} {
			s.after(s.within(50*time.Millisecond), func() { s.stop(n, a.Kind, part) })
		}
	case Pass:
	case Drop:
		for slot := range a.Slots.Slots() {
			delete(n.values[a.Kind], slot)
			if r := s.running[a.Kind][slot]; r != nil && r.node == n {
				delete(s.running[a.Kind], slot)
			}
		}
	}
}

// run checks that a slot goes on where it was, unless a crash took its state.
func (s *sim) run(n *simNode, a Run) {
	for slot := range a.Slots.Slots() {
		e := n.m.Epoch(a.Kind, slot)
		if e < s.top[a.Kind][slot] {
			s.fail("%s runs %s %d under epoch %v, after %v", n, a.Kind, slot, e, s.top[a.Kind][slot])
		}
		s.top[a.Kind][slot] = e
		if !watched(slot) {
			continue
		}
		r := s.running[a.Kind][slot]
		value := s.seq
		for _, c := range a.Cargo {
			if c.Slot == slot {
				fmt.Sscan(string(c.Data[:8]), &value)
			}
		}
		if r != nil && !r.node.dead && value != r.value {
			s.fail("%s runs %s %d with %d, want the state %d of %s", n, a.Kind, slot, value, r.value, r.node)
		}
		s.running[a.Kind][slot] = &run{n, value}
		n.values[a.Kind][slot] = value
	}
}

func (s *sim) stop(n *simNode, kind string, part *slots.Set) {
	if n.dead || part.Empty() {
		return
	}
	var cargo []Cargo
	for slot := range part.Slots() {
		if v, ok := n.values[kind][slot]; ok {
			pad := 0
			if s.rnd.IntN(100) == 0 {
				pad = (1 + s.rnd.IntN(12)) * partSize // some cargo takes several parts, or more than a window
			}
			cargo = append(cargo, Cargo{slot, fmt.Appendf(nil, "%8d%*s", v, pad, "")})
			delete(n.values[kind], slot)
		}
	}
	_ = n.m.Step(s.now, Stopped{Kind: kind, Slots: part, Cargo: cargo})
	s.drain(n)
}

// check holds the invariant: no slot has two holders.
func (s *sim) check(changed *simNode) {
	for _, kind := range simKinds {
		mine := changed.m.Held(kind)
		for _, o := range s.nodes {
			if o == changed || o.dead {
				continue
			}
			both := o.m.Held(kind)
			both.Intersect(mine)
			if !both.Empty() && !changed.dead {
				s.fail("%s and %s both hold %s %s", changed, o, kind, both)
			}
		}
	}
}

// settled checks what must be true when nothing has happened for a while: each
// kind is spread evenly over its hosts, and everybody knows where.
func (s *sim) settled() {
	for _, kind := range simKinds {
		all := new(slots.Set)
		var held []int
		for _, n := range s.live() {
			if n.m.view.Number != s.view.Number || s.view.find(n.Node) == nil {
				continue
			}
			got := n.m.Held(kind)
			if k := n.m.kind(kind); k != nil && !got.Equal(&k.table.mine) {
				s.fail("%s in view %d holds %d slots of %s, want the %d that are planned", n, n.m.view.Number, got.Len(), kind, k.table.mine.Len())
			}
			if m := s.view.find(n.Node); m.Status == member.Up && m.Hosts(kind) {
				held = append(held, got.Len())
			}
			all.Union(got)
			s.known(n, kind, got)
		}
		if len(held) == 0 {
			continue
		}
		if slices.Max(held)-slices.Min(held) > 1 {
			s.fail("%s: hosts have %v slots, want a difference of 1 at most", kind, held)
		}
		if !all.Equal(slots.All()) {
			s.fail("%s: %d slots are somewhere, want all", kind, all.Len())
		}
	}
	for _, n := range s.live() {
		if r := n.m.Ready(); !r.Wake.IsZero() || len(n.m.in) > 0 || len(n.m.out) > 0 || len(n.m.early) > 0 || n.m.arriving != 0 {
			s.fail("%s is not at rest: wake %v, %d in, %d out, %d early, %d bytes", n, r.Wake, len(n.m.in), len(n.m.out), len(n.m.early), n.m.arriving)
		}
	}
}

// known checks that all members, hosts or not, know that n holds its slots.
func (s *sim) known(n *simNode, kind string, held *slots.Set) {
	for _, o := range s.live() {
		if s.view.find(o.Node) == nil {
			continue
		}
		for slot := range held.Slots() {
			where, epoch := o.m.table(kind).where(slot)
			if where != n.Node || epoch != n.m.Epoch(kind, slot) {
				s.fail("%s thinks that %s has %s %d, under %v, want %s, %v", o, where, kind, slot, epoch, n, n.m.Epoch(kind, slot))
			}
		}
	}
}

func (s *sim) live() (list []*simNode) {
	for _, n := range s.nodes {
		if !n.dead {
			list = append(list, n)
		}
	}
	return list
}

// stir makes one random change of the cluster.
func (s *sim) stir() {
	live := s.live()
	if len(live) == 0 {
		s.up(s.start(s.freeAddress(), simKinds...))
		return
	}
	n := live[s.rnd.IntN(len(live))]
	gone := func(n *simNode) bool { m := s.view.find(n.Node); return m == nil || m.Status != member.Up }
	switch choice := s.rnd.IntN(10); {
	case choice < 4 && len(live) < 7:
		kinds := [][]string{simKinds, simKinds, {"cart"}, {"room"}, {}}[s.rnd.IntN(5)]
		s.up(s.start(s.freeAddress(), kinds...))
	case choice < 7 && len(live) > 2 && !gone(n):
		s.crash(n)
		s.after(500*time.Millisecond+s.within(2*time.Second), func() { s.remove(n) })
	case choice < 9 && len(live) > 1 && !gone(n):
		s.leave(n)
	case s.rnd.IntN(2) == 0:
		s.burden()
	default:
		// Another view with nothing new for placement.
		s.decide("nothing", func(*View) {})
	}
}

// burden makes some nodes busy, so that the issuer may plan by load.
func (s *sim) burden() {
	s.logf("burden")
	for _, n := range s.live() {
		for _, kind := range n.kinds {
			u := Usage{Kind: kind}
			for slot := range n.m.Held(kind).Slots() {
				if len(u.Hot) < 20 && s.rnd.IntN(10) == 0 {
					u.Hot = append(u.Hot, Load{slot, uint32(s.rnd.IntN(5000))})
				}
			}
			_ = n.m.Step(s.now, u)
			s.drain(n)
		}
	}
}

func (s *sim) freeAddress() string {
	for {
		a := fmt.Sprintf("10.0.0.%d:7001", s.rnd.IntN(12))
		if !slices.ContainsFunc(s.view.Members, func(m Member) bool { return m.Address == a }) {
			return a
		}
	}
}

func TestRandom(t *testing.T) {
	seeds := *manySeeds
	if testing.Short() {
		seeds = min(seeds, 4)
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		if *oneSeed != 0 {
			seed = *oneSeed
		}
		ok := t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { runRandom(t, seed) })
		if !ok || *oneSeed != 0 {
			return
		}
	}
}

func runRandom(t *testing.T, seed uint64) {
	s := newSim(t, seed)
	s.moves = []int{256, 1024, slots.Count}[seed%3]
	s.loss = []float64{0, 0.05, 0.3}[seed%3]
	s.slow = []time.Duration{2, 4, 8}[seed/3%3] * time.Second
	s.up(s.start("10.0.0.1:7001", simKinds...))
	for range 12 {
		s.runFor(s.within(1200 * time.Millisecond))
		s.stir()
	}
	s.runFor(10 * time.Second)
	s.loss = 0
	s.runFor(20 * time.Second)
	s.settled()
}
