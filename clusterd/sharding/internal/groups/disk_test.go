package groups

import (
	"fmt"
	"maps"
	"slices"
)

// disk is what one node's storage holds. It applies batches as a store would,
// and complains about writes that make no sense.
type disk struct {
	shards map[uint32]*diskShard
}

type diskShard struct {
	group              uint64
	term, vote, commit uint64
	snap               SnapshotMeta
	log                []Entry
	snapshots          map[uint64][]byte
	staged             []byte
	stagedIndex        uint64
}

func newDisk() *disk { return &disk{shards: map[uint32]*diskShard{}} }

func (d *disk) shard(n uint32) *diskShard {
	s := d.shards[n]
	if s == nil {
		s = &diskShard{snapshots: map[uint64][]byte{}}
		d.shards[n] = s
	}
	return s
}

func (d *disk) apply(writes []Write) error {
	for _, w := range writes {
		if err := d.shard(w.Shard).apply(w); err != nil {
			return fmt.Errorf("shard %d: %w", w.Shard, err)
		}
	}
	return nil
}

func (s *diskShard) apply(w Write) error {
	s.group = w.Group
	if w.Destroy {
		*s = diskShard{group: s.group, snapshots: map[uint64][]byte{}}
	}
	if p := w.Part; p != nil {
		if p.Offset == 0 || p.Index != s.stagedIndex {
			s.staged, s.stagedIndex = nil, p.Index
		}
		if uint64(len(s.staged)) != p.Offset {
			return fmt.Errorf("part at %d after %d bytes", p.Offset, len(s.staged))
		}
		s.staged = append(s.staged, p.Data...)
	}
	if m := w.Install; m != nil {
		if m.Size > 0 && (s.stagedIndex != m.Index || uint64(len(s.staged)) != m.Size) {
			return fmt.Errorf("installs snapshot %d of %d bytes over staged %d of %d", m.Index, m.Size, s.stagedIndex, len(s.staged))
		}
		data := []byte{}
		if m.Size > 0 {
			data = s.staged
		}
		s.snap, s.log, s.staged, s.stagedIndex = *m, nil, nil, 0
		s.snapshots = map[uint64][]byte{m.Index: data}
	}
	if m := w.Taken; m != nil {
		if s.snapshots[m.Index] == nil {
			return fmt.Errorf("snapshot %d was never taken", m.Index)
		}
		s.snap = *m
	}
	if w.Hard {
		if w.Term < s.term {
			return fmt.Errorf("term falls from %d to %d", s.term, w.Term)
		}
		s.term, s.vote, s.commit = w.Term, w.Vote, w.Commit
	}
	if len(w.Entries) > 0 {
		if err := s.append(w.Entries); err != nil {
			return err
		}
	}
	if w.Compact > 0 {
		s.log = slices.DeleteFunc(s.log, func(e Entry) bool { return e.Index < w.Compact })
	}
	return nil
}

func (s *diskShard) append(entries []Entry) error {
	first := entries[0].Index
	s.log = slices.DeleteFunc(s.log, func(e Entry) bool { return e.Index >= first })
	last := s.snap.Index
	if n := len(s.log); n > 0 {
		last = s.log[n-1].Index
	}
	if first > last+1 {
		return fmt.Errorf("entry %d after %d", first, last)
	}
	s.log = append(s.log, entries...)
	return nil
}

// has tells whether the entry is durable, in the log or within the snapshot.
func (s *diskShard) has(index, term uint64) bool {
	if index <= s.snap.Index {
		return true
	}
	return slices.ContainsFunc(s.log, func(e Entry) bool { return e.Index == index && e.Term == term })
}

func (d *disk) stored() []Stored {
	var out []Stored
	for _, n := range slices.Sorted(maps.Keys(d.shards)) {
		s := d.shards[n]
		if s.group == 0 {
			continue
		}
		out = append(out, Stored{Shard: n, Group: s.group, Term: s.term, Vote: s.vote, Commit: s.commit,
			Snapshot: s.snap, Entries: slices.Clone(s.log)})
	}
	return out
}
