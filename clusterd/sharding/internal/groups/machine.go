package groups

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Machine holds all shard replicas of one node. It is not safe for concurrent
// use: one goroutine owns it.
type Machine struct {
	cfg   Config
	rng   *rand.Rand
	start time.Time // of the first input: the zero of this node's stamps
	now   time.Time // of the newest input

	groups []*group // by shard; nil where there is no replica
	led    []*group // those that this node leads, by shard
	dirty  []*group // those to be drained by the next Ready
	spare  []*group // the list that was drained last, for the next one
	dues   dues     // those with a timer
	peers  []*peer  // by id

	batches   []batch // handed out, not yet reported durable
	building  batch   // of the Ready under construction
	lastBatch uint64
	out       Ready

	nextBeat time.Time
	plan     plan
	sending  int // snapshots under way from here

	// without takes a part of the protocol out, for tests that show what it is
	// there for.
	without ingredients
}

// New returns the machine of a node that holds what is stored. Replicas that
// are stored start as followers; they vote for nobody until a primary that
// they may have supported before the restart has no lease any more. A replica
// whose stored log makes no sense is stopped and comes as a Failure.
func New(cfg Config, stored []Stored) (*Machine, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	m := &Machine{
		cfg:    cfg,
		rng:    rand.New(rand.NewPCG(cfg.Seed, cfg.Self)),
		groups: make([]*group, cfg.Shards),
	}
	m.plan.rows = make([]*PlanRow, cfg.Shards)
	for _, s := range stored {
		if int(s.Shard) >= cfg.Shards {
			return nil, ErrShard
		}
		if m.groups[s.Shard] != nil {
			return nil, ErrExists
		}
		if _, err := m.open(s); err != nil && !errors.Is(err, ErrBroken) {
			return nil, err
		}
	}
	return m, nil
}

// Step takes one input. An error means that it was refused and nothing has
// changed, but for a packet of several messages, of which the others count.
func (m *Machine) Step(now time.Time, in Input) error {
	m.advance(now)
	switch in := in.(type) {
	case Receive:
		return m.receive(in)
	case Propose:
		return m.propose(in)
	case Persisted:
		return m.persisted(in)
	case Create:
		return m.create(in)
	case Plan:
		return m.planned(in)
	case SnapshotReady:
		return m.snapshotReady(in)
	case SnapshotPart:
		return m.snapshotPart(in)
	case Transfer:
		return m.transferTo(in)
	case Unreachable:
		return m.unreachable(in)
	}
	return ErrInput
}

// advance takes note of the time, which never goes back.
func (m *Machine) advance(now time.Time) {
	if m.start.IsZero() {
		m.start, m.now, m.nextBeat = now, now, now.Add(m.cfg.Timing.Beat)
		for _, g := range m.groups {
			if g != nil {
				g.restarted()
			}
		}
	}
	if now.After(m.now) {
		m.now = now
	}
}

// stamp is this node's clock as it stands in heartbeats.
func (m *Machine) stamp() int64 { return int64(m.now.Sub(m.start)) + 1 }

// Tick does what time makes due: heartbeats, elections, the end of leases.
func (m *Machine) Tick(now time.Time) {
	m.advance(now)
	for len(m.dues) > 0 && !m.dues[0].key.After(m.now) {
		g := m.dues[0].g
		if g.due.After(m.now) {
			m.dues.set(g, g.due) // it was put off since
			continue
		}
		g.timeout()
		m.dues.set(g, g.due)
	}
	if !m.nextBeat.After(m.now) {
		m.beat()
		m.nextBeat = m.now.Add(m.cfg.Timing.Beat)
	}
}

// touch has g drained by the next Ready.
func (m *Machine) touch(g *group) {
	if !g.dirty {
		g.dirty = true
		m.dirty = append(m.dirty, g)
	}
}

// Ready hands over what is to be done; see [Ready].
func (m *Machine) Ready() Ready {
	for len(m.dirty) > 0 {
		list := m.dirty
		m.dirty = m.spare[:0]
		m.spare = list
		slices.SortFunc(list, byShard)
		for _, g := range list {
			g.dirty = false
			g.drain()
		}
		m.closeBatch()
	}
	m.flush()
	out := m.out
	m.out = Ready{}
	out.Wake = m.wake()
	return out
}

// closeBatch gives the writes under construction a number, unless nobody has
// to wait for anything.
func (m *Machine) closeBatch() {
	b := m.building
	m.building = batch{}
	if len(b.waits) == 0 && len(b.writes) == 0 {
		return
	}
	if len(b.writes) == 0 {
		// Only answers, which wait for what is under way, if anything is.
		if n := len(m.batches); n > 0 {
			m.batches[n-1].waits = append(m.batches[n-1].waits, b.waits...)
		} else {
			m.deliver(b)
		}
		return
	}
	if m.out.Batch == 0 {
		m.lastBatch++
		m.out.Batch = m.lastBatch
		m.batches = append(m.batches, batch{number: m.lastBatch})
	}
	open := &m.batches[len(m.batches)-1]
	if len(m.out.Writes) == 0 {
		open.waits, m.out.Writes = b.waits, b.writes
	} else {
		open.waits, m.out.Writes = append(open.waits, b.waits...), append(m.out.Writes, b.writes...)
	}
	m.out.Sync = m.out.Sync || b.sync
}

func (m *Machine) wake() time.Time {
	at := time.Time{}
	earliest := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if len(m.led) > 0 {
		earliest(m.nextBeat)
	}
	if len(m.dues) > 0 {
		earliest(m.dues[0].key)
	}
	return at
}

func byShard(a, b *group) int { return cmp.Compare(a.shard, b.shard) }

func (m *Machine) group(shard uint32) (*group, error) {
	if int(shard) >= len(m.groups) {
		return nil, ErrShard
	}
	if g := m.groups[shard]; g != nil && g.rn != nil {
		return g, nil
	}
	return nil, ErrNoReplica
}

// create starts the first replica of a new group here.
func (m *Machine) create(in Create) error {
	if int(in.Shard) >= len(m.groups) {
		return ErrShard
	}
	members := slices.Sorted(slices.Values(in.Members))
	if in.Group == 0 || !validMembers(members) || !slices.Contains(members, m.cfg.Self) {
		return ErrMember
	}
	s := Stored{Shard: in.Shard, Group: in.Group, Term: 1, Commit: 1}
	if old := m.groups[in.Shard]; old != nil {
		if !old.blank() || old.id == in.Group {
			return ErrExists
		}
		s.Term, s.Vote = max(1, old.term), old.vote
	}
	s.Snapshot = SnapshotMeta{Index: 1, Term: 1, Voters: members}
	g, err := m.open(s)
	if err != nil {
		return err
	}
	g.write(Write{Install: &s.Snapshot, Hard: true, Term: s.Term, Vote: s.Vote, Commit: 1})
	m.building.sync = true
	m.out.Installs = append(m.out.Installs, Install{Shard: g.shard, SnapshotMeta: s.Snapshot})
	g.guard = time.Time{} // nobody can have been supported
	g.postpone(m.now.Add(g.patience()))
	if in.Members[0] == m.cfg.Self {
		g.stand()
	}
	m.touch(g)
	return nil
}

func validMembers(sorted []uint64) bool {
	for i, id := range sorted {
		if !validID(id) || i > 0 && sorted[i-1] == id {
			return false
		}
	}
	return len(sorted) > 0
}

// unreachable has the library send less ahead to a node, and again.
func (m *Machine) unreachable(in Unreachable) error {
	for _, g := range m.led {
		if g.rn != nil && g.member(in.Node) != nil {
			g.guarded(func() { g.rn.ReportUnreachable(in.Node) })
			m.touch(g)
		}
	}
	return nil
}
