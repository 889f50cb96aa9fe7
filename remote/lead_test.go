package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/wire"
)

// startLoopback starts a real node on a port of its own.
func startLoopback(t *testing.T, uid uint64, change ...func(*Config)) *realNode {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := actor.NewSystem(actor.Config{Name: "test", Address: ln.Addr().String(), UID: uid, Logger: log, Small: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Logger: log, Expose: []string{"*"}}
	for _, f := range change {
		f(&cfg)
	}
	r, err := Listen(sys, ln, cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &realNode{sys, r}
	t.Cleanup(func() { n.stop(t) })
	return n
}

// asked has two nodes over loopback and an actor of b's that echoes, but for
// "never", which it does not answer.
func asked(t *testing.T, change ...func(*Config)) (a, b *realNode, echo actor.Ref[string]) {
	t.Helper()
	a, b = startLoopback(t, 1, change...), startLoopback(t, 2, change...)
	_, err := actor.Spawn(b.System, "echo", actor.Func(func(c *actor.Context[string], m string) error {
		if m != "never" {
			c.Reply(m)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	echo, err = actor.ParseRef[string](a.System, "pando://test@"+b.Address()+"/echo")
	if err != nil {
		t.Fatal(err)
	}
	return a, b, echo
}

func mustAnswer(t *testing.T, echo actor.Ref[string], text string) {
	t.Helper()
	got, err := actor.Ask[string](t.Context(), echo.With(text).Within(30*time.Second))
	if err != nil || got != text {
		t.Fatalf("got %q, %v, want %q", got, err, text)
	}
}

// leads asks until askers read, and returns the connection.
func leads(t *testing.T, a, b *realNode, echo actor.Ref[string]) *inbound {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("askers read on Linux only")
	}
	for i := range 1000 {
		mustAnswer(t, echo, fmt.Sprint("first ", i))
		if c := a.r.peer(b.Address()).answers.Load(); c != nil {
			return c
		}
	}
	t.Fatal("no asker reads after 1,000 asks, one after the other")
	return nil
}

// TestAskersRead in turns with messages for actors, which the reader or an asker
// hands on, and with others that ask at the same time.
func TestAskersRead(t *testing.T) {
	for name, change := range map[string][]func(*Config){
		"plain": nil,
		"TLS":   {selfSigned(t)},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, echo := asked(t, change...)
			leads(t, a, b, echo)
			const n = 300
			got := make(chan int, n)
			if _, err := actor.Spawn(a.System, "sink", actor.Func(func(_ *actor.Context[string], m string) error {
				got <- len(m)
				return nil
			})); err != nil {
				t.Fatal(err)
			}
			sink, err := actor.ParseRef[string](b.System, "pando://test@"+a.Address()+"/sink")
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for k := range 3 {
				wg.Go(func() {
					for i := range n {
						mustAnswer(t, echo, fmt.Sprint(k, " ", i))
					}
				})
			}
			wg.Go(func() {
				for i := range n {
					sink.Tell(string(make([]byte, i*50)))
				}
			})
			for i := range n {
				if size := <-got; size != i*50 {
					t.Fatalf("message %d has %d bytes, want %d", i, size, i*50)
				}
			}
			wg.Wait()
		})
	}
}

// TestReaderKeepsItsRoleInCrowd: after a batch of several messages no asker reads,
// until there were lone ones enough.
func TestReaderKeepsItsRoleInCrowd(t *testing.T) {
	for name, change := range map[string][]func(*Config){
		"plain": nil,
		"TLS":   {selfSigned(t)},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, echo := asked(t, change...)
			for range 2 {
				c := leads(t, a, b, echo)
				// The lane may have been quicker than the second message, and the
				// lone answer the last that ends the crowd.
				for crowded := false; !crowded; {
					crowded = crowds(t, a, b)
					mustAnswer(t, echo, "in the crowd")
					free := c.role.TryLock()
					if free {
						c.role.Unlock()
					}
					crowded = crowded && c.p.many.Load()
					if crowded && free {
						t.Error("an asker may read in a crowd")
					}
				}
				for i := 0; c.p.many.Load(); i++ {
					if i == 100*calmAfter {
						t.Fatalf("got a crowd after %d lone answers, want none after %d in a row", i, calmAfter)
					}
					mustAnswer(t, echo, "alone")
				}
				c.role.Lock() // the reader rests
				if c.leading.crowd {
					t.Error("got a reader that keeps its role, want none after the crowd")
				}
				c.role.Unlock()
			}
		})
	}
}

// crowds has b answer a in a batch and reports whether it was one.
func crowds(t *testing.T, a, b *realNode) bool {
	t.Helper()
	const n = 64
	var wg sync.WaitGroup
	echo, err := actor.ParseRef[string](a.System, "pando://test@"+b.Address()+"/echo")
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		wg.Go(func() { mustAnswer(t, echo, "together") })
	}
	wg.Wait()
	return a.r.peer(b.Address()).many.Load()
}

// TestAskerDoesNotReadOnForOthers: with its answer in hand it handles what it has
// read, which nobody else would see, and reads no more, however much comes.
func TestAskerDoesNotReadOnForOthers(t *testing.T) {
	a, b, echo := asked(t)
	c := leads(t, a, b, echo)
	c.role.Lock() // once the reader rests
	defer c.role.Unlock()
	names := new(wire.Names)
	names.Text("name")
	define := names.AppendDefine(nil, 0, 1)
	answer, reads, try := make(chan any, 1), 0, c.leading.socket.try
	c.leading.socket.try = func(uintptr) { // a stream that does not end
		s := c.leading.socket
		if s.n, s.err = copy(s.b, bytes.Repeat(define, 3)), nil; reads == 0 {
			answer <- "mine"
		}
		if reads++; reads > 100 {
			s.n, s.err = 0, io.ErrUnexpectedEOF
		}
	}
	before := c.table.Resets()
	if err := c.readAnswer(answer); err != nil || reads != 1 {
		t.Errorf("got %v after %d reads, want one read", err, reads)
	}
	if got := c.table.Resets() - before; got != 3 {
		t.Errorf("got %d frames handled, want the 3 that were read", got)
	}
	c.leading.socket.try = try
	if err := c.leading.arm(); err != nil {
		t.Error(err)
	}
}

// TestAskerThatReadsGivesUp: its time-out and its context hold while it reads, and
// others are answered afterwards.
func TestAskerThatReadsGivesUp(t *testing.T) {
	a, b, echo := asked(t)
	leads(t, a, b, echo)
	for range 5 {
		if _, err := actor.Ask[string](t.Context(), echo.With("never").Within(time.Millisecond)); !errors.Is(err, actor.ErrTimeout) {
			t.Errorf("got %v, want ErrTimeout", err)
		}
		mustAnswer(t, echo, "between")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := actor.Ask[string](ctx, echo.With("never")); err == nil {
			t.Error("got an answer, want none")
		}
		cancel()
		mustAnswer(t, echo, "after")
	}
}

// TestConnectionThatAskersReadEnds: by whichever side, the next asks are answered by
// another connection, and what waits for the old one does not wait for ever.
func TestConnectionThatAskersReadEnds(t *testing.T) {
	a, b, echo := asked(t)
	for range 3 {
		c := leads(t, a, b, echo)
		c.Close()
		<-c.done
		mustAnswer(t, echo, "after the end")
	}
	c := leads(t, a, b, echo)
	for _, q := range b.r.peer(a.Address()).users {
		q.l.drop(0)
	}
	<-c.done
	mustAnswer(t, echo, "after the other side's end")
}

// TestTryWriteUnderTLS: what a socket does not take at once is put aside, in order.
func TestTryWriteUnderTLS(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	plain, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	var cfg Config
	selfSigned(t)(&cfg)
	server := tls.Server(far, cfg.TLS)
	conf := cfg.TLS.Clone()
	conf.ServerName = "127.0.0.1"
	client := tls.Client(newSpill(plain), conf)
	s := spillOf(client)
	if s == nil {
		t.Skip("no way to write without waiting here")
	}
	s.wait(true)
	go server.Handshake()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	s.wait(false)
	want, block := 0, make([]byte, 64<<10)
	for !s.left() { // until the socket is full
		for i := range block {
			block[i] = byte(want + i)
		}
		if _, err := client.Write(block); err != nil {
			t.Fatal(err)
		}
		want += len(block)
	}
	got := make(chan error, 1)
	go func() {
		b := make([]byte, want)
		_, err := io.ReadFull(server, b)
		for i := range b {
			if b[i] != byte(i) {
				err = fmt.Errorf("byte %d is %d", i, b[i])
				break
			}
		}
		got <- err
	}()
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}
