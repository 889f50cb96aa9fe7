package gossip

import (
	"cmp"
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// MaxFacts is about how many bytes of facts go into one message. A single fact
// is never split.
const MaxFacts = 64 << 10

// Facts is a part of a table, of a size for one message.
type Facts struct {
	Records []*member.Record
	Rows    []*reach.Row
	size    int
}

// Since returns what changed after the change numbered seq, oldest first,
// divided by size.
func (t *Table) Since(seq uint64) []Facts {
	return t.collect(func(_ string, _ uint64, changed uint64) bool { return changed > seq })
}

// Lacking returns the facts in the given buckets whose hashes are not in have.
func (t *Table) Lacking(buckets []uint32, have []uint64) []Facts {
	parts := set(buckets)
	held := set(have)
	return t.collect(func(address string, hash, _ uint64) bool {
		return parts[bucket(address)] && !held[hash]
	})
}

// Pick returns the facts with the given hashes.
func (t *Table) Pick(hashes []uint64) []Facts {
	wanted := set(hashes)
	return t.collect(func(_ string, hash, _ uint64) bool { return wanted[hash] })
}

// Hashes returns the hashes of the facts in the given buckets.
func (t *Table) Hashes(buckets []uint32) []uint64 {
	parts := set(buckets)
	var hashes []uint64
	t.each(func(address string, hash, _ uint64) {
		if parts[bucket(address)] {
			hashes = append(hashes, hash)
		}
	})
	return hashes
}

// Unknown returns those hashes that no fact in the table has.
func (t *Table) Unknown(hashes []uint64) []uint64 {
	known := make(map[uint64]bool)
	t.each(func(_ string, hash, _ uint64) { known[hash] = true })
	var unknown []uint64
	for _, h := range hashes {
		if !known[h] {
			unknown = append(unknown, h)
		}
	}
	return unknown
}

// Differing returns the buckets whose digests are not those given.
func (t *Table) Differing(digests []uint64) []uint32 {
	var differ []uint32
	for i, d := range digests {
		if i < Buckets && t.buckets[i] != d {
			differ = append(differ, uint32(i))
		}
	}
	return differ
}

func (t *Table) each(visit func(address string, hash, seq uint64)) {
	for i := range t.records.slots {
		s := &t.records.slots[i]
		visit(s.address, s.hash, s.seq)
	}
	for i := range t.rows.slots {
		s := &t.rows.slots[i]
		visit(s.address, s.hash, s.seq)
	}
}

// piece is one fact on its way into Facts: a record or a row.
type piece struct {
	seq    uint64
	size   int
	record *member.Record
	row    *reach.Row
}

func (t *Table) collect(wanted func(address string, hash, seq uint64) bool) []Facts {
	var pieces []piece
	for i := range t.records.slots {
		if s := &t.records.slots[i]; wanted(s.address, s.hash, s.seq) {
			pieces = append(pieces, piece{seq: s.seq, size: s.size, record: s.fact})
		}
	}
	for i := range t.rows.slots {
		if s := &t.rows.slots[i]; wanted(s.address, s.hash, s.seq) {
			pieces = append(pieces, piece{seq: s.seq, size: s.size, row: s.fact})
		}
	}
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.seq, b.seq) })
	return divide(pieces)
}

func divide(pieces []piece) []Facts {
	var parts []Facts
	for _, p := range pieces {
		if len(parts) == 0 || parts[len(parts)-1].size+p.size > MaxFacts {
			parts = append(parts, Facts{})
		}
		parts[len(parts)-1].add(p)
	}
	return parts
}

func (f *Facts) add(p piece) {
	f.size += p.size
	if p.record != nil {
		f.Records = append(f.Records, p.record)
		return
	}
	f.Rows = append(f.Rows, p.row)
}

func set[K comparable](keys []K) map[K]bool {
	s := make(map[K]bool, len(keys))
	for _, k := range keys {
		s[k] = true
	}
	return s
}
