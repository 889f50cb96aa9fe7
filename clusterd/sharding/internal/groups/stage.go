package groups

import (
	"math"
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
)

// stage is the receiving side of snapshots: parts are stored in order as they
// come, and what is durable is reported. When the last one is, the Raft library
// is given the snapshot, and installing it is a write like any other.
type stage struct {
	meta SnapshotMeta // Index 0: none
	// queued is how far parts were handed out to be stored, have how far they
	// are durable.
	queued, have uint64
	// installing is the newest snapshot whose installation was handed out to be
	// stored: one of this node's own that is older must not be written after it.
	installing uint64
}

// receivePart stores the next part.
func (g *group) receivePart(from uint64, p *groupspb.Part) error {
	meta := SnapshotMeta{Index: p.Index, Term: p.IndexTerm, Voters: p.Voters, Learners: p.Learners, Size: p.Size}
	if !g.validPart(p, meta) {
		return ErrPacket
	}
	if p.Term < g.term {
		return nil
	}
	if p.Index <= g.applied {
		g.finish(from, p.Term, meta) // not needed: the library answers with what it has
		return nil
	}
	if g.stage.meta.Index != p.Index && p.Offset == 0 {
		g.stage = stage{meta: meta, installing: g.installing}
	}
	st := &g.stage
	if st.meta.Index != p.Index || st.queued != p.Offset {
		have := st.have
		if st.meta.Index != p.Index {
			have = 0
		}
		if have == st.queued || st.meta.Index != p.Index {
			g.got(from, p, have, true)
		}
		return nil
	}
	st.queued += uint64(len(p.Data))
	upTo := st.queued
	if len(p.Data) > 0 {
		g.write(Write{Part: &StagedPart{Index: p.Index, Offset: p.Offset, Data: p.Data}})
		g.m.building.sync = true
	}
	g.m.building.waits = append(g.m.building.waits, wait{g: g, done: func() { g.stored(from, p, upTo) }})
	g.m.touch(g)
	return nil
}

func (g *group) validPart(p *groupspb.Part, meta SnapshotMeta) bool {
	return p.Term > 0 && p.Index > 0 && p.IndexTerm > 0 && p.IndexTerm <= p.Term && p.Index <= math.MaxUint64/2 &&
		p.Term <= math.MaxUint64/2 && p.Size <= math.MaxInt64 && p.Offset <= p.Size && uint64(len(p.Data)) <= p.Size-p.Offset &&
		(len(p.Data) > 0 || p.Size == 0) && validMembers(meta.Voters) &&
		(len(meta.Learners) == 0 || validMembers(meta.Learners)) && disjoint(meta.Voters, meta.Learners) &&
		(slices.Contains(meta.Voters, g.m.cfg.Self) || slices.Contains(meta.Learners, g.m.cfg.Self))
}

func disjoint(a, b []uint64) bool {
	return !slices.ContainsFunc(a, func(id uint64) bool { return slices.Contains(b, id) })
}

// stored reports a part that is durable, and finishes with the last one.
func (g *group) stored(from uint64, p *groupspb.Part, upTo uint64) {
	if g.rn == nil || g.m.groups[g.shard] != g || g.stage.meta.Index != p.Index || upTo <= g.stage.have && upTo > 0 {
		return
	}
	g.stage.have = upTo
	g.got(from, p, upTo, false)
	if upTo == p.Size {
		g.finish(from, p.Term, g.stage.meta)
	}
}

func (g *group) got(to uint64, p *groupspb.Part, offset uint64, again bool) {
	g.post(to, &groupspb.Item{Got: &groupspb.Got{Term: p.Term, Index: p.Index, Offset: offset, Again: again}}, 0)
}

// finish gives the library the snapshot.
func (g *group) finish(from, term uint64, meta SnapshotMeta) {
	g.step(&raftpb.Message{
		Type: raftpb.MsgSnap.Enum(), From: new(from), To: new(g.m.cfg.Self), Term: new(term), Snapshot: toSnapshot(meta),
	})
}

// installed takes over a snapshot whose installation is durable.
func (g *group) installed(meta SnapshotMeta) {
	g.st.install(meta)
	g.applied = meta.Index
	g.dropped = meta.Index
	g.restore(meta)
	g.m.out.Installs = append(g.m.out.Installs, Install{Shard: g.shard, SnapshotMeta: meta})
}
