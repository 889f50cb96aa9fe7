package remote

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// from opens a bare connection to a node from a host.
func (c *cluster) from(host string, to *node) net.Conn {
	c.t.Helper()
	conn, err := c.Dial(c.t.Context(), host, to.node.Address)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// isOpen tells whether the other side has closed a connection.
func isOpen(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return err == nil || isTimeout(err)
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// One machine that opens connections without end does not keep others out.
func TestFloodFromOneHost(t *testing.T) {
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) {
			c.MaxHandshakes, c.MaxHandshakesPerHost, c.MaxConns, c.MaxConnsPerHost = 20, 5, 40, 10
		})
		var conns []net.Conn
		defer func() { closeConns(conns) }()
		open := 0
		for i := range 30 {
			conns = append(conns, c.from(fmt.Sprint("flood:", i), b))
			synctest.Wait()
			if isOpen(conns[i]) {
				open++
			}
		}
		if open != 5 {
			t.Errorf("got %d connections of one host that wait to shake hands, want 5", open)
		}
		other := c.from("other:1", b)
		defer other.Close()
		synctest.Wait()
		if !isOpen(other) {
			t.Error("another host is kept out")
		}
		time.Sleep(6 * time.Second) // the handshakes run out
		if s := b.r.Stats(); s.Inbound != 0 || len(b.r.sources) != 0 {
			t.Errorf("got %d connections, %d sources left, want none", s.Inbound, len(b.r.sources))
		}

		open = 0
		for i := range 20 { // now with handshakes
			conn := c.from(fmt.Sprint("flood:", i), b)
			conns = append(conns, conn)
			conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
				h.Address = fmt.Sprint("flood:", i+1)
			}))...))
			synctest.Wait()
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if got, _ := io.ReadAll(conn); len(got) > len(wire.Magic) {
				open++
			}
		}
		if s := b.r.Stats(); open != 10 || s.Inbound != 10 {
			t.Errorf("got %d welcomed, %d connections, want 10 of one host", open, s.Inbound)
		}
	})
}

func closeConns(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

func TestSourceOf(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"10.0.0.1:7000", "10.0.0.1"},
		{"[::1]:7000", "::/64"},
		{"[2001:db8:1:2:3:4:5:6]:7000", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:7000", "fe80::/64"},
		{"[::ffff:10.0.0.1]:7000", "::ffff:10.0.0.1"},
		{"a:1", "a"},
		{"@", "@"},
		{"", ""},
	} {
		if got := sourceOf(&placed{address: tt.address}); got != tt.want {
			t.Errorf("sourceOf(%q) = %q, want %q", tt.address, got, tt.want)
		}
	}
}

// placed is a connection from an address.
type placed struct {
	net.Conn
	address string
}

func (p *placed) RemoteAddr() net.Addr { return p }
func (p *placed) Network() string      { return "test" }
func (p *placed) String() string       { return p.address }

// Peers that were switched off send no farewell: their connections end in time,
// and those that are used stay.
func TestHalfOpenPeersAreForgotten(t *testing.T) {
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) { c.SilenceTimeout = time.Minute })
		var conns []net.Conn
		defer func() { closeConns(conns) }()
		for i := range 20 {
			conn := c.from(fmt.Sprint("h", i, ":1"), b)
			conns = append(conns, conn)
			conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
				h.Address, h.Lane = fmt.Sprint("h", i, ":1"), remotepb.Lane_LANE_CONTROL
			}))...))
		}
		synctest.Wait()
		if s := b.r.Stats(); s.Inbound != 20 {
			t.Fatalf("got %d connections, want 20", s.Inbound)
		}
		for range 10 { // one drips until its frame is none, one is busy, the others are gone
			time.Sleep(30 * time.Second)
			conns[0].Write([]byte{0})
			conns[1].Write(frame(t, wire.KindControl, &remotepb.Control{Service: "s"}))
			synctest.Wait()
		}
		if s := b.r.Stats(); s.Inbound != 1 || !isOpenAfterAcks(conns[1]) {
			t.Errorf("got %+v, want only the one that speaks", s)
		}
		time.Sleep(2 * time.Minute)
		if s := b.r.Stats(); s.Inbound != 0 {
			t.Errorf("got %d connections, want none", s.Inbound)
		}
	})
}

// isOpenAfterAcks is isOpen past what was sent back.
func isOpenAfterAcks(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := io.Copy(io.Discard, conn)
	return isTimeout(err)
}

// A thousand connections that each announce a large frame and then drip cost what
// they have sent, not what they have announced; before their handshake they cost
// less still, and all are gone when its time is over.
func TestSlowLorisCostsLittle(t *testing.T) {
	bubble(t, func(c *cluster) {
		const n = 256
		b := c.start("b:1", 2, func(c *Config) { c.MaxHandshakesPerHost = n })
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var conns []net.Conn
		defer func() { closeConns(conns) }()
		for i := range n {
			conn := c.raw(b)
			conns = append(conns, conn)
			conn.Write([]byte(wire.Magic))
			if i%2 == 0 { // a hello of 4 KiB that never ends
				conn.Write([]byte{0, 0, 0x10, 0, byte(wire.KindHello), 1})
				continue
			}
			conn.Write(frame(t, wire.KindHello, hello(func(h *remotepb.Hello) { h.Address = fmt.Sprint("l", i, ":1") })))
			conn.Write([]byte{0, 4, 0, 0, byte(wire.KindBatch)}) // a batch of 256 KiB
			conn.Write(bytes.Repeat([]byte{1}, 1000))
		}
		synctest.Wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if each := int64(after.HeapAlloc-before.HeapAlloc) / n; each > 256<<10 {
			t.Errorf("got %d bytes for each connection, want at most 256 KiB", each)
		}
		if s := b.r.Stats(); s.Inbound != n {
			t.Errorf("got %d connections, want %d", s.Inbound, n)
		}
		time.Sleep(5001 * time.Millisecond)
		if s := b.r.Stats(); s.Inbound != n/2 {
			t.Errorf("got %d connections, want the %d that have shaken hands", s.Inbound, n/2)
		}
		time.Sleep(5 * time.Minute)
		if s := b.r.Stats(); s.Inbound != 0 {
			t.Errorf("got %d connections, want none", s.Inbound)
		}
	})
}

// A handshake that hangs in TLS ends in time too.
func TestSilentTLSHandshake(t *testing.T) {
	ca := newAuthority(t)
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) { c.TLS = ca.config("b") })
		for i := range 5 {
			conn := c.raw(b)
			defer conn.Close()
			conn.Write([]byte{0x16, 3, 1, 2, 0, 1}[:i+1])
		}
		synctest.Wait()
		if s := b.r.Stats(); s.Inbound != 5 {
			t.Errorf("got %d connections, want 5", s.Inbound)
		}
		time.Sleep(5001 * time.Millisecond)
		if s := b.r.Stats(); s.Inbound != 0 {
			t.Errorf("got %d connections, want none", s.Inbound)
		}
	})
}
