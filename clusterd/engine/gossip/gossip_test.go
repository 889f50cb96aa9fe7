package gossip

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

func node(i int) member.Node {
	return member.Node{Address: fmt.Sprintf("h:%d", i), UID: uint64(i)}
}

func randomRecord(r *rand.Rand, addresses int) *member.Record {
	n := node(1 + r.IntN(addresses))
	n.UID = 1 + r.Uint64N(2)
	rec := &member.Record{Node: n, Own: member.Own{Version: r.Uint64N(4), Present: r.IntN(2) == 0}}
	rec.Own.Info.Zone = fmt.Sprint(rec.Own.Version)
	if r.IntN(5) == 0 {
		rec.Removed = 1
		rec.Normalize()
	}
	return rec
}

func randomRow(r *rand.Rand, addresses int) *reach.Row {
	row := &reach.Row{Observer: node(1 + r.IntN(addresses)), Version: r.Uint64N(4)}
	for i := range row.Version {
		row.Accused = append(row.Accused, node(int(i)+1))
	}
	return row
}

func fill(t *Table, r *rand.Rand, facts, addresses int) {
	for range facts {
		t.MergeRecord(randomRecord(r, addresses))
		t.MergeRow(randomRow(r, addresses))
	}
}

// rebuilt is the slow twin: a table with the same facts, put in afresh.
func rebuilt(t *Table) *Table {
	twin := &Table{}
	for _, row := range slices.Backward(t.Rows()) {
		twin.MergeRow(row)
	}
	for rec := range t.Records() {
		twin.MergeRecord(rec)
	}
	return twin
}

func TestDigestIsOfTheFactsAlone(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		var table Table
		fill(&table, r, 40, 12)
		table.DropRecord(node(3).Address)
		table.DropRow(node(4).Address)
		table.DropRow("nobody:1")
		twin := rebuilt(&table)
		if got, want := table.Digest(), twin.Digest(); got != want {
			t.Fatalf("seed %d: got digest %x, want that of a fresh table %x", seed, got, want)
		}
		if got, want := table.BucketDigests(), twin.BucketDigests(); !slices.Equal(got, want) {
			t.Fatalf("seed %d: bucket digests differ from a fresh table's", seed)
		}
	}
}

// TestAntiEntropy runs the exchange of the package comment between two tables
// and counts what is sent.
func TestAntiEntropy(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var a, b Table
		for range 300 {
			rec := randomRecord(r, 100)
			a.MergeRecord(rec)
			b.MergeRecord(rec)
		}
		fill(&a, r, 3, 100)
		fill(&b, r, 3, 100)
		sent := reconcile(t, &a, &b)
		if a.Digest() != b.Digest() {
			t.Fatalf("seed %d: the tables differ after the exchange", seed)
		}
		if sent > 24 { // each of 12 changed facts once in each direction
			t.Errorf("seed %d: got %d facts sent, want only the differing ones", seed, sent)
		}
	}
}

// reconcile runs the exchange that a begins, and returns how many facts were
// sent.
func reconcile(t *testing.T, a, b *Table) (sent int) {
	t.Helper()
	for _, ask := range a.Inquire(b.BucketDigests()) {
		if len(ask.Have) > MaxFacts/16 {
			t.Errorf("got an inquiry with %d hashes, want at most %d", len(ask.Have), MaxFacts/16)
		}
		toA := b.Lacking(ask.Buckets, ask.Have)
		toB := a.Pick(b.Unknown(ask.Have))
		sent += apply(a, toA) + apply(b, toB)
	}
	return sent
}

func apply(t *Table, parts []Facts) (count int) {
	for _, f := range parts {
		for _, rec := range f.Records {
			t.MergeRecord(rec)
		}
		for _, row := range f.Rows {
			t.MergeRow(row)
		}
		count += len(f.Records) + len(f.Rows)
	}
	return count
}

func TestPartsHaveALimit(t *testing.T) {
	var table, copied Table
	for i := range 300 {
		rec := &member.Record{Node: node(i + 1)}
		rec.Own.Info.Zone = fmt.Sprintf("%01000d", i)
		table.MergeRecord(rec)
	}
	parts := table.All()
	if len(parts) < 300_000/MaxFacts {
		t.Errorf("got %d parts, want them divided by size", len(parts))
	}
	for _, p := range parts {
		size := 0
		for _, r := range p.Records {
			size += len(r.AppendBinary(nil))
		}
		if size > MaxFacts {
			t.Errorf("got a part of %d bytes, want at most %d", size, MaxFacts)
		}
	}
	if got := apply(&copied, parts); got != 300 || copied.Digest() != table.Digest() {
		t.Errorf("got %d facts over, want all 300 and equal digests", got)
	}
}

func TestSince(t *testing.T) {
	var table Table
	table.MergeRecord(&member.Record{Node: node(1)})
	seq := table.Seq()
	table.MergeRow(&reach.Row{Observer: node(1), Version: 1})
	table.MergeRow(&reach.Row{Observer: node(1), Version: 2})
	if got := apply(&Table{}, table.Since(seq)); got != 1 {
		t.Errorf("got %d facts since, want the one that changed, once", got)
	}
	for i := range 2 * maxChanges {
		table.MergeRow(&reach.Row{Observer: node(2), Version: uint64(i) + 1})
		table.MergeRecord(&member.Record{Node: node(i + 10)})
	}
	if got := apply(&Table{}, table.Since(seq)); got == 0 || got > maxChanges {
		t.Errorf("got %d facts of a long time, want the latest, at most %d", got, maxChanges)
	}
	if got := len(table.log.changes); got > maxChanges {
		t.Errorf("got %d changes kept, want at most %d", got, maxChanges)
	}
}

// TestOneDifferenceCostsLittle holds what the size of a table makes of the cost
// of one difference.
func TestOneDifferenceCostsLittle(t *testing.T) {
	for _, n := range []int{100, 1000, 10_000} {
		var a, b Table
		for i := range n {
			a.MergeRecord(&member.Record{Node: node(i + 1)})
			b.MergeRecord(&member.Record{Node: node(i + 1)})
		}
		a.MergeRecord(&member.Record{Node: node(7), Wanted: member.CauseDown})
		hashes := 0
		for _, ask := range a.Inquire(b.BucketDigests()) {
			hashes += len(ask.Have)
		}
		if most := 4 + 3*n/Buckets; hashes > most {
			t.Errorf("n=%d: got %d hashes, want at most %d", n, hashes, most)
		}
		if sent := reconcile(t, &a, &b); sent != 2 || a.Digest() != b.Digest() {
			t.Errorf("n=%d: got %d facts sent, want the two versions of one", n, sent)
		}
	}
}

// TestMergesInAnyOrder holds that conflicting facts end the same wherever they
// meet: the newest stamp wins, and between equal stamps the content decides.
func TestMergesInAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var records []*member.Record
		var rows []*reach.Row
		for range 30 {
			records = append(records, randomRecord(r, 4))
			rows = append(rows, randomRow(r, 4))
		}
		var first Table
		for i := range records {
			first.MergeRecord(records[i])
			first.MergeRow(rows[i])
		}
		var again Table
		for range 2 { // each twice, in two other orders
			for _, i := range r.Perm(len(records)) {
				again.MergeRow(rows[i])
			}
			for _, i := range r.Perm(len(records)) {
				again.MergeRecord(records[i])
			}
		}
		if first.Digest() != again.Digest() {
			t.Fatalf("seed %d: two orders gave two tables", seed)
		}
	}
}
