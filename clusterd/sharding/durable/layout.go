package durable

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
	"github.com/pando-go/pando/clusterd/sharding/store"
)

// This file says where things stand in a store. A key is a letter, then for all
// but "m" the shard, so that what belongs together stands together:
//
//	m node                  this store's id in its groups
//	m charter               what its cluster's store is founded on
//	h SHARD                 group, term, vote, commit
//	s SHARD                 which snapshot holds
//	e SHARD INDEX           an entry of the log
//	p SHARD FROM INDEX OFF  a piece of a snapshot, taken here (t) or received (r)
//
// Numbers are big-endian, so that their order is that of the keys.

var (
	keyNode    = []byte("mnode")
	keyCharter = []byte("mcharter")
)

const (
	tagHard     = 'h'
	tagSnapshot = 's'
	tagEntry    = 'e'
	tagPart     = 'p'

	takenHere = 't'
	received  = 'r'
)

// partSize is how a snapshot that is taken here is cut for the store.
const partSize = 64 << 10

func shardKey(tag byte, shard uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{tag}, shard)
}

func entryKey(shard uint32, index uint64) []byte {
	return binary.BigEndian.AppendUint64(shardKey(tagEntry, shard), index)
}

func partKey(shard uint32, from byte, index, offset uint64) []byte {
	k := append(shardKey(tagPart, shard), from)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(k, index), offset)
}

// partsOf is the range of the pieces of one snapshot.
func partsOf(shard uint32, from byte, index uint64) (first, end []byte) {
	return partKey(shard, from, index, 0), partKey(shard, from, index+1, 0)
}

// snapshotID names the snapshot that holds for a shard.
type snapshotID struct {
	index uint64
	from  byte
}

// dropParts deletes the pieces of all snapshots of a shard with an index below
// limit, or all if that is 0, but those of keep.
func dropParts(ops []store.Op, shard uint32, limit uint64, keep snapshotID) []store.Op {
	for _, from := range []byte{takenHere, received} {
		first, end := partKey(shard, from, 0, 0), shardKey(tagPart, shard)
		if end = append(end, from+1); limit != 0 {
			end = partKey(shard, from, limit, 0)
		}
		if keep.from != from || limit != 0 && keep.index >= limit {
			ops = append(ops, store.DeleteRange(first, end))
			continue
		}
		head, tail := partsOf(shard, from, keep.index)
		ops = append(ops, store.DeleteRange(first, head), store.DeleteRange(tail, end))
	}
	return ops
}

// layout turns what groups want written into operations. It knows which snapshot
// holds for each shard; its owner is the shell.
type layout struct{ holds map[uint32]snapshotID }

func (l *layout) ops(ops []store.Op, w groups.Write) []store.Op {
	shard := w.Shard
	if w.Destroy {
		delete(l.holds, shard)
		ops = append(dropParts(ops, shard, 0, snapshotID{}),
			store.Delete(shardKey(tagSnapshot, shard)), dropEntries(shard, 0))
	}
	if p := w.Part; p != nil {
		if p.Offset == 0 {
			ops = l.stage(ops, shard)
		}
		ops = append(ops, store.Put(partKey(shard, received, p.Index, p.Offset), p.Data))
	}
	if w.Install != nil {
		ops = append(ops, dropEntries(shard, 0))
		ops = l.hold(ops, shard, w.Install, received)
		ops = dropParts(ops, shard, 0, l.holds[shard])
	}
	if w.Taken != nil {
		ops = l.hold(ops, shard, w.Taken, takenHere)
	}
	if w.Hard {
		ops = append(ops, store.Put(shardKey(tagHard, shard), marshal(&durablepb.Hard{
			Group: w.Group, Term: w.Term, Vote: w.Vote, Commit: w.Commit,
		})))
	}
	if len(w.Entries) > 0 {
		ops = append(ops, dropEntries(shard, w.Entries[0].Index))
		for _, e := range w.Entries {
			ops = append(ops, store.Put(entryKey(shard, e.Index), appendEntry(nil, e)))
		}
	}
	if w.Compact > 0 {
		ops = append(ops, store.DeleteRange(entryKey(shard, 0), entryKey(shard, w.Compact)))
	}
	return ops
}

// stage makes room for a snapshot that begins to arrive: whatever arrived before
// it goes, unless it is the one that holds.
func (l *layout) stage(ops []store.Op, shard uint32) []store.Op {
	first, end := partKey(shard, received, 0, 0), append(shardKey(tagPart, shard), received+1)
	if keep := l.holds[shard]; keep.from == received {
		head, tail := partsOf(shard, received, keep.index)
		return append(ops, store.DeleteRange(first, head), store.DeleteRange(tail, end))
	}
	return append(ops, store.DeleteRange(first, end))
}

func (l *layout) hold(ops []store.Op, shard uint32, m *groups.SnapshotMeta, from byte) []store.Op {
	l.holds[shard] = snapshotID{m.Index, from}
	return append(ops, store.Put(shardKey(tagSnapshot, shard), marshal(&durablepb.Snapshot{
		Index: m.Index, Term: m.Term, Voters: m.Voters, Learners: m.Learners, Size: m.Size, Taken: from == takenHere,
	})))
}

// dropEntries deletes the log from an index on.
func dropEntries(shard uint32, index uint64) store.Op {
	return store.DeleteRange(entryKey(shard, index), shardKey(tagEntry, shard+1))
}

func appendEntry(b []byte, e groups.Entry) []byte {
	b = binary.BigEndian.AppendUint64(b, e.Term)
	return append(append(b, byte(e.Kind)), e.Data...)
}

func parseEntry(index uint64, b []byte) (groups.Entry, error) {
	if len(b) < 9 {
		return groups.Entry{}, fmt.Errorf("entry %d has %d bytes", index, len(b))
	}
	return groups.Entry{
		Index: index, Term: binary.BigEndian.Uint64(b), Kind: groups.Kind(b[8]),
		Data: append([]byte(nil), b[9:]...),
	}, nil
}

// marshal encodes what this package has made; that cannot fail.
func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic("durable: " + err.Error())
	}
	return b
}

// loaded is what a store holds at the start.
type loaded struct {
	node    uint64 // 0 = none yet
	charter *durablepb.Charter
	stored  []groups.Stored
	layout  layout
}

// load reads a store.
func load(s store.Store) (*loaded, error) {
	l := &loaded{layout: layout{map[uint32]snapshotID{}}}
	at := map[uint32]int{}
	of := func(k []byte) (*groups.Stored, error) {
		if len(k) < 5 {
			return nil, fmt.Errorf("key %q", k)
		}
		shard := binary.BigEndian.Uint32(k[1:])
		if i, ok := at[shard]; ok {
			return &l.stored[i], nil
		}
		at[shard] = len(l.stored)
		l.stored = append(l.stored, groups.Stored{Shard: shard})
		return &l.stored[at[shard]], nil
	}
	err := s.Range(nil, []byte{tagPart}, func(k, v []byte) error { return l.read(k, v, of) })
	if err == nil {
		err = s.Range([]byte{tagPart + 1}, nil, func(k, v []byte) error { return l.read(k, v, of) })
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return l, nil
}

func (l *loaded) read(k, v []byte, of func([]byte) (*groups.Stored, error)) error {
	switch {
	case string(k) == string(keyNode) && len(v) == 8:
		l.node = binary.BigEndian.Uint64(v)
		return nil
	case string(k) == string(keyCharter):
		l.charter = new(durablepb.Charter)
		return proto.Unmarshal(v, l.charter)
	}
	s, err := of(k)
	if err != nil {
		return err
	}
	switch k[0] {
	case tagHard:
		var h durablepb.Hard
		err = proto.Unmarshal(v, &h)
		s.Group, s.Term, s.Vote, s.Commit = h.GetGroup(), h.GetTerm(), h.GetVote(), h.GetCommit()
	case tagSnapshot:
		var m durablepb.Snapshot
		err = proto.Unmarshal(v, &m)
		s.Snapshot = groups.SnapshotMeta{Index: m.GetIndex(), Term: m.GetTerm(), Voters: m.GetVoters(), Learners: m.GetLearners(), Size: m.GetSize()}
		from := byte(received)
		if m.GetTaken() {
			from = takenHere
		}
		l.layout.holds[s.Shard] = snapshotID{m.GetIndex(), from}
	case tagEntry:
		if len(k) != 13 {
			return fmt.Errorf("key %q", k)
		}
		var e groups.Entry
		e, err = parseEntry(binary.BigEndian.Uint64(k[5:]), v)
		s.Entries = append(s.Entries, e)
	default:
		return fmt.Errorf("key %q", k)
	}
	return err
}

// readSnapshot returns up to max bytes of a snapshot from an offset on.
func readSnapshot(s store.Store, shard uint32, from byte, index, offset uint64, max int) ([]byte, error) {
	var out []byte
	start := offset - min(offset, maxPart)
	next := uint64(0)
	err := s.Range(partKey(shard, from, index, start), partKey(shard, from, index, offset+uint64(max)), func(k, v []byte) error {
		at := binary.BigEndian.Uint64(k[14:])
		end := at + uint64(len(v))
		if end <= offset {
			return nil
		}
		if len(out) == 0 {
			next = offset
		}
		if at > next {
			return fmt.Errorf("snapshot %d of shard %d has a hole at %d", index, shard, next)
		}
		out = append(out, v[next-at:]...)
		next = end
		return nil
	})
	if len(out) > max {
		out = out[:max]
	}
	return out, err
}

// maxPart is more than any piece of a snapshot has.
const maxPart = 4 << 20
