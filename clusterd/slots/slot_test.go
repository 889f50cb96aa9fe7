package slots

import "testing"

// The vectors were measured against a live Redis Cluster node.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		name, key string
		want      uint16
	}{
		{"check value of the CRC", "123456789", 12739},
		{"foo", "foo", 12182},
		{"bar", "bar", 5061},
		{"hello", "hello", 866},
		{"a", "a", 15495},
		{"b", "b", 3300},
		{"empty", "", 0},
		{"tag at the start", "{user1000}.following", 3443},
		{"the same tag", "{user1000}.followers", 3443},
		{"the tag by itself", "user1000", 3443},
		{"first of two tags", "foo{bar}{zap}", 5061},
		{"empty tag hashes the whole key", "foo{}{bar}", 8363},
		{"brace in the tag", "foo{{bar}}zap", 4015},
		{"brace in the tag, by itself", "{bar", 4015},
		{"no closing brace", "foo{bar", 15278},
		{"nothing but an empty tag", "{}", 15257},
		{"not ASCII", "Übergröße", 7215},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Of(c.key); got != c.want {
				t.Errorf("Of(%q) = %d, want %d", c.key, got, c.want)
			}
		})
	}
}

func TestCRC16(t *testing.T) {
	for key, want := range map[string]uint16{"123456789": 0x31C3, "foo": 0xAF96, "hello": 0xC362, "": 0} {
		if got := CRC16(key); got != want {
			t.Errorf("CRC16(%q) = %#x, want %#x", key, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, key := range []string{"", "{}", "{a}b", "}{", "a{b}c{d}", "{{}}"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		slot := Of(key)
		if slot >= Count {
			t.Fatalf("Of(%q) = %d, want < %d", key, slot, Count)
		}
		if tag := Tag(key); CRC16(tag)%Count != slot || len(tag) == 0 && key != "" {
			t.Fatalf("Tag(%q) = %q does not have slot %d", key, tag, slot)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Of("{user1000}.following")
	}
}
