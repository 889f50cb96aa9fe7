package slots

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrRows tells that bytes are not encoded rows.
var ErrRows = errors.New("slots: malformed rows")

// The limits of encoded rows: decoding allocates no more than these allow.
const (
	maxNames    = 1 << 14 // different nodes and zones
	maxNameLen  = 512     // bytes in one
	MaxReplicas = 15      // in one row
)

// AppendRows appends the encoding of rows, which are sorted by ID: a dictionary
// of the names in them, then runs of shards that differ in their ID alone. Rows
// with more than [MaxReplicas] replicas are cut.
func AppendRows(b []byte, rows []Shard) []byte {
	d := dictionary{index: map[string]uint64{}}
	var runs []byte
	next := uint16(0)
	for i := 0; i < len(rows); {
		r, n := rows[i], 1
		for i+n < len(rows) && rows[i+n].ID == r.ID+uint16(n) && rows[i+n].Epoch == r.Epoch && rows[i+n].sameNodes(r) {
			n++
		}
		replicas := r.Replicas[:min(len(r.Replicas), MaxReplicas)]
		for _, v := range []uint64{uint64(r.ID - next), uint64(n - 1), r.Epoch, d.of(string(r.Primary)), d.of(r.Zone), uint64(len(replicas))} {
			runs = binary.AppendUvarint(runs, v)
		}
		for _, node := range replicas {
			runs = binary.AppendUvarint(runs, d.of(string(node)))
		}
		next = r.ID + uint16(n)
		i += n
	}
	b = binary.AppendUvarint(b, uint64(len(d.names)))
	for _, name := range d.names {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return append(b, runs...)
}

// dictionary numbers names in the order of their first use.
type dictionary struct {
	names []string
	index map[string]uint64
}

func (d *dictionary) of(name string) uint64 {
	i, ok := d.index[name]
	if !ok {
		i = uint64(len(d.names))
		d.index[name] = i
		d.names = append(d.names, name)
	}
	return i
}

// ParseRows is the inverse of [AppendRows] for a table of at most shards
// shards. The rows are sorted by ID and share their replicas. The error is
// [ErrRows].
func ParseRows(b []byte, shards int) ([]Shard, error) {
	r := reader{b: b}
	r.names()
	var rows []Shard
	for next := uint64(0); len(r.b) > 0 && !r.bad; {
		first := next + r.below(Count)
		n := r.below(Count) + 1
		row := Shard{Epoch: r.uvarint(), Primary: Node(r.name()), Zone: r.name()}
		for range r.below(MaxReplicas + 1) {
			row.Replicas = append(row.Replicas, Node(r.name()))
		}
		if r.bad || first+n > uint64(min(shards, Count)) {
			return nil, ErrRows
		}
		rows = slices.Grow(rows, int(n))
		for id := first; id < first+n; id++ {
			row.ID = uint16(id)
			rows = append(rows, row)
		}
		next = first + n
	}
	if r.bad {
		return nil, ErrRows
	}
	return rows, nil
}

// reader takes values off the front of b until one of them is bad.
type reader struct {
	b    []byte
	dict []string
	bad  bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// below is uvarint for values that must be less than limit.
func (r *reader) below(limit uint64) uint64 {
	v := r.uvarint()
	if v >= limit {
		r.bad = true
		return 0
	}
	return v
}

func (r *reader) names() {
	for range r.below(maxNames + 1) {
		n := r.below(maxNameLen + 1)
		if r.bad || n > uint64(len(r.b)) {
			r.bad = true
			return
		}
		r.dict = append(r.dict, string(r.b[:n]))
		r.b = r.b[n:]
	}
}

func (r *reader) name() string {
	i := r.below(uint64(len(r.dict)))
	if r.bad {
		return ""
	}
	return r.dict[i]
}
