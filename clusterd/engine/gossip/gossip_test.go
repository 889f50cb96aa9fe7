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
		buckets := a.Differing(b.BucketDigests())
		have := a.Hashes(buckets)
		toA := b.Lacking(buckets, have)
		toB := a.Pick(b.Unknown(have))
		sent := apply(&a, toA) + apply(&b, toB)
		if a.Digest() != b.Digest() {
			t.Fatalf("seed %d: the tables differ after the exchange", seed)
		}
		if sent > 24 { // each of 12 changed facts once in each direction
			t.Errorf("seed %d: got %d facts sent, want only the differing ones", seed, sent)
		}
	}
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

func TestSinceAndItsLimit(t *testing.T) {
	var table, copied Table
	for i := range 300 {
		rec := &member.Record{Node: node(i + 1)}
		rec.Own.Info.Zone = fmt.Sprintf("%01000d", i)
		table.MergeRecord(rec)
	}
	parts := table.Since(0)
	if len(parts) < 300_000/MaxFacts {
		t.Errorf("got %d parts, want them divided by size", len(parts))
	}
	for _, p := range parts {
		if p.size > MaxFacts {
			t.Errorf("got a part of %d bytes, want at most %d", p.size, MaxFacts)
		}
	}
	if got := apply(&copied, parts); got != 300 || copied.Digest() != table.Digest() {
		t.Errorf("got %d facts over, want all 300 and equal digests", got)
	}
	seq := table.Seq()
	table.MergeRow(&reach.Row{Observer: node(1), Version: 1})
	if got := apply(&Table{}, table.Since(seq)); got != 1 {
		t.Errorf("got %d facts since, want the one that changed", got)
	}
}

func TestMemoryTellsEachPeerOnce(t *testing.T) {
	m, r := NewMemory(2), rand.New(rand.NewPCG(1, 1))
	peers := []member.Node{node(1), node(2), node(3), node(4), node(5)}
	m.Changed(7)
	m.Heard(node(2), 7)
	m.Heard(node(3), 8) // another digest: not told
	var told []member.Node
	for m.Pending(peers) {
		told = append(told, m.Next(peers, r)...)
	}
	slices.SortFunc(told, member.Node.Compare)
	if want := []member.Node{node(1), node(3), node(4), node(5)}; !slices.Equal(told, want) {
		t.Errorf("got %v told, want %v", told, want)
	}
	m.Forget(node(4))
	if got := m.Next(peers, r); !slices.Equal(got, []member.Node{node(4)}) {
		t.Errorf("after a lost message: got %v, want the peer again", got)
	}
	m.Changed(9)
	if got := len(m.Next(peers, r)); got != 2 {
		t.Errorf("after news: got %d told, want the fan-out 2", got)
	}
}

func TestMemoryStops(t *testing.T) {
	m, r := NewMemory(1), rand.New(rand.NewPCG(1, 1))
	var peers []member.Node
	for i := range 1000 {
		peers = append(peers, node(i+1))
	}
	m.Changed(1)
	sent := 0
	for m.Pending(peers) {
		sent += len(m.Next(peers, r))
	}
	if sent < 10 || sent > 40 {
		t.Errorf("got %d sends by one of 1,000 nodes, want some 2·log2(n)", sent)
	}
}

// TestMemoryReachesAll spreads one rumour through n tables.
func TestMemoryReachesAll(t *testing.T) {
	for _, n := range []int{2, 10, 100} {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		nodes := make([]*Memory, n)
		var all []member.Node
		for i := range n {
			nodes[i] = NewMemory(2)
			all = append(all, node(i))
		}
		nodes[0].Changed(1)
		informed := map[member.Node]bool{all[0]: true}
		rounds := 0
		for ; len(informed) < n && rounds < 50; rounds++ {
			var news [][2]member.Node
			for i, m := range nodes {
				if !informed[all[i]] {
					continue
				}
				others := slices.Delete(slices.Clone(all), i, i+1)
				for _, to := range m.Next(others, r) {
					news = append(news, [2]member.Node{all[i], to})
				}
			}
			for _, x := range news {
				to := slices.Index(all, x[1])
				nodes[to].Changed(1)
				nodes[to].Heard(x[0], 1)
				informed[x[1]] = true
			}
		}
		if len(informed) != n || rounds > 20 {
			t.Errorf("n=%d: got %d informed after %d rounds, want all within 20", n, len(informed), rounds)
		}
	}
}
