package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/internal/core"
)

// epoch is when every world starts. Any date will do, so long as it stays.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Sim is one simulated world. Node ids count from 1; a node exists from the
// first time that it is named.
type Sim struct {
	cfg   Config
	rng   *rand.Rand
	queue queue
	seq   uint64
	now   time.Duration

	nodes []*node // by id; nodes[0] stays empty
	seeds []string
	alone map[int]bool
	cuts  map[pair]time.Duration // when each began
	links map[pair]Link

	count   uint64 // events that happened
	packets uint64 // packets that were sent
	bytes   uint64 // that those had while size was set
	size    func(*core.Packet) int
	log     transcript
	law     law
	excused time.Duration // until then a second cluster may be founded because of a cut
	changed time.Duration // when the world was last changed from outside
	islands bool          // two clusters exist, and there was a reason
	tally   tally
	store   store
	err     *Failure
}

// New returns an empty world.
func New(cfg Config) *Sim {
	cfg = cfg.withDefaults()
	if cfg.New == nil {
		cfg.New = newCore
	}
	s := &Sim{
		cfg:   cfg,
		rng:   rand.New(rand.NewPCG(cfg.Seed, 0)),
		nodes: []*node{nil},
		alone: map[int]bool{},
		cuts:  map[pair]time.Duration{},
		links: map[pair]Link{},
		log:   newTranscript(cfg.Tail, cfg.Transcript),
		law:   newLaw(),
	}
	for _, id := range cfg.Seeds {
		s.seeds = append(s.seeds, Address(id))
	}
	return s
}

// Spell sets the seed list to these addresses, for nodes that start later.
// [Alias] gives another spelling of a node's address.
func (s *Sim) Spell(seeds ...string) { s.seeds = seeds }

// Rename gives node id another cluster name for its next start.
func (s *Sim) Rename(id int, cluster string) { s.node(id).name = cluster }

// FoundAlone sets the operator's override of rule S1 for the next start of node id.
func (s *Sim) FoundAlone(id int) { s.alone[id] = true }

// Start starts node id, again under a new UID if it ran before. It does
// nothing when the node is running.
func (s *Sim) Start(id int) {
	n := s.node(id)
	if n.running() {
		return
	}
	s.recordAction("start n%d", id)
	if err := s.boot(n); err != nil {
		s.fail("start", "%v", err)
	}
}

// Crash ends the process of node id without a word, as SIGKILL does.
func (s *Sim) Crash(id int) {
	s.recordAction("crash n%d", id)
	n := s.node(id)
	n.disturbed = true
	s.halt(n, "crashed")
	s.trouble()
}

// Leave tells node id to leave. Its services report that they have handed
// over after Config.Drain. The error is the machine's.
func (s *Sim) Leave(id int) error {
	s.recordAction("leave n%d", id)
	n := s.node(id)
	if err := n.answers(); err != nil {
		return fmt.Errorf("leave n%d: %w", id, err)
	}
	uid, before := n.self.UID, n.leaving
	n.leaving = true // a node that is alone is gone at once
	if err := s.step(n, core.Leave{}); err != nil {
		n.leaving = before
		return err
	}
	s.push(event{at: s.now + s.cfg.Drain, kind: drained, to: id, uid: uid})
	return nil
}

// Down tells node at that an operator wants node id out. The error is the machine's.
func (s *Sim) Down(at, id int) error {
	s.recordAction("down n%d at n%d", id, at)
	n := s.node(at)
	if err := n.answers(); err != nil {
		return fmt.Errorf("down n%d at n%d: %w", id, at, err)
	}
	s.node(id).downed = true
	return s.step(n, core.Down{Address: Address(id)})
}

// Shutdown tells node at that an operator wants the whole cluster to stop: every
// node drains and leaves. The error is the machine's.
func (s *Sim) Shutdown(at int) error {
	s.recordAction("shutdown at n%d", at)
	n := s.node(at)
	if err := n.answers(); err != nil {
		return fmt.Errorf("shutdown at n%d: %w", at, err)
	}
	err := s.step(n, core.Shutdown{})
	if err == nil {
		s.law.closing[n.seen.holds.Identity] = true
	}
	return err
}

// Recover tells node at that an operator lets those whom it hears go on without
// a quorum, under a new branch. The error is the machine's.
func (s *Sim) Recover(at int) error {
	s.recordAction("recover at n%d", at)
	n := s.node(at)
	if err := n.answers(); err != nil {
		return fmt.Errorf("recover at n%d: %w", at, err)
	}
	excused := make([]bool, len(s.nodes))
	for i, o := range s.nodes[1:] {
		excused[i+1], o.disturbed = o.disturbed, true // whom it does not hear is left behind
	}
	err := s.step(n, core.Recover{})
	s.islands = s.islands || err == nil
	for i, o := range s.nodes[1:] {
		o.disturbed = err == nil || excused[i+1]
	}
	return err
}

// Freeze stops node id as SIGSTOP does: what reaches it waits.
func (s *Sim) Freeze(id int) {
	s.recordAction("freeze n%d", id)
	n := s.node(id)
	n.frozen, n.disturbed = n.running(), true
	s.trouble()
}

// Thaw lets node id go on. What waited happens now, in its order; an overdue
// timer comes before or after it.
func (s *Sim) Thaw(id int) {
	n := s.node(id)
	if !n.frozen {
		return
	}
	s.recordAction("thaw n%d", id)
	held := n.held
	n.frozen, n.held = false, nil
	if s.rng.Uint64()&1 == 0 {
		slices.SortStableFunc(held, func(a, b event) int { return wakeFirst(a) - wakeFirst(b) })
	}
	for _, e := range held {
		if e.kind == wake {
			n.timer = s.now
		}
		e.at = s.now
		s.push(e)
	}
}

func wakeFirst(e event) int {
	if e.kind == wake {
		return 0
	}
	return 1
}

// Run lets d pass, or less if an invariant breaks.
func (s *Sim) Run(d time.Duration) {
	end := s.now + d
	for s.err == nil && s.queue.len() > 0 && s.queue.next() <= end {
		e := s.queue.pop()
		s.now = e.at
		s.happen(&e)
	}
	if s.err == nil {
		s.now = end
	}
}

// Settle lets time pass until [Sim.Calm] finds nothing amiss, at most d. It
// looks every tenth of a second and reports whether that came about.
func (s *Sim) Settle(d time.Duration) bool {
	const look = 100 * time.Millisecond
	for end := s.now + d; s.err == nil && s.now < end; {
		s.Run(look)
		if s.err == nil && s.amiss() == "" {
			return true
		}
	}
	return false
}

// happen makes one event happen.
func (s *Sim) happen(e *event) {
	n := s.nodes[e.to]
	if e.uid != 0 && e.uid != n.self.UID {
		return // it concerned an incarnation that is gone
	}
	if n.frozen && e.kind != claims {
		if e.kind != wake || e.at == n.timer {
			n.held = append(n.held, *e)
		}
		return
	}
	switch e.kind {
	case deliver:
		s.record(record{kind: deliver, from: e.from, to: e.to, packet: e.packet})
		if e.extra != nil && e.extra.seal != hashOf(e.packet) {
			s.fail("sealed", "somebody wrote to this packet of %s after it was sent", name(e.from))
		}
		s.arrive(s.nodes[e.from], n, e.packet)
	case claims:
		s.claimed(n, e.extra.claim)
	case rejoin:
		s.Start(e.to)
	default:
		if n.running() {
			s.own(n, e)
		}
	}
}

// own makes an event of a running node's own happen.
func (s *Sim) own(n *node, e *event) {
	switch e.kind {
	case failed:
		s.record(record{kind: failed, to: e.to, fail: e.extra.fail})
		_ = s.step(n, *e.extra.fail) // recorded there
	case drained:
		s.record(record{kind: drained, to: e.to})
		_ = s.step(n, core.Drained{})
	case closing:
		_ = s.Leave(e.to) // recorded there
	case answered:
		_ = s.step(n, e.extra.answer)
	case wake:
		s.tick(n, e)
	}
}

// step feeds one input and does what comes of it.
func (s *Sim) step(n *node, in core.Input) error {
	err := n.machine.Step(s.clock(n), in)
	if err != nil {
		s.record(record{kind: action, to: n.id, text: "refuses: " + err.Error()})
	}
	done := s.settle(n)
	if _, ok := in.(*core.Packet); ok && err != nil && done > 0 {
		s.fail("step", "%s refused an input (%v) and yet had %d things to do", name(n.id), err, done)
	}
	return err
}

// Slow makes node id slow: whatever it has to do, it does up to d late; 0 ends
// that.
func (s *Sim) Slow(id int, d time.Duration) {
	s.recordAction("slow n%d %v", id, d)
	n := s.node(id)
	n.slow = d
	if d > sluggish {
		n.disturbed = true
	}
}

// clock is what the node's own clock shows.
func (s *Sim) clock(n *node) time.Time { return epoch.Add(n.local(s.now)) }

// push queues an event.
func (s *Sim) push(e event) {
	s.seq++
	e.seq = s.seq
	s.queue.push(e)
}

// node returns node id and makes it known if it was not.
func (s *Sim) node(id int) *node {
	if id < 1 {
		panic(fmt.Sprintf("sim: node ids count from 1, got %d", id))
	}
	for len(s.nodes) <= id {
		n := &node{id: len(s.nodes), name: s.cfg.Name}
		if s.cfg.Skew > 0 {
			n.skew = time.Duration(s.rng.Int64N(int64(s.cfg.Skew)))
		}
		if d := int64(s.cfg.Drift * parts); d > 0 {
			n.drift = s.rng.Int64N(2*d+1) - d
		}
		s.nodes = append(s.nodes, n)
	}
	return s.nodes[id]
}

// generator returns a generator of its own for one incarnation, so that what
// one node draws does not change what another does.
func (s *Sim) generator(uid uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.cfg.Seed, uid))
}

// Now returns how much time has passed since the start of the world.
func (s *Sim) Now() time.Duration { return s.now }

// Events returns how many events have happened.
func (s *Sim) Events() uint64 { return s.count }

// Packets returns how many packets have been sent.
func (s *Sim) Packets() uint64 { return s.packets }

// Weigh has every packet that is sent from now on measured by size, for
// [Sim.Bytes]; nil ends that. How many bytes a packet has in a frame is for the
// wire to say, which the simulator knows nothing of.
func (s *Sim) Weigh(size func(*core.Packet) int) { s.size = size }

// Bytes returns how many bytes the packets had that were measured: see [Sim.Weigh].
func (s *Sim) Bytes() uint64 { return s.bytes }
