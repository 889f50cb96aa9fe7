package groups

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// batch is the group commit: what all shards write at one moment, and what has
// to wait until it is durable. Messages that depend on a write (acknowledged
// entries, votes) are held here and leave with a later Ready, so that what is
// in Packets may always be sent at once.
type batch struct {
	number uint64
	writes []Write
	waits  []wait
	sync   bool
}

// wait is one group's part of a batch, handled once that is durable.
type wait struct {
	g   *group
	msg *raftpb.Message // MsgStorageAppend; nil if only done counts
	// done, if not nil, is called at the end.
	done func()
}

// write adds to the batch under construction.
func (g *group) write(w Write) {
	w.Shard, w.Group = g.shard, g.id
	g.m.building.writes = append(g.m.building.writes, w)
}

// persist turns the library's MsgStorageAppend into a write.
func (g *group) persist(msg *raftpb.Message, sync bool) {
	w := Write{}
	if msg.Term != nil {
		w.Hard, w.Term, w.Vote, w.Commit = true, msg.GetTerm(), msg.GetVote(), msg.GetCommit()
	}
	if s := msg.GetSnapshot(); s != nil && !raft.IsEmptySnap(s) {
		meta := g.staged(s)
		w.Install = &meta
		g.last, g.installing = meta.Index, meta.Index
		sync = true
	}
	if n := len(msg.GetEntries()); n > 0 {
		w.Entries = make([]Entry, n)
		for i, e := range msg.GetEntries() {
			w.Entries[i] = fromRaft(e)
		}
	}
	if w.Hard || w.Install != nil || w.Entries != nil {
		g.write(w)
	}
	g.m.building.sync = g.m.building.sync || sync
	g.m.building.waits = append(g.m.building.waits, wait{g: g, msg: msg})
	if g.m.without.persistFirst {
		g.answer(msg)
	}
}

// persisted is the report that the oldest batch is durable.
func (m *Machine) persisted(in Persisted) error {
	if len(m.batches) == 0 || m.batches[0].number != in.Batch {
		return ErrBatch
	}
	b := m.batches[0]
	m.batches = m.batches[1:]
	m.deliver(b)
	return nil
}

// deliver does what waited for a batch.
func (m *Machine) deliver(b batch) {
	for _, w := range b.waits {
		if w.msg != nil && w.g.rn != nil && m.groups[w.g.shard] == w.g {
			w.g.guarded(func() { w.g.durable(w.msg) })
			m.touch(w.g)
		}
		if w.done != nil {
			w.done()
		}
	}
}

// durable brings what the library reads of its storage up to date, then
// answers: to the library itself and to other nodes.
func (g *group) durable(msg *raftpb.Message) {
	if msg.Term != nil {
		g.st.hard = &raftpb.HardState{Term: msg.Term, Vote: msg.Vote, Commit: msg.Commit}
	}
	if s := msg.GetSnapshot(); s != nil && !raft.IsEmptySnap(s) {
		g.installed(g.staged(s))
	}
	if len(msg.GetEntries()) > 0 {
		g.st.append(msg.GetEntries())
	}
	for _, resp := range msg.GetResponses() {
		if resp.GetTo() == g.m.cfg.Self {
			_ = g.rn.Step(resp) // stale after a change of term, which the library knows
		}
	}
	if !g.m.without.persistFirst {
		g.answer(msg)
	}
}

// answer sends what a write was to be durable for.
func (g *group) answer(msg *raftpb.Message) {
	for _, resp := range msg.GetResponses() {
		if resp.GetTo() != g.m.cfg.Self {
			g.send(resp)
		}
	}
}

// staged describes a snapshot that the library has taken over.
func (g *group) staged(s *raftpb.Snapshot) SnapshotMeta {
	meta := SnapshotMeta{
		Index: s.GetMetadata().GetIndex(), Term: s.GetMetadata().GetTerm(),
		Voters: s.GetMetadata().GetConfState().GetVoters(), Learners: s.GetMetadata().GetConfState().GetLearners(),
	}
	if g.stage.meta.Index == meta.Index {
		meta.Size = g.stage.meta.Size
	}
	return meta
}
