package groups

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// world is a simulated cluster of machines: one seed, one heap of events. The
// network loses, delays, repeats and reorders; links are cut one way or both;
// nodes crash with what they had not made durable, are stopped, lose their
// disks; clocks run at different rates. Invariants are checked after each event.
type world struct {
	rng     *rand.Rand
	now     time.Time
	events  eventHeap
	seq     int
	nodes   []*simNode
	ghosts  map[uint64]*disk // disks that were lost, for the count of data holders
	cut     map[[2]int]bool  // from, to
	loss    float64
	slow    float64 // share of packets that take very long
	shards  int
	nextID  uint64
	view    uint64
	rows    []PlanRow
	without ingredients
	check
	log     []string
	err     error
	stats   simStats
	beatLen time.Duration
	spread  time.Duration // of elections
	mild    bool          // the nemesis rests
}

type simStats struct {
	events, packets, acked, unknown, reads, crashes, wipes, plans, transfers, installs int

	recovery time.Duration // the longest until a shard was written after the last fault
}

// simNode is one machine with its shell: disk, states, clock.
type simNode struct {
	w       *world
	at      int
	id      uint64
	boot    uint64
	m       *Machine
	disk    *disk
	rate    float64
	offset  time.Duration
	states  map[uint32]*state
	queue   []Ready   // batches not yet durable
	until   time.Time // stopped until
	held    []func()
	wakeSeq int
	life    int
	plan    Plan
}

// state is the state of one shard at one node: a list per key.
type state struct {
	index uint64
	lists map[string]string
}

func newState() *state { return &state{lists: map[string]string{}} }

func (s *state) encode() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", s.index)
	for _, k := range simKeys {
		fmt.Fprintf(&b, "%s=%s\n", k, s.lists[k])
	}
	return []byte(b.String())
}

func decodeState(data []byte) *state {
	s := newState()
	if len(data) == 0 {
		s.index = 1
		return s
	}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if i == 0 {
			fmt.Sscan(line, &s.index)
			continue
		}
		k, v, _ := strings.Cut(line, "=")
		s.lists[k] = v
	}
	return s
}

var simKeys = []string{"a", "b"}

// apply appends "value;" to the key's list.
func (s *state) apply(index uint64, data []byte) string {
	k, v, _ := strings.Cut(string(data), "=")
	s.lists[k] += v + ";"
	s.index = index
	return s.lists[k]
}

type event struct {
	at  time.Time
	seq int
	do  func()
	// lasting events belong to the world, not to a node or a packet.
	lasting bool
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

var simEpoch = time.Unix(1_000_000, 0)

func newWorld(seed uint64, off ingredients) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 7)), now: simEpoch, ghosts: map[uint64]*disk{}, cut: map[[2]int]bool{},
		without: off, beatLen: 50 * time.Millisecond, spread: 150 * time.Millisecond,
	}
	if seed%4 == 0 {
		w.spread = 5 * time.Millisecond // many stand at one time
	}
	w.check.init()
	w.shards = 1 << w.rng.IntN(3)
	for range 3 + w.rng.IntN(5) {
		w.nextID++
		n := &simNode{w: w, at: len(w.nodes), id: w.nextID, disk: newDisk(), offset: w.upTo(time.Hour)}
		n.rate = 0.951 + 0.098*w.rng.Float64()
		w.nodes = append(w.nodes, n)
		n.start()
	}
	return w
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now.Add(d), seq: w.seq, do: do})
}

func (w *world) lasting(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now.Add(d), seq: w.seq, do: do, lasting: true})
}

func (w *world) tracef(format string, args ...any) {
	if len(w.log) < 20000 {
		w.log = append(w.log, fmt.Sprintf("%8.3f ", w.now.Sub(simEpoch).Seconds())+fmt.Sprintf(format, args...))
	}
}

func (w *world) failf(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %.3fs: %w", w.now.Sub(simEpoch).Seconds(), fmt.Errorf(format, args...))
		w.tracef("FAIL %v", w.err)
	}
}

// run lets events happen for d.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for w.err == nil && len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.stats.events++
		e.do()
		w.checkAll()
	}
	w.now = end
}

// clock is the node's own clock.
func (n *simNode) clock() time.Time {
	return simEpoch.Add(n.offset).Add(time.Duration(float64(n.w.now.Sub(simEpoch)) * n.rate))
}

func (w *world) config(n *simNode) Config {
	return Config{
		Self: n.id, Boot: n.boot, Shards: w.shards, Seed: w.rng.Uint64(),
		Timing: Timing{Beat: w.beatLen, Lease: 400 * time.Millisecond, Patience: 500 * time.Millisecond, Spread: w.spread, Release: 150 * time.Millisecond},
		Limits: Limits{LogEntries: 20, KeepEntries: 8, PartBytes: 64, Window: 2, Transfers: 2, MessageBytes: 200, Inflight: 4, ApplyBytes: 300, Open: 32},
	}
}

// start begins a life of the node from what its disk holds.
func (n *simNode) start() {
	w := n.w
	w.check.boots++
	n.boot, n.life, n.queue = w.check.boots, n.life+1, nil
	stored := n.disk.stored()
	m, err := New(w.config(n), nil)
	if err != nil {
		w.failf("new: %v", err)
		return
	}
	m.without = w.without
	for _, s := range stored {
		if _, err := m.open(s); err != nil {
			w.failf("open: %v", err)
			return
		}
	}
	n.m, n.states = m, map[uint32]*state{}
	for _, s := range stored {
		if s.Snapshot.Index > 0 {
			n.states[s.Shard] = decodeState(n.disk.shards[s.Shard].snapshots[s.Snapshot.Index])
		}
	}
	m.Tick(n.clock())
	if n.plan.View > 0 {
		n.step(n.plan)
	}
	n.poll()
}

// crash ends it: of the batches under way a prefix became durable.
func (n *simNode) crash() {
	w := n.w
	keep := w.rng.IntN(len(n.queue) + 1)
	for _, rd := range n.queue[:keep] {
		if err := n.disk.apply(rd.Writes); err != nil {
			w.failf("disk of %d: %v", n.id, err)
		}
	}
	w.tracef("crash n%d id %d, keeps %d of %d batches", n.at, n.id, keep, len(n.queue))
	w.check.lostNode(n)
	n.m, n.queue, n.states, n.held = nil, nil, nil, nil
	n.until = time.Time{}
	n.life++
	w.stats.crashes++
}

// do runs f at the node unless it has died since, later if it is stopped.
func (n *simNode) do(life int, f func()) {
	switch {
	case n.m == nil || n.life != life:
	case n.until.After(n.w.now):
		n.held = append(n.held, func() { n.do(life, f) })
	default:
		f()
		n.poll()
	}
}

func (n *simNode) stop(d time.Duration) {
	n.w.tracef("stop n%d for %v", n.at, d)
	n.until = n.w.now.Add(d)
	n.w.after(d, func() {
		if n.until.After(n.w.now) {
			return
		}
		held := n.held
		n.held = nil
		for _, f := range held {
			f()
		}
	})
}

func (n *simNode) step(in Input) error { return n.m.Step(n.clock(), in) }

// poll does what a shell does with Ready.
func (n *simNode) poll() {
	w := n.w
	for n.m != nil && w.err == nil {
		rd := n.m.Ready()
		n.out(rd)
		if rd.Batch == 0 {
			if len(rd.Reads) == 0 && len(rd.Snapshots) == 0 {
				n.wake(rd.Wake)
				return
			}
			continue
		}
	}
}

func (n *simNode) wake(at time.Time) {
	if at.IsZero() {
		return
	}
	n.wakeSeq++
	seq, life := n.wakeSeq, n.life
	d := max(0, time.Duration(float64(at.Sub(n.clock()))/n.rate)+time.Microsecond)
	n.w.after(d, func() {
		if n.wakeSeq == seq {
			n.do(life, func() { n.m.Tick(n.clock()) })
		}
	})
}

func (n *simNode) out(rd Ready) {
	w := n.w
	for _, p := range rd.Packets {
		w.send(n, p)
	}
	if rd.Batch != 0 {
		n.queue = append(n.queue, rd)
		life := n.life
		w.after(100*time.Microsecond+w.upTo(3*time.Millisecond), func() { n.do(life, n.synced) })
	}
	for _, in := range rd.Installs {
		w.stats.installs++
		n.states[in.Shard] = decodeState(n.disk.shard(in.Shard).snapshots[in.Index])
		if in.Index == 1 {
			n.states[in.Shard] = decodeState(nil)
		}
		if got := n.states[in.Shard].index; got > in.Index {
			w.failf("n%d installs snapshot %d of shard %d with state %d", n.at, in.Index, in.Shard, got)
		}
	}
	for _, a := range rd.Applies {
		w.applied(n, a)
	}
	for _, a := range rd.Acks {
		w.ack(n, a)
	}
	for _, r := range rd.Roles {
		w.role(n, r)
	}
	for _, f := range rd.Failures {
		w.failf("n%d shard %d: %v", n.at, f.Shard, f.Err)
	}
	n.snapshots(rd)
}

func (n *simNode) snapshots(rd Ready) {
	w := n.w
	for _, q := range rd.Snapshots {
		life := n.life
		w.after(w.upTo(20*time.Millisecond), func() {
			n.do(life, func() {
				s := n.states[q.Shard]
				if s == nil || n.m.groups[q.Shard] == nil {
					return
				}
				index := max(s.index, q.Index)
				data := s.encode()
				n.disk.shard(q.Shard).snapshots[index] = data
				_ = n.step(SnapshotReady{Shard: q.Shard, Index: index, Size: uint64(len(data))})
			})
		})
	}
	for _, r := range rd.Reads {
		life := n.life
		w.after(w.upTo(2*time.Millisecond), func() {
			n.do(life, func() {
				data, ok := n.disk.shard(r.Shard).snapshots[r.Index]
				if !ok && n.m.groups[r.Shard] != nil {
					s := n.m.groups[r.Shard].shipment(r.To)
					if s == nil || s.meta.Index != r.Index {
						return // the read came too late
					}
					w.failf("n%d reads snapshot %d of shard %d, which is gone", n.at, r.Index, r.Shard)
					return
				}
				data = data[min(r.Offset, uint64(len(data))):]
				_ = n.step(SnapshotPart{Shard: r.Shard, Index: r.Index, To: r.To, Offset: r.Offset, Data: data[:min(len(data), r.Max)]})
			})
		})
	}
	for _, d := range rd.Drops {
		snaps := n.disk.shard(d.Shard).snapshots
		for index := range snaps {
			if index < d.Index && index < n.disk.shard(d.Shard).snap.Index {
				delete(snaps, index)
			}
		}
	}
}

// synced makes the oldest batch durable.
func (n *simNode) synced() {
	rd := n.queue[0]
	n.queue = n.queue[1:]
	if err := n.disk.apply(rd.Writes); err != nil {
		n.w.failf("disk of n%d: %v", n.at, err)
		return
	}
	if err := n.step(Persisted{Batch: rd.Batch}); err != nil {
		n.w.failf("persisted: %v", err)
	}
}

func (w *world) byID(id uint64) *simNode {
	i := slices.IndexFunc(w.nodes, func(n *simNode) bool { return n.id == id })
	if i < 0 {
		return nil
	}
	return w.nodes[i]
}

// send gives a packet to the network.
func (w *world) send(from *simNode, p Packet) {
	w.stats.packets++
	to := w.byID(p.To)
	if to == nil || w.cut[[2]int{from.at, to.at}] || w.rng.Float64() < w.loss {
		return
	}
	for copies := 1 + w.rng.IntN(50)/49; copies > 0; copies-- {
		d := 200*time.Microsecond + w.upTo(3*time.Millisecond)
		if w.rng.Float64() < w.slow {
			d = w.upTo(3 * time.Second)
		}
		id, from := to.id, from.id
		w.after(d, func() {
			if to.id == id && to.m != nil {
				to.do(to.life, func() { _ = to.step(Receive{From: from, Data: p.Data}) })
			}
		})
	}
}
