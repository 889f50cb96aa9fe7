package slots

import (
	"math/rand/v2"
	"testing"
)

func everySecond() *Set {
	s := new(Set)
	for slot := uint16(0); slot < Count; slot += 2 {
		s.Add(slot)
	}
	return s
}

func TestSetEncoding(t *testing.T) {
	for _, c := range []struct {
		name string
		set  *Set
		text string
		max  int
	}{
		{"empty", SetOf(), "", 1},
		{"first", SetOf(0), "0", 3},
		{"last", SetOf(Count - 1), "16383", 4},
		{"all", All(), "0-16383", 4},
		{"runs", SetOf(1, 2, 3, 64, 65, 200), "1-3,64-65,200", 8},
		{"every second", everySecond(), "", MaxEncoded},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := c.set.MarshalBinary()
			if len(b) > c.max {
				t.Errorf("%d bytes, want at most %d", len(b), c.max)
			}
			var got Set
			if err := got.UnmarshalBinary(b); err != nil || !got.Equal(c.set) {
				t.Errorf("decoded %v, %v, want %v", &got, err, c.set)
			}
			if text := c.set.String(); c.text != "" && text != c.text {
				t.Errorf("String = %q, want %q", text, c.text)
			}
		})
	}
}

func TestSetAgainstMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s, m := new(Set), map[uint16]bool{}
	for range 20000 {
		slot := uint16(rnd.IntN(Count))
		if rnd.IntN(3) == 0 {
			s.Remove(slot)
			delete(m, slot)
		} else {
			s.Add(slot)
			m[slot] = true
		}
	}
	if s.Len() != len(m) {
		t.Fatalf("Len = %d, want %d", s.Len(), len(m))
	}
	for slot := range s.Slots() {
		if !m[slot] {
			t.Fatalf("has %d, want not", slot)
		}
	}
	rest := All()
	rest.Subtract(s)
	both := rest.Clone()
	both.Intersect(s)
	rest.Union(s)
	if !both.Empty() || !rest.Equal(All()) {
		t.Error("a set and its complement overlap or leave a gap")
	}
}

func FuzzSetUnmarshal(f *testing.F) {
	for _, s := range []*Set{SetOf(), SetOf(5), All(), everySecond()} {
		b, _ := s.MarshalBinary()
		f.Add(b)
	}
	f.Add([]byte{asRanges, 0xff, 0xff, 0xff})
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again Set
		if s.UnmarshalBinary(b) != nil {
			return
		}
		e, _ := s.MarshalBinary()
		if len(e) > MaxEncoded {
			t.Fatalf("%d bytes, want at most %d", len(e), MaxEncoded)
		}
		if err := again.UnmarshalBinary(e); err != nil || !again.Equal(&s) {
			t.Fatalf("round trip gives %v, %v, want %v", &again, err, &s)
		}
	})
}
