package member

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"
)

// randomRecord draws from few values, so that ties are frequent.
func randomRecord(r *rand.Rand) *Record {
	rec := &Record{
		Node:     Node{Address: "a:1", UID: 1 + r.Uint64N(3)},
		Accepted: r.Uint64N(3),
		Own: Own{
			Version: r.Uint64N(3),
			Present: r.IntN(2) == 0,
			Leaving: r.IntN(2) == 0,
			Drained: r.IntN(2) == 0,
			Halt:    r.IntN(2) == 0,
			Info:    randomInfo(r),
		},
		Wanted: Cause(r.IntN(6)),
		Weakly: r.IntN(2) == 0,
	}
	if r.IntN(4) == 0 {
		rec.Removed = 1 + r.Uint64N(2)
	}
	rec.Normalize()
	return rec
}

func randomInfo(r *rand.Rand) Info {
	var i Info
	if r.IntN(2) == 0 {
		i.Roles = []string{"r" + fmt.Sprint(r.IntN(2))}
	}
	if r.IntN(2) == 0 {
		i.Meta = []Pair{{"http", fmt.Sprint(r.IntN(2))}}
	}
	if r.IntN(2) == 0 {
		i.Kinds = []string{"room"}
	}
	i.Zone = []string{"", "z1"}[r.IntN(2)]
	return i
}

func same(a, b *Record) bool {
	return bytes.Equal(a.AppendBinary(nil), b.AppendBinary(nil))
}

func TestMergeIsALattice(t *testing.T) {
	laws := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b, c := randomRecord(r), randomRecord(r), randomRecord(r)
		commutes := same(Merge(a, b), Merge(b, a))
		associates := same(Merge(Merge(a, b), c), Merge(a, Merge(b, c)))
		idempotent := same(Merge(a, a), a) && same(Merge(Merge(a, b), b), Merge(a, b))
		if !commutes || !associates || !idempotent {
			t.Logf("a=%+v\nb=%+v\nc=%+v", a, b, c)
		}
		return commutes && associates && idempotent
	}
	if err := quick.Check(laws, &quick.Config{MaxCount: 20000, Rand: nil}); err != nil {
		t.Error(err)
	}
}

// TestMergeNeverGoesBack holds that what a merge has reached no later record
// takes back.
func TestMergeNeverGoesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		m := randomRecord(r)
		for range 20 {
			next := Merge(m, randomRecord(r))
			switch {
			case next.UID < m.UID:
				t.Fatalf("got UID %d after %d", next.UID, m.UID)
			case next.UID == m.UID && !m.Live() && next.Live():
				t.Fatalf("got %v alive again after %v", next, m)
			case next.UID == m.UID && next.Wanted < m.Wanted:
				t.Fatalf("got wanted %v after %v", next.Wanted, m.Wanted)
			case next.UID == m.UID && next.Live() && next.Own.Version < m.Own.Version:
				t.Fatalf("got version %d after %d", next.Own.Version, m.Own.Version)
			}
			m = next
		}
	}
}

func TestMergeReturnsItsArgument(t *testing.T) {
	old := &Record{Node: Node{"a:1", 1}, Own: Own{Version: 1}}
	young := &Record{Node: Node{"a:1", 1}, Own: Own{Version: 2}}
	if got := Merge(old, young); got != young {
		t.Errorf("got %p, want the newer record %p itself", got, young)
	}
	if got := Merge(young, old); got != young {
		t.Errorf("got %p, want the newer record %p itself", got, young)
	}
}

func TestNextUIDGrows(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	first := NextUID(now, 0, 5)
	if got, want := first>>20, uint64(now.UnixMilli()); got != want {
		t.Errorf("got milliseconds %d, want %d", got, want)
	}
	if got := NextUID(now.Add(-time.Hour), first, 0); got <= first {
		t.Errorf("got %d after %d with the clock set back", got, first)
	}
	if got := NextUID(now, first, 0); got <= first {
		t.Errorf("got %d after %d in the same millisecond", got, first)
	}
}

func TestCompareAddress(t *testing.T) {
	// A port that is no number orders before all numbers.
	ordered := []string{"", "a", "a:x", "a:9", "a:10", "b:1", "nonsense"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := CompareAddress(a, b)
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("CompareAddress(%q, %q): got %d, want the sign of %d", a, b, got, i-j)
			}
		}
	}
}

// TestCompareAddressAgainstItsTwin compares the quick way with the plain one.
func TestCompareAddressAgainstItsTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	draw := func() string {
		var b []byte
		for range r.IntN(9) {
			b = append(b, "ab.:::-+0012789"[r.IntN(15)])
		}
		return string(b)
	}
	for range 200_000 {
		a, b := draw(), draw()
		if got, want := CompareAddress(a, b), compareOdd(a, b); got != want {
			t.Fatalf("CompareAddress(%q, %q): got %d, want %d", a, b, got, want)
		}
	}
}
