package slots

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomRows makes rows that collide: few epochs, few nodes.
func randomRows(rnd *rand.Rand, shards, n int) []Shard {
	var rows []Shard
	for range n {
		r := Shard{ID: uint16(rnd.IntN(shards)), Epoch: uint64(rnd.IntN(4)), Primary: Node(fmt.Sprintf("n%d", rnd.IntN(3)))}
		for range rnd.IntN(3) {
			r.Replicas = append(r.Replicas, Node(fmt.Sprintf("n%d", rnd.IntN(3))))
		}
		if rnd.IntN(2) == 0 {
			r.Zone = "z"
		}
		rows = append(rows, r)
	}
	return rows
}

func equalRows(a, b []Shard) bool { return slices.EqualFunc(a, b, Shard.Equal) }

func tableOf(shards int, rows ...Shard) *Table {
	t := NewTable(shards)
	t.Merge(rows...)
	return t
}

// Merge is that of a lattice: any order, any grouping, any repetition.
func TestTableMerge(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		shards := 1 << rnd.IntN(7)
		x, y, z := randomRows(rnd, shards, 30), randomRows(rnd, shards, 30), randomRows(rnd, shards, 30)
		a, b := tableOf(shards, x...), tableOf(shards, slices.Concat(z, y, x)...)
		yz := tableOf(shards, slices.Concat(y, z)...)
		a.Merge(yz.Rows()...)
		if !equalRows(a.Rows(), b.Rows()) {
			t.Fatalf("seed %d: x+(y+z) = %v, z+y+x = %v", seed, a.Rows(), b.Rows())
		}
		if a.Digest() != b.Digest() {
			t.Fatalf("seed %d: equal tables have different digests", seed)
		}
		if n := a.Merge(slices.Concat(x, y, z)...); n != 0 {
			t.Fatalf("seed %d: %d rows are newer when merged again, want 0", seed, n)
		}
	}
}

func TestTableDelta(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		common := randomRows(rnd, 256, 200)
		a, b := tableOf(256, common...), tableOf(256, common...)
		at := a.Version()
		a.Merge(randomRows(rnd, 256, 3)...)
		b.Merge(randomRows(rnd, 256, 3)...)
		if len(a.Since(at)) > 3 {
			t.Fatalf("seed %d: %d rows since, want at most 3", seed, len(a.Since(at)))
		}
		forB, forA := a.Delta(b.Digest()), b.Delta(a.Digest())
		if len(forB) > 6*256/blocks {
			t.Errorf("seed %d: a delta of %d rows for at most 6 blocks", seed, len(forB))
		}
		a.Merge(forA...)
		b.Merge(forB...)
		if a.Digest() != b.Digest() || !equalRows(a.Rows(), b.Rows()) {
			t.Fatalf("seed %d: tables differ after both deltas", seed)
		}
		if d := a.Delta(b.Digest()); len(d) != 0 {
			t.Fatalf("seed %d: equal tables have a delta of %d rows", seed, len(d))
		}
	}
}

func TestTableEpochs(t *testing.T) {
	tab := tableOf(4, Shard{ID: 1, Epoch: 5, Primary: "a"})
	for _, c := range []struct {
		name string
		row  Shard
		want Node
	}{
		{"an older epoch", Shard{ID: 1, Epoch: 4, Primary: "z"}, "a"},
		{"a shard that is not there", Shard{ID: 9, Epoch: 9, Primary: "z"}, "a"},
		{"a newer epoch", Shard{ID: 1, Epoch: 6, Primary: "b"}, "b"},
		{"the tie-break", Shard{ID: 1, Epoch: 6, Primary: "a"}, "b"},
	} {
		tab.Merge(c.row)
		if got := tab.Lookup(4096).Primary; got != c.want {
			t.Errorf("after %s the primary is %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTableSlots(t *testing.T) {
	tab := NewTable(256)
	if first, last := tab.Slots(255); first != 16320 || last != 16383 || tab.ShardOf(16383) != 255 || tab.ShardOf(63) != 0 {
		t.Errorf("shard 255 has slots %d to %d", first, last)
	}
	tab.Merge(Shard{ID: 0, Epoch: 1, Primary: "a"}, Shard{ID: 1, Epoch: 7, Primary: "a"},
		Shard{ID: 2, Epoch: 1, Primary: "a", Replicas: []Node{"b"}}, Shard{ID: 5, Epoch: 1, Primary: "a"})
	got := ""
	for _, r := range tab.Ranges() {
		got += fmt.Sprintf("%d-%d %s%v ", r.First, r.Last, r.Shard.Primary, r.Shard.Replicas)
	}
	if want := "0-127 a[] 128-191 a[b] 320-383 a[] "; got != want {
		t.Errorf("Ranges = %s, want %s", got, want)
	}
}

func TestRowsEncoding(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	for range 100 {
		want := tableOf(256, randomRows(rnd, 256, rnd.IntN(400))...).Rows()
		got, err := ParseRows(AppendRows(nil, want), 256)
		if err != nil || !equalRows(got, want) {
			t.Fatalf("round trip gives %v, %v, want %v", got, err, want)
		}
	}
	full := make([]Shard, Count)
	for i := range full {
		full[i] = Shard{ID: uint16(i), Epoch: 1 << 20, Primary: Node(fmt.Sprintf("10.0.0.%d:7001", i*4/Count)), Replicas: []Node{"10.0.0.9:7001"}}
	}
	if b := AppendRows(nil, full); len(b) > 130 {
		t.Errorf("four nodes' slots take %d bytes, want at most 130", len(b))
	}
}

func FuzzParseRows(f *testing.F) {
	rnd := rand.New(rand.NewPCG(9, 9))
	f.Add(AppendRows(nil, nil))
	f.Add(AppendRows(nil, tableOf(256, randomRows(rnd, 256, 100)...).Rows()))
	f.Add([]byte{1, 1, 'a', 0, 0xff, 0x7f, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := ParseRows(b, 256)
		if err != nil {
			return
		}
		if len(rows) > 256 {
			t.Fatalf("%d rows of 256 shards", len(rows))
		}
		again, err := ParseRows(AppendRows(nil, rows), 256)
		if err != nil || !equalRows(again, rows) {
			t.Fatalf("round trip gives %v, %v, want %v", again, err, rows)
		}
	})
}

func BenchmarkTableLookup(b *testing.B) {
	tab := tableOf(256, Shard{ID: 1, Epoch: 5, Primary: "a"})
	b.ReportAllocs()
	for b.Loop() {
		_ = tab.Lookup(Of("{user1000}.following")).Primary
	}
}
