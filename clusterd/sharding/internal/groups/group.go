package groups

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// group is this node's replica of one shard: a RawNode of the Raft library for
// log, votes and configuration, and around it what the library leaves open or
// does by ticks of its own: elections and leases by the caller's clock,
// heartbeats shared per pair of nodes, acknowledgements, moves.
//
// The library is never ticked: it draws its election jitter from a global
// source, and its ticks would touch every idle group. What a tick would do is
// done by due times here.
type group struct {
	m     *Machine
	shard uint32
	id    uint64
	rn    *raft.RawNode // nil once broken
	st    *storage

	// As the library last said.
	term, vote, commit uint64
	lead               uint64
	state              raft.StateType

	applied uint64
	last    uint64 // newest index in the log, durable or not
	conf    conf
	confs   []conf // of the applied log since the snapshot, oldest first
	role    RoleChange
	row     Row
	dirty   bool

	support
	reign
	ship
	stage
}

// conf is a group's configuration and the index of the entry that made it.
type conf struct {
	index            uint64
	voters, learners []uint64 // growing
}

func (c conf) votes(id uint64) bool  { return slices.Contains(c.voters, id) }
func (c conf) learns(id uint64) bool { return slices.Contains(c.learners, id) }
func (c conf) has(id uint64) bool    { return c.votes(id) || c.learns(id) }

// open makes the replica of what is stored, or a blank one. One whose log makes
// no sense is there, but stopped.
func (m *Machine) open(s Stored) (*group, error) {
	g := &group{m: m, shard: s.Shard, id: s.Group}
	g.heap = -1
	m.groups[s.Shard] = g
	var err error
	if g.st, err = load(s); err != nil {
		g.fail(err)
		return nil, err
	}
	g.guarded(func() { g.rn, err = raft.NewRawNode(g.raftConfig()) })
	if g.rn == nil {
		return nil, errors.Join(ErrBroken, err)
	}
	g.term, g.vote, g.commit = g.st.hard.GetTerm(), g.st.hard.GetVote(), g.st.hard.GetCommit()
	g.applied, g.last = g.st.snap.Index, g.st.last()
	g.restore(g.st.snap)
	m.touch(g)
	if !m.start.IsZero() {
		g.restarted()
	}
	return g, nil
}

func (g *group) raftConfig() *raft.Config {
	l := g.m.cfg.Limits
	return &raft.Config{
		ID:                        g.m.cfg.Self,
		ElectionTick:              10, // never ticked
		HeartbeatTick:             1,
		Storage:                   g.st,
		Applied:                   g.st.snap.Index,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             uint64(l.MessageBytes),
		MaxCommittedSizePerReady:  uint64(l.ApplyBytes),
		MaxInflightMsgs:           l.Inflight,
		PreVote:                   !g.m.without.preVote,
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
		Logger:                    quiet{},
	}
}

// restore takes over the configuration of a snapshot.
func (g *group) restore(meta SnapshotMeta) {
	g.conf = conf{index: meta.Index, voters: slices.Sorted(slices.Values(meta.Voters)), learners: slices.Sorted(slices.Values(meta.Learners))}
	g.confs = append(g.confs[:0], g.conf)
}

// blank tells whether there is nothing here but perhaps a remembered vote: such
// a replica neither stands nor votes, since it may have been destroyed and would
// lend its vote to a log that lacks what it once acknowledged.
func (g *group) blank() bool { return g.last == 0 }

func (g *group) leads() bool { return g.state == raft.StateLeader }

// guarded runs f, which calls the library. The library panics where a replica's
// data contradicts its group; then this one replica is stopped.
func (g *group) guarded(f func()) {
	defer func() {
		if r := recover(); r != nil {
			g.fail(fmt.Errorf("%w: %v", ErrBroken, r))
		}
	}()
	f()
}

// fail stops the replica until the next start.
func (g *group) fail(err error) {
	g.lose()
	g.rn, g.state, g.lead = nil, raft.StateFollower, 0
	g.m.dues.drop(g)
	g.announce()
	g.m.out.Failures = append(g.m.out.Failures, Failure{Shard: g.shard, Err: err})
}

func (g *group) step(msg *raftpb.Message) {
	g.guarded(func() { _ = g.rn.Step(msg) }) // a refusal is the answer to a stale message
	g.m.touch(g)
}

// drain moves everything the library has ready into the machine's output.
func (g *group) drain() {
	if g.rn == nil {
		return
	}
	g.guarded(func() {
		g.submit()
		for g.rn.HasReady() || g.obey() {
			g.take(g.rn.Ready())
		}
	})
	if g.rn == nil {
		return
	}
	if g.leads() {
		g.govern()
	}
	g.limitLog()
	g.announce()
}

// take handles one Ready of the library.
func (g *group) take(rd raft.Ready) {
	if !raft.IsEmptyHardState(rd.HardState) {
		g.term, g.vote, g.commit = rd.GetTerm(), rd.GetVote(), rd.GetCommit()
	}
	if rd.SoftState != nil {
		g.changed(rd.SoftState.Lead, rd.SoftState.RaftState)
	}
	if n := len(rd.Entries); n > 0 {
		g.last = rd.Entries[n-1].GetIndex()
		g.appended(rd.Entries)
	}
	for _, msg := range rd.Messages {
		switch msg.GetTo() {
		case raft.LocalAppendThread:
			g.persist(msg, rd.MustSync)
		case raft.LocalApplyThread:
			g.apply(msg)
		default:
			g.send(msg)
		}
	}
}

// changed takes note of another leader or state.
func (g *group) changed(lead uint64, state raft.StateType) {
	was := g.leads()
	g.lead, g.state = lead, state
	switch {
	case was && !g.leads():
		g.lose()
	case !was && g.leads():
		g.win()
	}
	if lead != 0 && lead != g.m.cfg.Self {
		g.heard()
	}
}

// apply hands committed entries over. They count as applied at once: the shell
// applies in the order of what it is handed.
func (g *group) apply(msg *raftpb.Message) {
	for _, e := range msg.GetEntries() {
		g.applied = e.GetIndex()
		switch {
		case e.GetType() != raftpb.EntryNormal:
			g.reconfigure(e)
		case len(e.GetData()) > 0:
			id := g.claim(e)
			g.m.out.Applies = append(g.m.out.Applies, Apply{
				Shard: g.shard, Index: e.GetIndex(), Term: e.GetTerm(), Data: e.GetData(), ID: id,
			})
		}
	}
	for _, resp := range msg.GetResponses() {
		_ = g.rn.Step(resp)
	}
}

// reconfigure applies a change of the configuration.
func (g *group) reconfigure(e *raftpb.Entry) {
	var cc raftpb.ConfChangeV2
	if err := proto.Unmarshal(e.GetData(), &cc); err != nil {
		panic(err) // stops this replica: what is committed cannot be skipped
	}
	cs := g.rn.ApplyConfChange(&cc)
	g.conf = conf{index: e.GetIndex(), voters: sorted(cs.GetVoters()), learners: sorted(cs.GetLearners())}
	g.confs = append(g.confs, g.conf)
	if cc.GetChanges()[0].GetType() == raftpb.ConfChangeAddLearnerNode {
		g.st.fresh = e.GetIndex()
		g.st.wanted = g.leads() // it will be asked for in a moment
	}
	g.reconfigured()
}

func sorted(ids []uint64) []uint64 { return slices.Sorted(slices.Values(ids)) }

// announce reports a change of role and, at the primary, of the row.
func (g *group) announce() {
	now := RoleChange{Shard: g.shard, Term: g.term, Primary: g.lead, Role: g.roleNow()}
	if now != g.role && (now.Role != None || g.role.Role != None) {
		g.role = now
		g.m.out.Roles = append(g.m.out.Roles, now)
	}
	if now.Role != Primary {
		return
	}
	if r := g.row; r.Epoch != g.term || r.Index != g.conf.index {
		g.row = Row{Shard: g.shard, Epoch: g.term, Index: g.conf.index, Primary: g.m.cfg.Self,
			Replicas: slices.Clone(g.conf.voters), Learners: slices.Clone(g.conf.learners)}
		g.m.out.Rows = append(g.m.out.Rows, g.row)
	}
}

func (g *group) roleNow() Role {
	self := g.m.cfg.Self
	switch {
	case g.rn == nil || g.blank():
		return None
	case g.serving:
		return Primary
	case g.conf.votes(self):
		return Replica
	}
	return Learner
}

// postpone sets the group's timer; zero: none.
func (g *group) postpone(due time.Time) {
	g.due = due
	if g.heap < 0 || due.Before(g.m.dues[g.heap].key) {
		g.m.dues.set(g, due)
	}
}
