package slots

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Node names a node to placement: its address, or whatever else stays the same
// as long as it keeps its data.
type Node string

// Shard is one row of a [Table]: who serves a group of neighbouring slots.
type Shard struct {
	ID       uint16 // 0 to Table.Shards()-1
	Epoch    uint64 // grows with each change of the row; 0 = never assigned
	Primary  Node   // "" = nobody
	Replicas []Node // the other holders of its data, in the order of preference
	Zone     string // of the primary; "" = there are no zones
}

// compare is a total order in which rows differ unless they are equal: by
// epoch, then, as a fixed tie-break that no node prefers, by all they say.
func (s Shard) compare(o Shard) int {
	return cmp.Or(cmp.Compare(s.Epoch, o.Epoch), cmp.Compare(s.Primary, o.Primary),
		slices.Compare(s.Replicas, o.Replicas), cmp.Compare(s.Zone, o.Zone))
}

// Equal tells whether two rows say the same.
func (s Shard) Equal(o Shard) bool { return s.ID == o.ID && s.compare(o) == 0 }

// Table tells for each slot which shard it belongs to and who serves that. All
// shards have equally many neighbouring slots.
//
// Tables of different nodes become equal by exchanging rows in any order and
// any number of times: of two rows of a shard the one with the higher epoch
// stays, so a merge is the maximum of a total order, which commutes,
// associates and repeats without effect.
type Table struct {
	rows    []Shard
	changed []uint64 // by shard: the version that brought the row
	version uint64
	digest  Digest
	shift   uint // slot >> shift is its shard
}

// NewTable returns a table of empty rows. shards is a power of two, 1 to
// [Count]; anything else panics.
func NewTable(shards int) *Table {
	t := &Table{rows: make([]Shard, shards), changed: make([]uint64, shards)}
	for Count>>t.shift > shards {
		t.shift++
	}
	if shards < 1 || Count>>t.shift != shards {
		panic("slots: the number of shards is no power of two from 1 to 16384")
	}
	for i := range t.rows {
		t.rows[i].ID = uint16(i)
	}
	return t
}

// Shards returns the number of shards.
func (t *Table) Shards() int { return len(t.rows) }

// ShardOf returns the shard of a slot.
func (t *Table) ShardOf(slot uint16) uint16 { return slot % Count >> t.shift }

// Slots returns the first and the last slot of a shard.
func (t *Table) Slots(shard uint16) (first, last uint16) {
	first = shard << t.shift % Count
	return first, first + 1<<t.shift - 1
}

// Shard returns a row. Its replicas belong to the table.
func (t *Table) Shard(id uint16) Shard { return t.rows[int(id)%len(t.rows)] }

// Lookup returns the row of a slot. Its replicas belong to the table.
func (t *Table) Lookup(slot uint16) Shard { return t.rows[t.ShardOf(slot)] }

// Merge takes those rows that are newer than the table's and returns how many
// they were. Rows of shards that the table does not have are ignored.
func (t *Table) Merge(rows ...Shard) int {
	n := 0
	for _, r := range rows {
		if int(r.ID) >= len(t.rows) || r.compare(t.rows[r.ID]) <= 0 {
			continue
		}
		r.Replicas = slices.Clone(r.Replicas)
		t.digest.toggle(t.rows[r.ID])
		t.digest.toggle(r)
		t.version++
		t.rows[r.ID], t.changed[r.ID] = r, t.version
		n++
	}
	return n
}

// Version counts the changes of this very table. It means nothing to others.
func (t *Table) Version() uint64 { return t.version }

// Since returns the rows that changed after a version, by ID: what a node that
// had everything at that version lacks.
func (t *Table) Since(version uint64) []Shard {
	var list []Shard
	for i, v := range t.changed {
		if v > version {
			list = append(list, t.rows[i])
		}
	}
	return list
}

// Rows returns all rows that were ever assigned, by ID.
func (t *Table) Rows() []Shard { return t.Since(0) }

// Digest returns what [Table.Delta] compares.
func (t *Table) Digest() Digest { return t.digest }

// Delta returns the rows in which a table with the given digest may differ from
// this one: those of each block of shards whose sums differ. Merging them into
// the other table, and its delta into this one, makes both equal.
func (t *Table) Delta(of Digest) []Shard {
	var list []Shard
	for i, r := range t.rows {
		if b := block(r.ID); t.changed[i] > 0 && of[b] != t.digest[b] {
			list = append(list, r)
		}
	}
	return list
}

// blocks is the number of sums in a digest.
const blocks = 64

// Digest sums up a table: for each 64th of the shards, taken by turns, the
// exclusive or of its rows' hashes. Tables with equal rows have equal digests;
// others, but for one case in 2^64, do not.
type Digest [blocks]uint64

func block(shard uint16) int { return int(shard % blocks) }

// toggle adds a row, or takes it out again. Rows that were never assigned do
// not count.
func (d *Digest) toggle(s Shard) {
	if s.Epoch > 0 || s.Primary != "" {
		d[block(s.ID)] ^= s.hash()
	}
}

func (s Shard) hash() uint64 {
	b := make([]byte, 0, 128)
	b = binary.LittleEndian.AppendUint16(b, s.ID)
	b = binary.LittleEndian.AppendUint64(b, s.Epoch)
	for _, text := range append([]Node{Node(s.Zone), s.Primary}, s.Replicas...) {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return xxhash.Sum64(b)
}

// Range is a run of slots with the same primary and replicas.
type Range struct {
	First, Last uint16 // both in it
	Shard       Shard  // of the first slot; the others may differ in epoch and ID
}

// Ranges returns the slots that have a primary, as runs, in rising order: what
// Redis prints as CLUSTER SLOTS.
func (t *Table) Ranges() []Range {
	var list []Range
	for _, r := range t.rows {
		if r.Primary == "" {
			continue
		}
		first, last := t.Slots(r.ID)
		if n := len(list); n > 0 && list[n-1].Last+1 == first && list[n-1].Shard.sameNodes(r) {
			list[n-1].Last = last
			continue
		}
		list = append(list, Range{first, last, r})
	}
	return list
}

func (s Shard) sameNodes(o Shard) bool {
	return s.Primary == o.Primary && slices.Equal(s.Replicas, o.Replicas) && s.Zone == o.Zone
}
