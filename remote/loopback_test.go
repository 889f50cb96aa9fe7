package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// loopback starts a node on a TCP port.
func loopback(t testing.TB, uid uint64, change ...func(*Config)) (*fakeSystem, *Remote) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sys := newFake("test", ln.Addr().String(), uid)
	cfg := Config{Expose: []string{"*"}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&cfg)
	}
	r, err := listen(sys, ln, cfg)
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
	return sys, r
}

// echo makes sys answer each message with itself.
func echo(sys *fakeSystem) {
	sys.onMail = func(m mail) { sys.proto.Root.Send(m.from, m.msg) }
}

func TestLoopback(t *testing.T) {
	plain := func(*Config) {}
	for name, change := range map[string]func(*Config){"plain": plain, "TLS": selfSigned(t)} {
		t.Run(name, func(t *testing.T) {
			a, _ := loopback(t, 1, change)
			b, _ := loopback(t, 2, change)
			echo(b)
			back := make(chan string, 1000)
			a.onMail = func(m mail) { back <- m.msg.(*wrapperspb.StringValue).Value }
			to := &pa.PID{Address: b.Address(), Id: "box/b"}
			from := &pa.PID{Address: a.Address(), Id: "box/a"}
			for i := range 1000 {
				a.proto.Root.Send(to, &pa.MessageEnvelope{Message: wrapperspb.String(fmt.Sprint(i)), Sender: from})
			}
			for i := range 1000 {
				select {
				case got := <-back:
					if got != fmt.Sprint(i) {
						t.Fatalf("got %s at %d", got, i)
					}
				case <-t.Context().Done():
					t.Fatal("no answer")
				}
			}
		})
	}
}

func TestLoopbackNobodyAndSelf(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := ln.Addr().String()
	ln.Close()
	a, r := loopback(t, 1)
	failed, got := make(chan error, 1), make(chan Node, 1)
	r.Handle("svc", Service{
		Receive: func(from Node, _ []byte) { got <- from },
		Failed:  func(_ Node, _ []byte, err error) { failed <- err },
	})
	r.Post(Node{Address: free}, "svc", nil)
	if err := <-failed; !errors.Is(err, ErrNobody) {
		t.Errorf("got %v, want ErrNobody", err)
	}
	_, port, _ := net.SplitHostPort(a.Address())
	r.Post(Node{Address: net.JoinHostPort("localhost", port)}, "svc", nil)
	if from := <-got; from != a.node {
		t.Errorf("got a message from %v, want from itself", from)
	}
}

// selfSigned makes a configuration with one certificate for all.
func selfSigned(t testing.TB) func(*Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return func(c *Config) {
		c.TLS = &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
			RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
		}
	}
}

// BenchmarkOneWay sends 64-byte messages from one sender to one receiver, as
// fast as the queue takes them, and waits until all have arrived.
func BenchmarkOneWay(b *testing.B) {
	from, _ := loopback(b, 1)
	to, _ := loopback(b, 2)
	var arrived atomic.Int64
	last := make(chan struct{}, 1)
	var want atomic.Int64
	to.sink = func(mail) {
		if n := arrived.Add(1); n == want.Load() {
			last <- struct{}{}
		}
	}
	pid := &pa.PID{Address: to.Address(), Id: "box/b"}
	process, _ := from.proto.ProcessRegistry.Get(pid)
	msg := wrapperspb.Bytes(make([]byte, 60))
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		if err := process.(*route).SendWait(b.Context(), pid, msg); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if want.Store(n); arrived.Load() < n {
		<-last
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkAsk has one question in flight.
func BenchmarkAsk(b *testing.B) {
	from, _ := loopback(b, 1)
	to, _ := loopback(b, 2)
	back := make(chan struct{}, 1)
	from.sink = func(mail) { back <- struct{}{} }
	to.sink = func(m mail) { to.proto.Root.Send(m.from, m.msg) }
	pid := &pa.PID{Address: to.Address(), Id: "box/b"}
	question := &pa.MessageEnvelope{
		Message: wrapperspb.Bytes(make([]byte, 60)),
		Sender:  &pa.PID{Address: from.Address(), Id: "$ask/1"},
	}
	b.ReportAllocs()
	for b.Loop() {
		from.proto.Root.Send(pid, question)
		<-back
	}
}
