package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/remote/memnet"
)

// pipe returns a network and both ends of a connection from a:1 to b:1.
func pipe(t *testing.T) (n *memnet.Network, a, b net.Conn) {
	t.Helper()
	n = memnet.New()
	ln, err := n.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	a, err = n.Dial(t.Context(), "a:1", "b:1")
	if err != nil {
		t.Fatal(err)
	}
	b, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return n, a, b
}

func wantRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pipe(t)
		a.Write([]byte("last"))
		if err := a.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
		wantRead(t, b, "last")
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v, want EOF", err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		b.Write([]byte("back"))
		wantRead(t, a, "back")
		a.Close()
		b.Close()
	})
}

func TestBytesBothWaysAndEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pipe(t)
		a.Write([]byte("there"))
		b.Write([]byte("back"))
		wantRead(t, b, "there")
		wantRead(t, a, "back")
		a.Write([]byte("last"))
		a.Close()
		wantRead(t, b, "last")
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v, want EOF", err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("got %v, want EPIPE", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
		b.Close()
		if got := n.Conns(); got != 0 {
			t.Errorf("got %d connections, want none", got)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	n := memnet.New()
	if _, err := n.Dial(t.Context(), "a:1", "b:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want ECONNREFUSED", err)
	}
	ln, err := n.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen("b:1"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want EADDRINUSE", err)
	}
	ln.Close()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
	if _, err := n.Dial(t.Context(), "a:1", "b:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want ECONNREFUSED", err)
	}
	if ln, err = n.Listen("b:0"); err != nil || ln.Addr().String() == "b:0" {
		t.Errorf("got %v, %v, want a free port", ln, err)
	}
}

func TestAlias(t *testing.T) {
	n := memnet.New()
	if _, err := n.Listen("b:1"); err != nil {
		t.Fatal(err)
	}
	n.Alias("bee:1", "b:1")
	c, err := n.Dialer("a:1")(t.Context(), "bee:1")
	if err != nil || c.RemoteAddr().String() != "b:1" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestCutAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pipe(t)
		n.CutOneWay("a:1", "b:1")
		b.Write([]byte("passes"))
		wantRead(t, a, "passes")
		a.Write([]byte("waits"))
		b.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, "b:1", "a:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		b.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Hour)
			n.Heal("a:1", "b:1")
		}()
		begin := time.Now()
		wantRead(t, b, "waits")
		if d := time.Since(begin); d != time.Hour {
			t.Errorf("got the bytes after %v, want 1h", d)
		}
	})
}

func TestWriterWaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pipe(t)
		a.SetWriteDeadline(time.Now().Add(time.Second))
		data := make([]byte, 200<<10)
		sent, err := a.Write(data)
		if !errors.Is(err, os.ErrDeadlineExceeded) || sent != 64<<10 {
			t.Errorf("got %d, %v, want a full window and the deadline", sent, err)
		}
		a.SetWriteDeadline(time.Time{})
		go func() {
			a.Write(data[sent:])
			a.Close()
		}()
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(data))
		}
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pipe(t)
		n.Slow("a:1", "b:1", time.Second)
		begin := time.Now()
		a.Write([]byte("1"))
		time.Sleep(time.Second / 2)
		a.Write([]byte("2"))
		wantRead(t, b, "12")
		if d := time.Since(begin); d != 3*time.Second/2 {
			t.Errorf("got both after %v, want 1.5s", d)
		}
	})
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pipe(t)
		a.Write([]byte("lost"))
		go func() {
			time.Sleep(time.Second)
			n.Reset("b:1", "a:1")
		}()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want ECONNRESET", err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want ECONNRESET", err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want ECONNRESET", err)
		}
	})
}

func TestKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, _ := pipe(t)
		n.Kill("b:1")
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want ECONNRESET", err)
		}
		if _, err := n.Dial(t.Context(), "a:1", "b:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v, want ECONNREFUSED", err)
		}
	})
}
