package wire

import (
	"encoding/binary"
	"io"
)

// The buffer of a Reader begins small, for the many connections that carry a
// message now and then, and grows to bufferMax when it runs full.
const (
	bufferMin = 4 << 10
	bufferMax = 128 << 10
)

// Reader reads frames.
type Reader struct {
	r    io.Reader
	max  int
	buf  []byte // buf[from:to] has been read and not handed out
	from int
	to   int
	full bool // the last read filled the buffer: there is more

	long []byte // a body that does not fit into buf, as far as it has come
	rest int    // how many of its bytes are missing
	kind Kind   // of its frame
}

// NewReader returns a Reader that takes bodies of a handshake's length.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, buf: make([]byte, bufferMin), max: MaxHandshake}
}

// Limit sets the longest body, in bytes.
func (r *Reader) Limit(n int) { r.max = n }

// Buffered returns how many bytes have been read from the connection but not
// handed out.
func (r *Reader) Buffered() int { return r.to - r.from }

// Magic reads and checks the other side's magic.
func (r *Reader) Magic() error {
	got, err := r.peek(len(Magic))
	if err != nil {
		return err
	}
	if got[0] == 0x16 && got[1] == 3 { // the head of a TLS record
		return Malformed("the caller speaks TLS and this node plain text; give both TLS or neither")
	}
	if string(got) != Magic {
		return Malformed("not a Pando connection: it begins with %q", got)
	}
	r.from += len(got)
	return nil
}

// Next returns the next frame. The body is valid until the next call. After an
// error of the connection's that passes, such as a time-out, it goes on where it
// was.
func (r *Reader) Next() (Kind, []byte, error) {
	if r.rest > 0 {
		return r.gather()
	}
	head, err := r.peek(HeadLen)
	if err != nil {
		return 0, nil, err
	}
	n, kind := binary.BigEndian.Uint32(head), Kind(head[4])
	if n == 0 || uint64(n) > uint64(r.max)+1 {
		return 0, nil, Malformed("frame of %d bytes, limit %d", n, r.max+1)
	}
	size := HeadLen + int(n) - 1
	if size > bufferMax {
		r.begin(kind, size-HeadLen)
		return r.gather()
	}
	frame, err := r.peek(size)
	if err != nil {
		return 0, nil, err
	}
	r.from += size
	return kind, frame[HeadLen:size:size], nil
}

// peek returns the next n bytes, which fit into the largest buffer, and leaves them
// there.
func (r *Reader) peek(n int) ([]byte, error) {
	for r.Buffered() < n {
		if err := r.fill(n); err != nil {
			if err == io.EOF && r.Buffered() > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return r.buf[r.from : r.from+n], nil
}

// fill reads once, so that at last n bytes fit in one piece.
func (r *Reader) fill(n int) error {
	if r.from == r.to {
		r.from, r.to = 0, 0
	}
	if size := len(r.buf); size < bufferMax && (r.full || n > size) {
		r.grow(min(max(4*size, n), bufferMax))
	}
	if r.from+n > len(r.buf) || r.to == len(r.buf) {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	k, err := r.r.Read(r.buf[r.to:])
	r.to += k
	r.full = r.to == len(r.buf)
	if k > 0 {
		return nil // an error comes again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (r *Reader) grow(size int) {
	b := make([]byte, size)
	r.to = copy(b, r.buf[r.from:r.to])
	r.from, r.buf = 0, b
}

// begin takes what has come of a frame with a long body.
func (r *Reader) begin(kind Kind, n int) {
	if cap(r.long) > 4*n {
		r.long = nil
	}
	r.long = append(r.long[:0], r.buf[r.from+HeadLen:r.to]...)
	r.from, r.to = 0, 0
	r.kind, r.rest = kind, n-len(r.long)
}

// gather returns a long body. It grows as it arrives, so a length alone costs
// its receiver nothing.
func (r *Reader) gather() (Kind, []byte, error) {
	for r.rest > 0 {
		b := r.long
		if len(b) == cap(b) {
			b = append(b, make([]byte, min(r.rest, max(len(b), bufferMax)))...)[:len(b)]
		}
		k, err := r.r.Read(b[len(b):min(cap(b), len(b)+r.rest)])
		r.long, r.rest = b[:len(b)+k], r.rest-k
		if k > 0 {
			continue // an error comes again
		}
		switch err {
		case nil:
			err = io.ErrNoProgress
		case io.EOF:
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return r.kind, r.long, nil
}
