// Package zstd compresses what nodes send each other, with Zstandard.
//
//	remote.Config{Compressions: []remote.Compression{zstd.New()}}
//
// Both nodes must have it; between others nothing is compressed. It is a package
// of its own so that a program that does not want it does not link it: the
// library is half a megabyte of code.
//
// A [Codec] may be used from many goroutines at once. It holds no goroutine.
// What is not promised: that text gets shorter which is short or random already;
// remote leaves such frames as they are.
package zstd

import (
	"errors"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// maxFrame is above any frame of user messages, in bytes. Memory for a longer
// one is never taken, whatever a frame says.
const maxFrame = 1 << 20

// ErrTooLong: the content has more bytes than the caller allows.
var ErrTooLong = errors.New("zstd: content is longer than it may be")

// Codec is a [remote.Compression].
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// New returns a Codec at the library's fastest level.
func New() *Codec {
	// With these options, and without a stream, neither can fail.
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithWindowSize(128<<10), // a frame is not much longer
		zstd.WithEncoderCRC(false))   // TCP has its own
	if err != nil {
		panic("zstd: options: " + err.Error())
	}
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithDecoderMaxMemory(maxFrame),
		zstd.WithDecoderMaxWindow(maxFrame),
		zstd.WithDecodeAllCapLimit(true)) // never more than the room it is given
	if err != nil {
		panic("zstd: options: " + err.Error())
	}
	return &Codec{enc: enc, dec: dec}
}

// Name is "zstd".
func (c *Codec) Name() string { return "zstd" }

// Compress appends the compressed form of src to dst.
func (c *Codec) Compress(dst, src []byte) []byte { return c.enc.EncodeAll(src, dst) }

// Decompress appends what was compressed to dst. Content of more than limit
// bytes is ErrTooLong, and no more memory than that is taken for it.
func (c *Codec) Decompress(dst, src []byte, limit int) ([]byte, error) {
	limit = min(limit, maxFrame)
	if cap(dst)-len(dst) < limit {
		dst = append(make([]byte, 0, len(dst)+limit), dst...)
	}
	room := dst[: len(dst) : len(dst)+limit]
	out, err := c.dec.DecodeAll(src, room)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = ErrTooLong
	}
	return out, err
}
