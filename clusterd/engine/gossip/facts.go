package gossip

import (
	"cmp"
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// MaxFacts is about how many bytes of facts go into a message where nothing else
// is configured; of hashes, of 8 bytes, half as many do. A single fact is never
// split.
const MaxFacts = 64 << 10

// Facts is a part of a table, or news.
type Facts struct {
	Records []*member.Record
	Rows    []*reach.Row
}

func (f *Facts) empty() bool { return len(f.Records)+len(f.Rows) == 0 }

// join adds news. Slices that others may hold are not written to.
func (f *Facts) join(news Facts) {
	f.Records = append(f.Records[:len(f.Records):len(f.Records)], news.Records...)
	f.Rows = append(f.Rows[:len(f.Rows):len(f.Rows)], news.Rows...)
}

// Inquiry asks a peer for what it has in some buckets beside what is had here.
type Inquiry struct {
	Buckets []uint32
	Have    []uint64 // hashes of all facts in them
}

// Since returns what changed after the change numbered seq, oldest first,
// divided by size, as far as it is remembered.
func (t *Table) Since(seq uint64) []Facts {
	c := collector{limit: t.limit()}
	for _, change := range t.log.since(seq) {
		if change.row {
			c.row(t.Row(change.address))
		} else {
			c.record(t.Record(change.address))
		}
	}
	return c.parts
}

func (t *Table) limit() int { return cmp.Or(t.Limit, MaxFacts) }

// All returns all facts, divided by size.
func (t *Table) All() []Facts { return t.collect(func(uint64) bool { return true }) }

// Lacking returns the facts in the given buckets whose hashes are not in have.
func (t *Table) Lacking(buckets []uint32, have []uint64) []Facts {
	parts, held := set(buckets), set(have)
	return t.collect(func(hash uint64) bool { return parts[bucket(hash)] && !held[hash] })
}

// Pick returns the facts with the given hashes.
func (t *Table) Pick(hashes []uint64) []Facts {
	wanted := set(hashes)
	return t.collect(func(hash uint64) bool { return wanted[hash] })
}

// Unknown returns those hashes that no fact in the table has.
func (t *Table) Unknown(hashes []uint64) []uint64 {
	unknown := set(hashes)
	t.each(func(hash uint64) { delete(unknown, hash) })
	return slices.DeleteFunc(slices.Clone(hashes), func(hash uint64) bool { return !unknown[hash] })
}

// Inquire returns what to ask a peer whose buckets have these digests, divided
// so that each inquiry fits into a message and stands for itself.
func (t *Table) Inquire(digests []uint64) []Inquiry {
	var have [Buckets][]uint64
	t.each(func(hash uint64) { have[bucket(hash)] = append(have[bucket(hash)], hash) })
	var asks []Inquiry
	for i := range min(len(digests), Buckets) {
		if t.buckets[i] == digests[i] {
			continue
		}
		if n := len(asks); n == 0 || len(asks[n-1].Have)+len(have[i]) > t.limit()/16 {
			asks = append(asks, Inquiry{})
		}
		ask := &asks[len(asks)-1]
		ask.Buckets = append(ask.Buckets, uint32(i))
		ask.Have = append(ask.Have, have[i]...)
	}
	return asks
}

func (t *Table) each(visit func(hash uint64)) {
	for _, r := range t.records.facts {
		visit(r.Hash())
	}
	for _, r := range t.rows.facts {
		visit(r.Hash())
	}
}

func (t *Table) collect(wanted func(hash uint64) bool) []Facts {
	c := collector{limit: t.limit()}
	for _, r := range t.records.facts {
		if wanted(r.Hash()) {
			c.record(r.Record)
		}
	}
	for _, r := range t.rows.facts {
		if wanted(r.Hash()) {
			c.row(r.Row)
		}
	}
	return c.parts
}

// collector divides facts into parts of a size for one message.
type collector struct {
	parts   []Facts
	limit   int // of a part, in bytes; 0 = none
	size    int // of the last part, about
	scratch []byte
}

func (c *collector) facts(f Facts) {
	for _, r := range f.Records {
		c.record(r)
	}
	for _, r := range f.Rows {
		c.row(r)
	}
}

func (c *collector) record(r *member.Record) {
	if r != nil {
		c.scratch = r.AppendBinary(c.scratch[:0])
		part := c.part(len(c.scratch))
		part.Records = append(part.Records, r)
	}
}

func (c *collector) row(r *reach.Row) {
	if r != nil {
		c.scratch = r.AppendBinary(c.scratch[:0])
		part := c.part(len(c.scratch))
		part.Rows = append(part.Rows, r)
	}
}

// part returns the part that has room for size bytes.
func (c *collector) part(size int) *Facts {
	if len(c.parts) == 0 || c.limit > 0 && c.size+size > c.limit {
		c.parts, c.size = append(c.parts, Facts{}), 0
	}
	c.size += size
	return &c.parts[len(c.parts)-1]
}

func set[K comparable](keys []K) map[K]bool {
	s := make(map[K]bool, len(keys))
	for _, k := range keys {
		s[k] = true
	}
	return s
}
