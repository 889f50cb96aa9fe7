package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/pando-go/pando/remote/internal/wire"
)

// errLater is the error of a read that found nothing for now.
var errLater = errors.New("later")

// drips is a connection on which n bytes come at a time, and nothing between.
type drips struct {
	rest []byte
	n    int
	now  bool
}

func (d *drips) Read(b []byte) (int, error) {
	if d.now = !d.now; !d.now {
		return 0, errLater
	}
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, d.rest[:min(d.n, len(d.rest))])
	d.rest = d.rest[n:]
	return n, nil
}

// TestReaderGoesOn: an error that passes costs nothing of what has come, be it in
// the head, a short body or one that does not fit into the buffer.
func TestReaderGoesOn(t *testing.T) {
	var stream []byte
	var want [][]byte
	for _, n := range []int{0, 1, 7, 5000, 128<<10 - 5, 128 << 10, 300 << 10, 3} {
		payload := bytes.Repeat([]byte{byte(n)}, n)
		b := wire.BeginBatch(nil)
		b = wire.AppendEnvelope(b, &wire.Outgoing{To: wire.Text{S: "a"}, Type: wire.Text{S: "b"}, Payload: payload})
		wire.EndBatch(b, uint64(n)+1)
		stream = append(stream, b...)
		want = append(want, b[wire.HeadLen:])
	}
	for _, n := range []int{1, 3, 1000, 1 << 20} {
		r := wire.NewReader(&drips{rest: stream, n: n})
		r.Limit(1 << 20)
		for i, body := range want {
			kind, got, err := r.Next()
			for err == errLater {
				kind, got, err = r.Next()
			}
			if err != nil || kind != wire.KindBatch || !bytes.Equal(got, body) {
				t.Fatalf("%d bytes at a time, frame %d: got %v of %d bytes, %v, want a batch of %d", n, i, kind, len(got), err, len(body))
			}
		}
		_, _, err := r.Next()
		for err == errLater {
			_, _, err = r.Next()
		}
		if err != io.EOF {
			t.Errorf("%d bytes at a time: got %v at the end, want EOF", n, err)
		}
	}
}
