package remote

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// What a node is called and where it listens are two things: it may sit behind a
// port that is forwarded, on IPv6, on a unix socket, or on a port that the system
// picked.
func TestAddresses(t *testing.T) {
	dir := t.TempDir()
	unix := func(_ context.Context, address string) (net.Conn, error) {
		return net.Dial("unix", filepath.Join(dir, address))
	}
	forwarded := make(map[string]string)
	for _, tt := range []struct {
		name            string
		network, listen string
		advertise       func(i int, ln net.Listener) string
		dial            func(ctx context.Context, address string) (net.Conn, error)
	}{
		{"picked port", "tcp4", "127.0.0.1:0", func(_ int, ln net.Listener) string { return ln.Addr().String() }, nil},
		{"IPv6", "tcp6", "[::1]:0", func(_ int, ln net.Listener) string { return ln.Addr().String() }, nil},
		{"all interfaces, advertised", "tcp4", "127.0.0.1:0", func(i int, ln net.Listener) string {
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			return net.JoinHostPort("localhost", port)
		}, nil},
		{"forwarded port", "tcp4", "127.0.0.1:0", func(i int, ln net.Listener) string {
			address := []string{"a.example:7000", "b.example:7000"}[i]
			forwarded[address] = ln.Addr().String()
			return address
		}, func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", forwarded[address])
		}},
		{"unix socket", "unix", "", func(i int, _ net.Listener) string { return []string{"a:1", "b:1"}[i] }, unix},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var systems [2]*fakeSystem
			for i := range systems {
				listen := tt.listen
				if tt.network == "unix" {
					listen = filepath.Join(dir, []string{"a:1", "b:1"}[i])
				}
				ln, err := net.Listen(tt.network, listen)
				if err != nil && tt.network == "tcp6" {
					t.Skip("no IPv6 here: ", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				systems[i] = newFake("test", tt.advertise(i, ln), uint64(i+1))
				r, err := listenAt(systems[i], ln, tt.dial)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					defer cancel()
					if err := r.Close(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			a, b := systems[0], systems[1]
			echo(b)
			back := make(chan mail, 1)
			a.onMail = func(m mail) { back <- m }
			a.proto.Root.Send(&pa.PID{Address: b.Address(), Id: "box/b"},
				&pa.MessageEnvelope{Message: "x", Sender: &pa.PID{Address: a.Address(), Id: "box/a"}})
			if m := <-back; m.msg != "x" {
				t.Errorf("got %v back, want x", m.msg)
			}
		})
	}
}

func listenAt(sys *fakeSystem, ln net.Listener, dial func(context.Context, string) (net.Conn, error)) (*Remote, error) {
	return listen(sys, ln, Config{Dial: dial, Expose: []string{"*"}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

// An address that nobody can dial is refused at the start.
func TestAddressesThatNobodyReaches(t *testing.T) {
	for _, address := range []string{"", "here", "here:0", "here:x", "here:70000", ":7000", "::1:7000"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listen(newFake("test", address, 1), ln, Config{}); err == nil {
			t.Errorf("got no error for %q", address)
		}
		ln.Close()
	}
	time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
}
