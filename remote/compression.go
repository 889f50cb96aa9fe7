package remote

import (
	"errors"
	"net"
	"slices"

	"github.com/pando-go/pando/remote/internal/wire"
)

// Compression makes frames of user messages shorter. It is used from many
// goroutines at once. Package remote/zstd has one.
type Compression interface {
	// Name is what both sides know it by, 1 to 32 bytes.
	Name() string
	// Compress appends the compressed form of src to dst.
	Compress(dst, src []byte) []byte
	// Decompress appends what was compressed to dst. It must fail, and allocate
	// no more, when that is longer than limit bytes. It must not panic whatever
	// src is.
	Decompress(dst, src []byte, limit int) ([]byte, error)
}

// maxCompressions is how many a node may offer.
const maxCompressions = 16

func compressionNames(list []Compression) []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Name()
	}
	return names
}

// checkCompressions finds faults of a configuration.
func checkCompressions(list []Compression) error {
	seen := map[string]bool{}
	for _, c := range list {
		if n := c.Name(); n == "" || len(n) > 32 || seen[n] {
			return errors.New("compression name " + n + " is empty, too long or there twice")
		}
		seen[c.Name()] = true
	}
	if len(list) > maxCompressions {
		return errors.New("more than 16 compressions")
	}
	return nil
}

// chooseCompression returns the first of those offered that this node has.
func (c Config) chooseCompression(offered []string) string {
	for _, name := range offered {
		if c.compression(name) != nil {
			return name
		}
	}
	return ""
}

func (c Config) compression(name string) Compression {
	i := slices.IndexFunc(c.Compressions, func(x Compression) bool { return x.Name() == name })
	if i < 0 {
		return nil
	}
	return c.Compressions[i]
}

// packer compresses the frames of one connection. The lane's goroutine owns
// it. A nil packer leaves frames as they are.
type packer struct {
	c       Compression
	min     int // shorter frames are left as they are
	scratch []byte
	plain   int // frames to leave as they are, since those before did not shrink
}

// pauseAfter is how many frames are left as they are after one that did not
// shrink: what a user sends is much alike, and often compressed already.
const pauseAfter = 16

func newPacker(cfg Config, name string) *packer {
	c := cfg.compression(name)
	if c == nil {
		return nil
	}
	return &packer{c: c, min: cfg.CompressBytes}
}

// wants reports whether a frame would be compressed.
func (p *packer) wants(b *batch) bool { return p != nil && b.len() >= p.min }

// frame appends the frame of b, compressed if that makes it a tenth shorter.
func (p *packer) frame(bufs net.Buffers, b *batch, stats *laneCounters) net.Buffers {
	if p.wants(b) {
		if p.plain--; p.plain < 0 {
			if packed := p.pack(b); len(packed) < b.len()-b.len()/10 {
				stats.packedFrom.Add(uint64(b.len()))
				stats.packedTo.Add(uint64(len(packed)))
				p.plain = 0
				return append(bufs, packed)
			}
			p.plain = pauseAfter
		}
	}
	bufs = append(bufs, b.buf)
	if len(b.data) > 0 {
		bufs = append(bufs, b.data)
	}
	return bufs
}

func (p *packer) pack(b *batch) []byte {
	body := b.buf[wire.HeadLen:]
	if len(b.data) > 0 {
		p.scratch = append(append(p.scratch[:0], body...), b.data...)
		body = p.scratch
	}
	out := wire.BeginPacked(nil, wire.Kind(b.buf[wire.HeadLen-1]), len(body))
	head := len(out)
	out = p.c.Compress(slices.Grow(out, len(body)/2), body)
	wire.EndPacked(out, head)
	return out
}
