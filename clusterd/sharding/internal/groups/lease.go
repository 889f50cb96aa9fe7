package groups

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// The lease of a primary (rules L1 to L3 over one group, and D3).
//
// A node's heartbeat to another carries its own stamp and a line for every
// group that it leads there. The other answers with the same stamp and the
// groups in which it follows; for each of these it grants nobody else a vote
// during Timing.Guard, by its own clock. So from the moment of the stamp on the
// primary has Timing.Lease in which no quorum can elect another: the stamp is
// older than the promise, and Guard is longer than Lease by twice the drift.
//
// A line says what Raft's MsgHeartbeat says. One that would change nothing in
// the replica is answered without a call into the Raft library; so a heartbeat
// of an idle group costs a comparison at the one side and a store at the other.

// support is what a replica owes and knows as a follower.
type support struct {
	// guard is until when it votes for nobody but guardFor.
	guard    time.Time
	guardFor uint64
	// due is when the group's timer fires: for a follower its patience ends, for
	// a leader the time in which a quorum must have answered.
	due  time.Time
	heap int // place in the machine's heap of timers, -1 if none
	// jitter is added to the patience until the next election.
	jitter time.Duration
	// called is the term whose leader, which gave its lease up, told this node to
	// stand.
	called uint64
}

// line is one group's part of a heartbeat.
type line struct {
	shard               uint32
	group, term, commit uint64
}

// beat has every peer sent a heartbeat of all groups led here.
func (m *Machine) beat() {
	for _, g := range m.led {
		g.beat()
	}
}

// beat has the members of one group sent a heartbeat with the next Ready.
func (g *group) beat() {
	for i := range g.members {
		if mem := &g.members[i]; mem.peer != nil {
			mem.peer.beats = append(mem.peer.beats, g)
		}
	}
}

// lineFor is what the group says in a heartbeat to a member. The commit index
// is no higher than what that member has: a heartbeat does not tell which log
// it speaks of.
func (g *group) lineFor(id uint64) (line, bool) {
	if !g.leads() || g.released {
		return line{}, false
	}
	mem := g.member(id)
	if mem == nil {
		return line{}, false
	}
	return line{shard: g.shard, group: g.id, term: g.term, commit: min(mem.match, g.commit)}, true
}

// follow handles one line of a heartbeat and tells whether it is supported.
func (m *Machine) follow(from uint64, l line) bool {
	g := m.groups[l.shard]
	if g == nil {
		g = m.blankFor(l.shard, l.group)
	}
	if g == nil || g.rn == nil || !g.same(l.group) {
		return false
	}
	if g.term != l.term || g.lead != from || g.commit < min(l.commit, g.st.last()) {
		g.expand(from, l)
		if g.rn == nil || g.term != l.term || g.lead != from {
			return false
		}
	}
	g.heard()
	return true
}

// expand gives the library the heartbeat that a line stands for.
func (g *group) expand(from uint64, l line) {
	g.step(&raftpb.Message{
		Type: raftpb.MsgHeartbeat.Enum(), From: new(from), To: new(g.m.cfg.Self),
		Term: new(l.term), Commit: new(min(l.commit, g.st.last())),
	})
	if g.rn != nil {
		g.refresh()
	}
}

// refresh takes over term and leader between two Readies.
func (g *group) refresh() {
	s := g.rn.BasicStatus()
	g.term, g.vote, g.commit = s.GetTerm(), s.GetVote(), s.GetCommit()
	g.changed(s.Lead, s.RaftState)
}

// heard renews the promise to the leader that was just heard.
func (g *group) heard() {
	now := g.m.now
	if g.guardFor != g.lead {
		g.guardFor = g.lead
		g.jitter = g.draw()
	}
	g.postpone(now.Add(g.patience()))
	if !g.m.without.guard {
		g.guard = now.Add(g.m.cfg.Timing.Guard())
	}
}

// restarted begins the life of a replica that was stored. It may have answered
// a primary just before the restart and does not know whom.
func (g *group) restarted() {
	g.jitter = g.draw()
	if !g.m.without.restartGuard && !g.blank() {
		g.guard, g.guardFor = g.m.now.Add(g.m.cfg.Timing.Guard()), 0
	}
	g.postpone(g.m.now.Add(g.patience()))
}

// echoed takes a member's answer to the heartbeat of stamp.
func (g *group) echoed(from uint64, stamp int64) {
	mem := g.member(from)
	if !g.leads() || mem == nil || stamp < g.since {
		return
	}
	if g.m.without.ownStamp {
		stamp = g.m.stamp()
	}
	mem.stamp = max(mem.stamp, stamp)
	mem.heardAt = g.m.now
	if !mem.level(g) {
		g.nudge(from)
	}
	if !g.serving || len(g.waiting) > 0 || len(g.waitingAll) > 0 || g.busy() {
		g.m.touch(g)
	}
}

// nudge tells the library that a member answered: it then sends again what that
// member lacks.
func (g *group) nudge(id uint64) {
	g.step(&raftpb.Message{
		Type: raftpb.MsgHeartbeatResp.Enum(), From: new(id), To: new(g.m.cfg.Self), Term: new(g.term),
	})
}

// leaseEnd is the end of the lease: T_f after the newest stamp that a quorum,
// with itself, answered.
func (g *group) leaseEnd() time.Time {
	if !g.leads() || g.released {
		return time.Time{}
	}
	var buf [16]int64
	stamps := buf[:0]
	for _, mem := range g.members {
		if !mem.learner && mem.id != g.m.cfg.Self {
			stamps = append(stamps, mem.stamp)
		}
	}
	if !g.conf.votes(g.m.cfg.Self) {
		return time.Time{}
	}
	need := (len(stamps) + 1) / 2 // a majority of the voters, without itself
	if need == 0 {
		return never
	}
	slices.Sort(stamps)
	s := stamps[len(stamps)-need]
	if s == 0 {
		return time.Time{}
	}
	return g.m.start.Add(time.Duration(s - 1)).Add(g.m.cfg.Timing.Lease)
}

// CanServe tells whether this node is the shard's primary with a lease at now:
// only then may it answer for the shard. The shell asks before each message
// and each answer, with a clock that runs while the process is stopped.
func (m *Machine) CanServe(shard uint32, now time.Time) bool {
	_, end := m.Lease(shard)
	return now.Before(end)
}

// Lease returns the epoch in which this node is the primary and the end of its
// lease; the zero time if it is not the primary. It changes with every Step.
func (m *Machine) Lease(shard uint32) (term uint64, end time.Time) {
	if int(shard) >= len(m.groups) || m.groups[shard] == nil || !m.groups[shard].serving {
		return 0, time.Time{}
	}
	g := m.groups[shard]
	return g.term, g.leaseEnd()
}
