package groups

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/pando-go/pando/clusterd/sharding/internal/groupspb"
)

// ship is the sending side of snapshots: a follower that lacks entries which
// the log has no more gets the newest snapshot in parts, then the log's tail.
// The parts are read from the shell's storage, a window of them ahead of what
// the receiver reports durable; what was lost is sent again from there.
type ship struct {
	outs     []*shipment
	asked    bool     // for a new snapshot
	farewell []uint64 // removed members that were not told yet
	dropped  uint64   // snapshots below it were given up
}

// shipment is one snapshot on its way to one member.
type shipment struct {
	to      uint64
	meta    SnapshotMeta
	running bool // holds one of Limits.Transfers
	first   bool // the first part was asked for
	next    uint64
	acked   uint64
	moved   time.Time // last progress
}

// Move is a replica being filled, for those who watch.
type Move struct {
	Shard uint32
	// To is the replica's node.
	To uint64
	// Index is that of the snapshot; Sent and Size are its bytes, durable there
	// and in all. A waiting one has sent nothing.
	Index, Sent, Size uint64
}

// Moves lists the snapshots that this node is sending, by shard.
func (m *Machine) Moves() []Move {
	var moves []Move
	for _, g := range m.led {
		for _, s := range g.outs {
			moves = append(moves, Move{Shard: g.shard, To: s.to, Index: s.meta.Index, Sent: s.acked, Size: s.meta.Size})
		}
	}
	return moves
}

// beginShipping takes the library's order for a snapshot.
func (g *group) beginShipping(msg *raftpb.Message) {
	g.endShipment(msg.GetTo())
	g.outs = append(g.outs, &shipment{to: msg.GetTo(), meta: g.st.snap, moved: g.m.now})
	g.pump()
}

// pump asks for as many parts as the windows allow.
func (g *group) pump() {
	l := g.m.cfg.Limits
	for _, s := range g.outs {
		if !s.running && g.m.sending < l.Transfers {
			s.running = true
			g.m.sending++
		}
		for s.running && s.acked <= s.meta.Size && (s.next < s.meta.Size && s.next < s.acked+uint64(l.Window*l.PartBytes) || !s.first) {
			s.first = true
			if s.meta.Size == 0 {
				g.sendPart(s, 0, []byte{}) // the empty state of a new group
				break
			}
			g.m.out.Reads = append(g.m.out.Reads, SnapshotRead{
				Shard: g.shard, Index: s.meta.Index, To: s.to, Offset: s.next, Max: l.PartBytes,
			})
			s.next = min(s.next+uint64(l.PartBytes), s.meta.Size)
		}
	}
}

func (g *group) shipment(to uint64) *shipment {
	i := slices.IndexFunc(g.outs, func(s *shipment) bool { return s.to == to })
	if i < 0 {
		return nil
	}
	return g.outs[i]
}

// snapshotPart sends what was read.
func (m *Machine) snapshotPart(in SnapshotPart) error {
	g, err := m.group(in.Shard)
	if err != nil {
		return err
	}
	s := g.shipment(in.To)
	if s == nil || s.meta.Index != in.Index {
		return nil // it has ended meanwhile
	}
	if in.Data == nil || in.Offset+uint64(len(in.Data)) > s.meta.Size {
		g.endShipment(in.To)
		g.guarded(func() { g.rn.ReportSnapshot(in.To, raft.SnapshotFailure) })
		m.touch(g)
		return nil
	}
	g.sendPart(s, in.Offset, in.Data)
	return nil
}

func (g *group) sendPart(s *shipment, offset uint64, data []byte) {
	g.post(s.to, &groupspb.Item{Part: &groupspb.Part{
		Term: g.term, Index: s.meta.Index, IndexTerm: s.meta.Term, Voters: s.meta.Voters, Learners: s.meta.Learners,
		Offset: offset, Size: s.meta.Size, Data: data,
	}}, len(data))
}

// receiveGot moves the window on.
func (g *group) receiveGot(from uint64, in *groupspb.Got) error {
	s := g.shipment(from)
	if s == nil || in.Term != g.term || in.Index != s.meta.Index || in.Offset > s.meta.Size {
		return nil
	}
	switch {
	case in.Again:
		if in.Offset != s.acked || g.m.now.Sub(s.moved) >= g.m.cfg.Timing.Beat {
			s.acked, s.next, s.first, s.moved = in.Offset, in.Offset, false, g.m.now
		}
	case in.Offset > s.acked:
		s.acked, s.moved = in.Offset, g.m.now
		s.next = max(s.next, s.acked)
	}
	g.pump()
	return nil
}

// resend ends the shipments whose receiver has the snapshot in its log, and
// lets the others go back to what is durable there when nothing moves. Until the
// end the log after the snapshot is kept, so that the receiver can go on from it.
// A receiver that has all of it may take a moment to install it; if it is silent
// for longer its word of that was lost, and it is asked.
func (g *group) resend() {
	for _, s := range slices.Clone(g.outs) {
		mem, idle := g.member(s.to), g.m.now.Sub(s.moved)
		whole := s.acked == s.meta.Size && s.meta.Size > 0
		switch {
		case mem == nil:
			g.endShipment(s.to)
		case mem.match >= s.meta.Index && s.acked == s.meta.Size, idle >= g.m.cfg.Timing.Lease && s.acked == s.meta.Size:
			g.endShipment(s.to)
			g.rn.ReportSnapshot(s.to, raft.SnapshotFinish) // no more than a hint: it probes what is there
			g.m.touch(g)
		case s.running && !whole && idle >= 2*g.m.cfg.Timing.Beat:
			s.next, s.first, s.moved = s.acked, false, g.m.now
		}
	}
	g.pump()
}

// endShipment forgets a shipment, done or not; the caller tells the library.
func (g *group) endShipment(to uint64) {
	i := slices.IndexFunc(g.outs, func(s *shipment) bool { return s.to == to })
	if i < 0 {
		return
	}
	if g.outs[i].running {
		g.m.sending--
	}
	g.outs = slices.Delete(g.outs, i, i+1)
	g.drop()
	for _, other := range g.m.led { // one that waits for room may begin
		if len(other.outs) > 0 {
			g.m.touch(other)
		}
	}
}

func (g *group) endShipping() {
	for len(g.outs) > 0 {
		g.endShipment(g.outs[0].to)
	}
	g.farewell = nil
}

// limitLog asks for a snapshot when the log behind the last one is long, and has as
// many bytes as that: else a large shard would be written anew again and again. So
// what is written is twice the log at most, and a start reads twice the state.
func (g *group) limitLog() {
	l := g.m.cfg.Limits
	long := (g.applied-g.st.snap.Index > uint64(l.LogEntries) || g.st.after > l.LogBytes) && uint64(g.st.after) >= g.st.snap.Size
	if !g.asked && (long || g.st.wanted) && g.applied > g.st.snap.Index {
		g.asked, g.st.wanted = true, false
		g.m.out.Snapshots = append(g.m.out.Snapshots, SnapshotRequest{Shard: g.shard, Index: g.applied})
	}
}

// snapshotReady makes the shell's snapshot the one to start from and shortens
// the log.
func (m *Machine) snapshotReady(in SnapshotReady) error {
	g, err := m.group(in.Shard)
	if err != nil {
		return err
	}
	g.asked = false
	if in.Index <= max(g.st.snap.Index, g.installing) {
		return nil
	}
	if in.Index > g.applied || in.Index > g.st.last() {
		return ErrInput
	}
	term, err := g.st.Term(in.Index)
	if err != nil {
		return err
	}
	c := g.confAt(in.Index)
	meta := SnapshotMeta{Index: in.Index, Term: term, Voters: c.voters, Learners: c.learners, Size: in.Size}
	base := g.base(in.Index)
	g.write(Write{Taken: &meta, Compact: base})
	m.building.sync = true
	m.building.waits = append(m.building.waits, wait{g: g, done: func() { g.taken(meta, base) }})
	m.touch(g)
	return nil
}

// base is the entry from which on the log is kept when a snapshot is taken at
// index: some for those who were away for a moment, and all after a snapshot
// that is on its way.
func (g *group) base(index uint64) uint64 {
	base := index - min(index, uint64(g.m.cfg.Limits.KeepEntries))
	for _, s := range g.outs {
		base = min(base, s.meta.Index)
	}
	return max(base, g.st.base.Index)
}

func (g *group) taken(meta SnapshotMeta, base uint64) {
	if g.rn == nil || meta.Index <= g.st.snap.Index {
		return
	}
	g.st.taken(meta)
	g.st.compact(base)
	for len(g.confs) > 1 && g.confs[1].index <= meta.Index {
		g.confs = g.confs[1:]
	}
	g.drop()
	for _, mem := range g.members {
		if mem.peer != nil && mem.state == tracker.StateProbe {
			g.nudge(mem.id) // it may have waited for this snapshot
		}
	}
}

// drop gives up the snapshots that are neither the newest nor under way.
func (g *group) drop() {
	below := g.st.snap.Index
	for _, s := range g.outs {
		below = min(below, s.meta.Index)
	}
	if below > g.dropped {
		g.dropped = below
		g.m.out.Drops = append(g.m.out.Drops, SnapshotDrop{Shard: g.shard, Index: below})
	}
}

// confAt is the configuration as of an applied index.
func (g *group) confAt(index uint64) conf {
	at := g.confs[0]
	for _, c := range g.confs {
		if c.index <= index {
			at = c
		}
	}
	return at
}
