package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// The remote lines measure two processes over loopback. The near one sends and
// asks; the far one has one actor that counts what it is told and one that
// answers what it is asked. What the two say to each other about the measurement
// goes through the far one's stdin and stdout, never through the runtime.

// far is the side that receives.
type far struct {
	// address is what the near side needs to reach the two actors.
	address string
}

// near is the side that sends, connected to a far one.
type near interface {
	// telling calls f, outside actors or, where only actors send in order, in one.
	// It gets a function that tells the counting actor. That may block while there
	// is no room; the message is not touched afterwards.
	telling(ctx context.Context, f func(tell remoteTell) error) error
	// asking calls f in n goroutines, or where only actors can ask, in n of
	// them; each gets a function that asks the echo.
	asking(ctx context.Context, n int, f func(ask remoteAsk) error) error
}

// remoteTell sends m to the counting actor. A nil m sends what was kept back for
// a batch, where a runtime has batches that its user must end.
type remoteTell func(m *benchpb.Load) error

// remoteAsk sends m to the echo and returns its answer.
type remoteAsk func(m *benchpb.Load) (*benchpb.Load, error)

// side is what both processes of a measurement know.
type side struct {
	identity identity                   // of both, for TLS
	got      func(seq uint64, text int) // the far side's counter; called by one actor
}

// remotePeer is an entry of the list of runtimes with a network.
type remotePeer struct {
	peer
	serve func(side) (far, error)
	dial  func(ctx context.Context, s side, address string) (near, error)
}

// bareTCP is what is compared with as if it were a runtime.
const bareTCP = "tcp"

// oursTLS is Pando with TLS on.
const oursTLS = "pando-tls"

// remotePeers are the runtimes in the order of the tables; Pando is the first.
func remotePeers() []remotePeer {
	list := []remotePeer{
		{peer{name: ours}, servePando(false), dialPando(false)},
		{peer{name: oursTLS, title: "Pando, TLS"}, servePando(true), dialPando(true)},
		{peer{name: "protoactor"}, serveProtoactor, dialProtoactor},
		{peer{name: "goakt"}, serveGoakt, dialGoakt},
		{peer{name: "hollywood"}, serveHollywood, dialHollywood},
		{peer{name: "ergo"}, serveErgo, dialErgo},
		{peer{name: bareTCP, title: "bare TCP"}, serveTCP, dialTCP},
	}
	for i := range list {
		if p, err := findPeer(list[i].name); err == nil {
			list[i].peer = p
		}
	}
	return list
}

// bare is the list as far as tables need it.
func bare(list []remotePeer) []peer {
	var all []peer
	for _, p := range list {
		all = append(all, p.peer)
	}
	return all
}

func findRemotePeer(name string) (remotePeer, error) {
	for _, p := range remotePeers() {
		if p.name == name {
			return p, nil
		}
	}
	return remotePeer{}, fmt.Errorf("no runtime with a network is called %q", name)
}

// freePort finds a port for a runtime that cannot take one by itself.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// together calls f in n goroutines and returns the first error.
func together(n int, f func() error) error {
	errs := make(chan error, n)
	for range n {
		go func() { errs <- f() }()
	}
	var first error
	for range n {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// untilReached repeats a question until it is answered: runtimes connect at the
// first message, and some lose it.
func untilReached(ctx context.Context, n near) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := n.asking(ctx, 1, func(ask remoteAsk) error {
			_, err := ask(&benchpb.Load{Seq: 1})
			return err
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the other side does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
