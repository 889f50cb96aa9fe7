package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"
)

// Magic is what each side sends first. Its line end shows a connection that
// changes bytes.
const Magic = "PANDO\x00\r\n"

// The limits of protocol version 1.
const (
	HeadLen       = 5         // bytes of length and kind before each body
	MaxHandshake  = 4 << 10   // bytes of a handshake frame's body
	MaxText       = 1 << 10   // bytes of an id, an address, a type or a service name
	MaxEnvelopes  = 1 << 16   // envelopes of one batch
	MaxNames      = 1 << 12   // names of one connection
	MaxNamesBytes = 256 << 10 // bytes of all these names
	envelopeSlack = 64 << 10  // room in a frame for all but the message
)

// Kind tells which message a frame holds.
type Kind byte

// The kinds of frames.
const (
	KindHello Kind = 1 + iota
	KindWelcome
	KindRefusal
	KindDefine
	KindBatch
	KindControl
	KindSystem
	KindAck
	KindSpawn
	KindSpawned
)

// String returns the kind as logs print it.
func (k Kind) String() string {
	switch k {
	case KindChallenge:
		return "challenge"
	case KindProof:
		return "proof"
	}
	names := [...]string{"", "hello", "welcome", "refusal", "define", "batch", "control", "system", "ack", "spawn", "spawned"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind(%d)", byte(k))
	}
	return names[k]
}

// MalformedError tells which rule the bytes of a peer broke.
type MalformedError struct{ Reason string }

// Error returns the reason.
func (e *MalformedError) Error() string { return "malformed: " + e.Reason }

// Malformed returns a [*MalformedError].
func Malformed(format string, args ...any) error {
	return &MalformedError{Reason: fmt.Sprintf(format, args...)}
}

// MaxFrame returns the limit of a frame's body where one message may have
// maxMessage bytes.
func MaxFrame(maxMessage int) int {
	return max(maxMessage, MaxNamesBytes) + envelopeSlack
}

// AppendFrame appends a frame of kind k with the message m.
func AppendFrame(b []byte, k Kind, m proto.Message) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(k))
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		return b[:start], err
	}
	endFrame(b[start:])
	return b, nil
}

// endFrame writes the length into the head of the one frame that b holds.
func endFrame(b []byte) { binary.BigEndian.PutUint32(b, uint32(len(b)-4)) }

// Unmarshal reads the body of a frame into m.
func Unmarshal(k Kind, body []byte, m proto.Message) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return Malformed("%v: %v", k, err)
	}
	return nil
}

// Reader reads frames.
type Reader struct {
	r    *bufio.Reader
	max  int
	skip int    // bytes of the last body, still in r
	buf  []byte // for bodies that do not fit into r
}

// NewReader returns a Reader that takes bodies of a handshake's length.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 32<<10), max: MaxHandshake}
}

// Limit sets the longest body, in bytes.
func (r *Reader) Limit(n int) { r.max = n }

// Buffered returns how many bytes have been read from the connection but not
// handed out.
func (r *Reader) Buffered() int { return r.r.Buffered() - r.skip }

// Magic reads and checks the other side's magic.
func (r *Reader) Magic() error {
	var got [len(Magic)]byte
	if _, err := io.ReadFull(r.r, got[:]); err != nil {
		return err
	}
	if got[0] == 0x16 && got[1] == 3 { // the head of a TLS record
		return Malformed("the caller speaks TLS and this node plain text; give both TLS or neither")
	}
	if string(got[:]) != Magic {
		return Malformed("not a Pando connection: it begins with %q", got[:])
	}
	return nil
}

// Next returns the next frame. The body is valid until the next call.
func (r *Reader) Next() (Kind, []byte, error) {
	r.discard()
	head, err := r.r.Peek(HeadLen)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	n, kind := binary.BigEndian.Uint32(head), Kind(head[4])
	if n == 0 || uint64(n) > uint64(r.max)+1 {
		return 0, nil, Malformed("frame of %d bytes, limit %d", n, r.max+1)
	}
	r.skip = HeadLen
	r.discard()
	body, err := r.body(int(n) - 1)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return kind, body, err
}

func (r *Reader) discard() {
	r.r.Discard(r.skip) // cannot fail: the bytes have been peeked at
	r.skip = 0
}

// body returns the next n bytes. A long body is gathered as it arrives, so a
// length alone costs its receiver nothing.
func (r *Reader) body(n int) ([]byte, error) {
	if n <= r.r.Size() {
		b, err := r.r.Peek(n)
		if err == nil {
			r.skip = n
		}
		return b, err
	}
	if cap(r.buf) > 4*n {
		r.buf = nil
	}
	b := r.buf[:0]
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(b, make([]byte, min(n-len(b), max(len(b), 64<<10)))...)[:len(b)]
		}
		k, err := r.r.Read(b[len(b):min(cap(b), n)])
		b = b[:len(b)+k]
		if err != nil {
			return nil, err
		}
	}
	r.buf = b
	return b, nil
}
