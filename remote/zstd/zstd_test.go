package zstd_test

import (
	"bytes"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/remote/zstd"
)

var _ remote.Compression = (*zstd.Codec)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRoundTrip(t *testing.T) {
	c := zstd.New()
	for name, in := range map[string][]byte{
		"empty": {},
		"short": []byte("hello"),
		"long":  bytes.Repeat([]byte("all stems are equal "), 15_000),
	} {
		t.Run(name, func(t *testing.T) {
			packed := c.Compress([]byte("head"), in)
			if len(in) > 1000 && len(packed) > len(in)/10 {
				t.Errorf("got %d bytes of %d", len(packed), len(in))
			}
			out, err := c.Decompress([]byte("before"), packed[4:], len(in))
			if err != nil || !bytes.Equal(out, append([]byte("before"), in...)) {
				t.Errorf("got %d bytes, %v, want %d", len(out), err, len(in)+6)
			}
		})
	}
}

// TestBomb: a few bytes do not become many.
func TestBomb(t *testing.T) {
	c := zstd.New()
	bomb := c.Compress(nil, make([]byte, 64<<20))
	for _, limit := range []int{100, 300 << 10, 1 << 30} {
		out, err := c.Decompress(nil, bomb, limit)
		if !errors.Is(err, zstd.ErrTooLong) || cap(out) > 2<<20 {
			t.Errorf("limit %d: got %d bytes, %v, want ErrTooLong", limit, cap(out), err)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	c := zstd.New()
	f.Add(c.Compress(nil, []byte("hello")), 5)
	f.Add(c.Compress(nil, make([]byte, 1<<16)), 10)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xff}, 1000)
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		limit = min(max(limit, 0), 1<<20)
		if out, err := c.Decompress(nil, in, limit); err == nil && len(out) > limit {
			t.Errorf("got %d bytes, limit %d", len(out), limit)
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	c := zstd.New()
	in := bytes.Repeat([]byte("user=ada text=hello there; "), 64<<10/27)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out = c.Compress(out[:0], in)
	}
}
