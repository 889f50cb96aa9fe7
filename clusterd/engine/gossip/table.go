package gossip

import (
	"iter"

	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Buckets is into how many parts the facts are divided, by a hash of the
// address, when two digests differ.
const Buckets = 64

// Table holds what a node knows: a record of each address and a row of each
// observer. Its digests change with each fact at no further cost. The zero
// Table is empty and ready to use. Facts in it are never written to.
type Table struct {
	records shelf[*member.Record]
	rows    shelf[*reach.Row]
	digest  uint64
	buckets [Buckets]uint64
	seq     uint64
	scratch []byte
}

// Record returns the record of an address, or nil.
func (t *Table) Record(address string) *member.Record { return t.records.get(address) }

// Row returns the row of the observer at an address, or nil.
func (t *Table) Row(address string) *reach.Row { return t.rows.get(address) }

// Len returns how many records the table holds.
func (t *Table) Len() int { return len(t.records.slots) }

// Records yields all records, sorted by address. The table must not be changed
// meanwhile.
func (t *Table) Records() iter.Seq[*member.Record] {
	return func(yield func(*member.Record) bool) {
		for i := range t.records.slots {
			if !yield(t.records.slots[i].fact) {
				return
			}
		}
	}
}

// Rows returns all rows, sorted by the observer's address.
func (t *Table) Rows() []*reach.Row {
	rows := make([]*reach.Row, len(t.rows.slots))
	for i := range t.rows.slots {
		rows[i] = t.rows.slots[i].fact
	}
	return rows
}

// Digest returns the digest of all facts: two tables with the same facts have
// the same digest.
func (t *Table) Digest() uint64 { return t.digest }

// BucketDigests returns the digests of the parts of the table.
func (t *Table) BucketDigests() []uint64 {
	digests := t.buckets
	return digests[:]
}

// Seq returns the number of the last change of the table.
func (t *Table) Seq() uint64 { return t.seq }

// MergeRecord merges a record into the table and reports whether that changed
// it.
func (t *Table) MergeRecord(r *member.Record) bool {
	old := t.records.get(r.Address)
	if old != nil {
		merged := member.Merge(old, r)
		if merged == old {
			return false
		}
		r = merged
	}
	t.scratch = r.AppendBinary(append(t.scratch[:0], 'm'))
	hash, size := t.hash()
	former := t.records.put(slot[*member.Record]{r.Address, r, hash, size, t.seq})
	t.fold(r.Address, former^hash)
	return true
}

// MergeRow merges a row into the table and reports whether that changed it.
func (t *Table) MergeRow(r *reach.Row) bool {
	old := t.rows.get(r.Observer.Address)
	if old != nil && reach.Merge(old, r) == old {
		return false
	}
	t.scratch = r.AppendBinary(append(t.scratch[:0], 'r'))
	hash, size := t.hash()
	former := t.rows.put(slot[*reach.Row]{r.Observer.Address, r, hash, size, t.seq})
	t.fold(r.Observer.Address, former^hash)
	return true
}

// DropRecord forgets the record of an address.
func (t *Table) DropRecord(address string) { t.fold(address, t.records.drop(address)) }

// DropRow forgets the row of the observer at an address.
func (t *Table) DropRow(address string) { t.fold(address, t.rows.drop(address)) }

func (t *Table) hash() (hash uint64, size int) {
	t.seq++
	return xxhash.Sum64(t.scratch), len(t.scratch)
}

func (t *Table) fold(address string, change uint64) {
	t.digest ^= change
	t.buckets[bucket(address)] ^= change
}

func bucket(address string) uint32 { return uint32(xxhash.Sum64String(address) % Buckets) }
