package groups

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// reign is what a replica knows while it leads its group.
type reign struct {
	since   int64    // stamp at which this term's lead began
	own     uint64   // index of the first entry of this term, 0 until it is appended
	members []member // of the configuration, by id
	// serving: all that was committed before this term is applied here, and a
	// quorum has answered once.
	serving bool
	// released: this term's lease was given up for good.
	released bool

	openBytes  int        // of the commands not yet applied
	fresh      []proposal // proposed, not yet seen in the log
	unsent     []*raftpb.Entry
	flying     []proposal // in the log, not yet applied
	waiting    []proposal // applied, Quorum not yet acknowledged
	waitingAll []proposal // applied, not yet everywhere

	change   change
	handover handover
	// removed are members that left in this term: their late answers would be
	// taken for those of a new replica, so they return only in another term.
	removed []uint64
}

// member is another replica, or this one, as its leader sees it.
type member struct {
	id      uint64
	learner bool
	peer    *peer // nil for this node
	match   uint64
	state   tracker.StateType
	stamp   int64     // newest own stamp that it answered in this term
	heardAt time.Time // when that answer came
}

// level tells whether the library has nothing to send to the member.
func (mem *member) level(g *group) bool {
	return mem.match == g.last && mem.state == tracker.StateReplicate
}

type proposal struct {
	id, index uint64
	level     Level
	size      int
}

func (g *group) member(id uint64) *member {
	for i := range g.members {
		if g.members[i].id == id {
			return &g.members[i]
		}
	}
	return nil
}

// win begins a reign.
func (g *group) win() {
	g.reign = reign{since: g.m.stamp()}
	at, _ := slices.BinarySearchFunc(g.m.led, g, byShard)
	g.m.led = slices.Insert(g.m.led, at, g)
	g.observe()
	g.beat()
	g.postpone(g.m.now.Add(g.m.cfg.Timing.Lease))
}

// lose ends it: what was open has an unknown outcome.
func (g *group) lose() {
	at, found := slices.BinarySearchFunc(g.m.led, g, byShard)
	if !found {
		return
	}
	g.m.led = slices.Delete(g.m.led, at, at+1)
	for _, list := range [][]proposal{g.waitingAll, g.waiting, g.flying, g.fresh} {
		for _, p := range list {
			if p.level != 0 {
				g.ack(p, Unknown)
			}
		}
	}
	g.endShipping()
	g.reign = reign{}
	g.postpone(g.m.now.Add(g.patience()))
}

// observe takes over what the library knows of each member.
func (g *group) observe() {
	if len(g.members) != len(g.conf.voters)+len(g.conf.learners) {
		g.enroll()
	}
	i := 0
	g.rn.WithProgress(func(id uint64, typ raft.ProgressType, pr tracker.Progress) {
		if i < len(g.members) && g.members[i].id == id {
			mem := &g.members[i]
			mem.match, mem.state = pr.Match, pr.State
			mem.learner = typ == raft.ProgressTypeLearner
			i++
		}
	})
}

// enroll makes the list of members anew from the configuration.
func (g *group) enroll() {
	old := g.members
	g.members = make([]member, 0, len(g.conf.voters)+len(g.conf.learners))
	for _, id := range sorted(append(slices.Clone(g.conf.voters), g.conf.learners...)) {
		mem := member{id: id, learner: g.conf.learns(id)}
		if i := slices.IndexFunc(old, func(o member) bool { return o.id == id }); i >= 0 {
			mem.stamp, mem.heardAt = old[i].stamp, old[i].heardAt
		}
		if id != g.m.cfg.Self {
			mem.peer, _ = g.m.peer(id) // a member beyond Limits.Peers is not reached
		}
		g.members = append(g.members, mem)
	}
}

// govern is what a leader does whenever something has happened.
func (g *group) govern() {
	g.observe()
	if !g.serving && g.own != 0 && g.applied >= g.own && g.m.now.Before(g.leaseEnd()) {
		g.serving = true
	}
	g.settle()
	g.reform()
	g.proceed()
	g.resend()
}

// quorumIndex is the highest index that a majority of voters has durably.
func (g *group) quorumIndex(voters []uint64) uint64 {
	var buf [16]uint64
	matches := buf[:0]
	for _, id := range voters {
		match := uint64(0)
		if mem := g.member(id); mem != nil {
			match = mem.match
		}
		matches = append(matches, match)
	}
	slices.Sort(matches)
	return matches[len(matches)-(len(matches)/2+1)]
}

// everywhere is the highest index that every voter has.
func (g *group) everywhere() uint64 {
	least := g.last
	for _, mem := range g.members {
		if !mem.learner {
			least = min(least, mem.match)
		}
	}
	return least
}

// settled is the index up to which Quorum proposals may be acknowledged (rule
// D2 and I7): applied, and on a majority of the data holders of the present
// configuration and of the one that is being changed to, since the Raft library
// judges by the former until it has applied the latter.
func (g *group) settled() uint64 {
	index := min(g.applied, g.quorumIndex(g.conf.voters))
	if g.change.proposed && !g.m.without.jointAck {
		index = min(index, g.quorumIndex(g.change.voters))
	}
	return index
}

// open is how many proposals are neither acknowledged nor, at Async, applied.
func (g *group) open() int {
	return len(g.fresh) + len(g.flying) + len(g.waiting) + len(g.waitingAll)
}

// settle acknowledges what has reached its level, under the lease alone.
func (g *group) settle() {
	if len(g.waiting) == 0 && len(g.waitingAll) == 0 {
		return
	}
	if !g.m.now.Before(g.leaseEnd()) {
		return
	}
	index := g.settled()
	for len(g.waiting) > 0 && g.waiting[0].index <= index {
		g.ack(g.waiting[0], Done)
		g.waiting = g.waiting[1:]
	}
	index = min(index, g.everywhere())
	for len(g.waitingAll) > 0 && g.waitingAll[0].index <= index {
		g.ack(g.waitingAll[0], Done)
		g.waitingAll = g.waitingAll[1:]
	}
}

func (g *group) ack(p proposal, r Result) {
	a := Ack{Shard: g.shard, ID: p.id, Result: r}
	if p.index != 0 {
		a.Index, a.Term = p.index, g.term
	}
	g.m.out.Acks = append(g.m.out.Acks, a)
}

// propose appends a command.
func (m *Machine) propose(in Propose) error {
	g, err := m.group(in.Shard)
	if err != nil {
		return err
	}
	l := m.cfg.Limits
	switch {
	case len(in.Data) == 0 || len(in.Data) > l.CommandBytes:
		return ErrTooLarge
	case in.Level < Async || in.Level > All:
		return ErrInput
	case !g.serving || !m.now.Before(g.leaseEnd()):
		return ErrNotPrimary
	case g.handover.to != 0:
		return ErrMoving
	case in.Level == All && len(g.waitingAll) >= l.Open/2:
		return ErrFull // a lost member must not end what needs a majority only
	case g.open() >= l.Open || g.openBytes > 0 && g.openBytes+len(in.Data) > l.OpenBytes:
		return ErrFull
	}
	g.openBytes += len(in.Data)
	g.fresh = append(g.fresh, proposal{id: in.ID, level: in.Level, size: len(in.Data)})
	g.unsent = append(g.unsent, &raftpb.Entry{Data: in.Data})
	m.touch(g)
	return nil
}

// submit gives the library what was proposed since the last Ready, as one
// append: one message to each follower, however many commands there were. If
// it refuses, since leadership was lost meanwhile, lose ends the proposals.
func (g *group) submit() {
	if len(g.unsent) == 0 {
		return
	}
	entries := g.unsent
	g.unsent = nil
	_ = g.rn.Step(&raftpb.Message{Type: raftpb.MsgProp.Enum(), From: new(g.m.cfg.Self), Entries: entries})
}

// appended sees the entries that the library has put into the log. Those of the
// own term that carry a command are the own proposals in their order, since
// nobody else's are forwarded here.
func (g *group) appended(entries []*raftpb.Entry) {
	if !g.leads() {
		return
	}
	for _, e := range entries {
		if e.GetTerm() != g.term {
			continue
		}
		if g.own == 0 {
			g.own = e.GetIndex()
		}
		switch {
		case e.GetType() != raftpb.EntryNormal:
			// A change of the configuration.
		case len(e.GetData()) == 0:
			if e.GetIndex() != g.own {
				g.change = change{} // the library put an empty entry in its place
			}
		default:
			p := g.fresh[0]
			g.fresh = g.fresh[1:]
			p.index = e.GetIndex()
			if p.level == Async {
				g.ack(p, Done)
				p.level = 0 // acknowledged; the Apply still wants its id
			}
			g.flying = append(g.flying, p)
		}
	}
}

// claim returns the proposal's id of an applied command that was made here in
// this term, and has it wait for its level.
func (g *group) claim(e *raftpb.Entry) uint64 {
	if len(g.flying) == 0 || g.flying[0].index != e.GetIndex() || e.GetTerm() != g.term || !g.leads() {
		return 0
	}
	p := g.flying[0]
	g.flying = g.flying[1:]
	g.openBytes -= p.size
	switch p.level {
	case Quorum:
		g.waiting = append(g.waiting, p)
	case All:
		g.waitingAll = append(g.waitingAll, p)
	}
	return p.id
}
