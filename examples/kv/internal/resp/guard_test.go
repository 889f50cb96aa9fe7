package resp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pando-go/pando/examples/kv/internal/resp"
)

// fakeConn reads from r and keeps what is written.
type fakeConn struct {
	net.Conn
	r       io.Reader
	written strings.Builder
}

func (c *fakeConn) Read(b []byte) (int, error)  { return c.r.Read(b) }
func (c *fakeConn) Write(b []byte) (int, error) { return c.written.Write(b) }

func TestGuard(t *testing.T) {
	get := "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
	for _, c := range []struct {
		name, input string
		want        error
	}{
		{"commands", get + get + "PING\r\n" + get, nil},
		{"a word that looks like a header", "*2\r\n$4\r\nECHO\r\n$12\r\n*99999999999\r\n" + get, nil},
		{"empty words", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*0\r\n" + get, nil},
		{"a large word", fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n%s", 1<<20, strings.Repeat("*", 1<<20), get), nil},
		{"too many words", "*65537\r\n", resp.ErrWords},
		{"very many words", "*99999999999999999999999999\r\n", resp.ErrWords},
		{"negative words", "*-1\r\n", resp.ErrWords},
		{"a huge word", "*1\r\n$67108865\r\n", resp.ErrBulk},
		{"a negative length", "*1\r\n$-1\r\n", resp.ErrBulk},
		{"a huge command", "*2\r\n$67108864\r\n" + strings.Repeat("x", 64<<20) + "\r\n$67108864\r\n", resp.ErrCommand},
		{"a line without an end", strings.Repeat("x", 70_000), resp.ErrInline},
		{"no word where one should be", "*2\r\nxyz", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := &fakeConn{r: strings.NewReader(c.input)}
			if len(c.input) < 1<<10 {
				conn.r = iotest.OneByteReader(conn.r)
			}
			_, err := io.Copy(io.Discard, resp.NewGuard(conn))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if told := conn.written.String(); c.want != nil && told != "-ERR Protocol error: "+c.want.Error()+"\r\n" {
				t.Errorf("the client was told %q", told)
			}
		})
	}
}

// FuzzGuard sees that what is cut into pieces is judged as what is not.
func FuzzGuard(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n"))
	f.Add([]byte("*70000\r\n"))
	f.Add([]byte("*1\r\n$99999999999\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, whole := io.Copy(io.Discard, resp.NewGuard(&fakeConn{r: strings.NewReader(string(data))}))
		_, pieces := io.Copy(io.Discard, resp.NewGuard(&fakeConn{r: iotest.OneByteReader(strings.NewReader(string(data)))}))
		if !errors.Is(pieces, whole) {
			t.Fatalf("whole: %v, in pieces: %v", whole, pieces)
		}
	})
}
