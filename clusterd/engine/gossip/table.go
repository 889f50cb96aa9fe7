package gossip

import (
	"iter"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Buckets is into how many parts the facts are divided, by their hashes, when
// two digests differ. One difference costs 8·Buckets bytes and then 16·n/Buckets
// on average, which is least at √(2n): 64 is within a factor of 1.3 of that from
// 1,000 to 5,000 members, and far below the limit of a message up to 100,000.
const Buckets = 64

// Table holds what a node knows: a record of each address and a row of each
// observer. Its digests change with each fact at no further cost. The zero
// Table is empty and ready to use. Facts in it are never written to, but for
// the hash that they keep of themselves.
type Table struct {
	Limit int // about how many bytes of facts go into one message; 0 = MaxFacts

	records shelf[record]
	rows    shelf[row]
	digest  uint64
	buckets [Buckets]uint64
	log     changelog
}

// Record returns the record of an address, or nil.
func (t *Table) Record(address string) *member.Record { return t.records.get(address).Record }

// Row returns the row of the observer at an address, or nil.
func (t *Table) Row(address string) *reach.Row { return t.rows.get(address).Row }

// Len returns how many records the table holds.
func (t *Table) Len() int { return len(t.records.facts) }

// RecordAt returns the i-th record, in the order of the addresses.
func (t *Table) RecordAt(i int) *member.Record { return t.records.facts[i].Record }

// Records yields all records, sorted by address. The table must not be changed
// meanwhile.
func (t *Table) Records() iter.Seq[*member.Record] {
	return func(yield func(*member.Record) bool) {
		for i := range t.records.facts {
			if !yield(t.records.facts[i].Record) {
				return
			}
		}
	}
}

// Rows returns all rows, sorted by the observer's address.
func (t *Table) Rows() []*reach.Row {
	rows := make([]*reach.Row, len(t.rows.facts))
	for i := range t.rows.facts {
		rows[i] = t.rows.facts[i].Row
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
func (t *Table) Seq() uint64 { return t.log.seq }

// MergeRecord merges a record into the table. It returns the records of that
// address before, nil if there was none, and now: they differ if the table does.
func (t *Table) MergeRecord(r *member.Record) (old, now *member.Record) {
	i, taken := t.records.find(r.Address)
	if taken {
		old = t.records.facts[i].Record
		if r = member.Merge(old, r); r == old {
			return old, old
		}
	}
	t.fold(t.records.put(i, taken, record{r}), r.Hash())
	t.log.note(r.Address, false)
	return old, r
}

// MergeRow merges a row into the table. It returns the rows of that observer
// before, nil if there was none, and now: they differ if the table does.
func (t *Table) MergeRow(r *reach.Row) (old, now *reach.Row) {
	i, taken := t.rows.find(r.Observer.Address)
	if taken {
		old = t.rows.facts[i].Row
		if reach.Merge(old, r) == old {
			return old, old
		}
	}
	t.fold(t.rows.put(i, taken, row{r}), r.Hash())
	t.log.note(r.Observer.Address, true)
	return old, r
}

// DropRecord forgets the record of an address.
func (t *Table) DropRecord(address string) { t.fold(t.records.drop(address), 0) }

// DropRow forgets the row of the observer at an address.
func (t *Table) DropRow(address string) { t.fold(t.rows.drop(address), 0) }

// fold takes one hash out of the digests and another one in; 0 = none.
func (t *Table) fold(former, now uint64) {
	t.digest ^= former ^ now
	if former != 0 {
		t.buckets[bucket(former)] ^= former
	}
	if now != 0 {
		t.buckets[bucket(now)] ^= now
	}
}

// bucket is of a fact's hash, not of its address: it need not be kept, and two
// versions of one fact are found by the two buckets that differ.
func bucket(hash uint64) uint32 { return uint32(hash % Buckets) }
