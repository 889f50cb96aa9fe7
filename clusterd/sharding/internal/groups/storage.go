package groups

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// storage is what the Raft library reads of one replica: the durable part of
// its log, kept in memory between the compaction's index and the last entry
// that was reported with Persisted. It implements raft.Storage without a lock:
// the machine has one caller.
type storage struct {
	hard *raftpb.HardState
	snap SnapshotMeta
	// base is the entry before the log: its index and term alone count.
	base  Entry
	log   []*raftpb.Entry
	bytes int // of the log's data
	// after is the data's size behind the snapshot: what the next one would
	// make unnecessary.
	after int
	// fresh is the least index of a snapshot that may be sent: a receiver must
	// be a member of the configuration in it. wanted: there was none.
	fresh  uint64
	wanted bool
}

// load checks what is stored: a log without gaps whose terms do not fall, that
// goes on from the snapshot.
func load(s Stored) (*storage, error) {
	st := &storage{snap: s.Snapshot, base: Entry{Index: s.Snapshot.Index, Term: s.Snapshot.Term}}
	entries := s.Entries
	if len(entries) > 0 && entries[0].Index <= s.Snapshot.Index {
		st.base, entries = entries[0], entries[1:]
	}
	if term := max(s.Term, s.Snapshot.Term); term != 0 {
		st.hard = &raftpb.HardState{Term: new(term), Vote: new(s.Vote), Commit: new(max(s.Commit, s.Snapshot.Index))}
	}
	for prev, i := st.base, 0; i < len(entries); i++ {
		e := entries[i]
		if e.Index != prev.Index+1 || e.Term < prev.Term {
			return nil, fmt.Errorf("%w: stored entry %d of term %d after %d of term %d", ErrBroken, e.Index, e.Term, prev.Index, prev.Term)
		}
		st.push(toRaft(e))
		prev = e
	}
	return st, nil
}

func toRaft(e Entry) *raftpb.Entry {
	kind := raftpb.EntryNormal
	if e.Kind == Change {
		kind = raftpb.EntryConfChangeV2
	}
	return &raftpb.Entry{Index: new(e.Index), Term: new(e.Term), Type: kind.Enum(), Data: e.Data}
}

func fromRaft(e *raftpb.Entry) Entry {
	kind := Command
	if e.GetType() != raftpb.EntryNormal {
		kind = Change
	}
	return Entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: kind, Data: e.GetData()}
}

func (st *storage) last() uint64 { return st.base.Index + uint64(len(st.log)) }

func (st *storage) push(e *raftpb.Entry) {
	st.log = append(st.log, e)
	st.bytes += len(e.GetData())
	if e.GetIndex() > st.snap.Index {
		st.after += len(e.GetData())
	}
}

// append puts entries in place of all from the first one's index on.
func (st *storage) append(entries []*raftpb.Entry) {
	for len(entries) > 0 && entries[0].GetIndex() <= st.base.Index {
		entries = entries[1:] // compacted since
	}
	if len(entries) == 0 {
		return
	}
	st.cut(entries[0].GetIndex())
	for _, e := range entries {
		st.push(e)
	}
}

// cut drops the entries from index on.
func (st *storage) cut(index uint64) {
	keep := int(index - st.base.Index - 1)
	if keep >= len(st.log) {
		return
	}
	for _, e := range st.log[keep:] {
		st.bytes -= len(e.GetData())
		if e.GetIndex() > st.snap.Index {
			st.after -= len(e.GetData())
		}
	}
	// The library may still hold a slice of what is cut: the next append copies.
	st.log = st.log[:keep:keep]
}

// install empties the log: the snapshot stands for all of it.
func (st *storage) install(meta SnapshotMeta) {
	*st = storage{hard: st.hard, snap: meta, base: Entry{Index: meta.Index, Term: meta.Term}}
}

// taken moves the snapshot forward within the log.
func (st *storage) taken(meta SnapshotMeta) {
	st.snap = meta
	st.after = 0
	for _, e := range st.log[meta.Index-st.base.Index:] {
		st.after += len(e.GetData())
	}
}

// compact drops the entries up to index, which stays as base.
func (st *storage) compact(index uint64) {
	n := int(index - st.base.Index)
	if n <= 0 {
		return
	}
	last := st.log[n-1]
	for _, e := range st.log[:n] {
		st.bytes -= len(e.GetData())
	}
	st.base = Entry{Index: last.GetIndex(), Term: last.GetTerm()}
	st.log = append([]*raftpb.Entry(nil), st.log[n:]...)
}

func (st *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return st.hard, confState(st.snap), nil
}

func confState(m SnapshotMeta) *raftpb.ConfState {
	return &raftpb.ConfState{Voters: m.Voters, Learners: m.Learners, AutoLeave: new(false)}
}

func (st *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	if lo <= st.base.Index {
		return nil, raft.ErrCompacted
	}
	if hi > st.last()+1 {
		return nil, raft.ErrUnavailable
	}
	from := lo - st.base.Index - 1
	to, size := from, uint64(0)
	for end := hi - st.base.Index - 1; to < end; to++ {
		size += uint64(len(st.log[to].GetData())) + entryOverhead
		if to > from && size > maxSize {
			break
		}
	}
	return st.log[from:to:to], nil
}

// entryOverhead is about what an entry has on the wire beside its data.
const entryOverhead = 16

func (st *storage) Term(i uint64) (uint64, error) {
	switch {
	case i == st.base.Index:
		return st.base.Term, nil
	case i < st.base.Index:
		return 0, raft.ErrCompacted
	case i > st.last():
		return 0, raft.ErrUnavailable
	}
	return st.log[i-st.base.Index-1].GetTerm(), nil
}

func (st *storage) LastIndex() (uint64, error)  { return st.last(), nil }
func (st *storage) FirstIndex() (uint64, error) { return st.base.Index + 1, nil }

// Snapshot describes the newest snapshot; its data travels in parts of its own.
func (st *storage) Snapshot() (*raftpb.Snapshot, error) {
	if st.snap.Index < st.fresh {
		st.wanted = true
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return toSnapshot(st.snap), nil
}

func toSnapshot(m SnapshotMeta) *raftpb.Snapshot {
	return &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: confState(m), Index: new(m.Index), Term: new(m.Term),
	}}
}
