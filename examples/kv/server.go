package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// maxClients bounds the connections of a node.
const maxClients = 10_000

// server is the face of one node for clients.
type server struct {
	backend backend
	sys     *actor.System
	down    func(ctx context.Context, address string) error // takes a member out
	id      string                                          // this node's name for clients
	host    string                                          // for clients
	port    int                                             // for clients
	proxy   bool
	log     *slog.Logger

	started  time.Time
	verbs    verbIndex
	entries  []entry
	ids      atomic.Int64
	open     atomic.Int64
	accepted atomic.Int64
	commands atomic.Int64

	running sync.WaitGroup // connections
}

func newServer(b backend, log *slog.Logger) *server {
	return &server{backend: b, log: log, started: time.Now(), verbs: newVerbIndex(), entries: entries()}
}

// redirect tells a client who answers for a slot; "" if this node does. A node
// without a lease still knows who else may.
func (s *server) redirect(slot uint16) (fault string) {
	address, here := s.backend.home(slot)
	switch {
	case here || s.proxy:
		if !s.backend.serving() {
			return errDown
		}
		return ""
	case address == "":
		return errNotCovered
	}
	p := s.backend.table().at(address)
	if p == nil {
		return errNotCovered
	}
	return fmt.Sprintf("MOVED %d %s", slot, p.client())
}

// serve answers clients until stop is called, which waits for what is being
// answered.
func (s *server) serve(l net.Listener) (stop func()) {
	srv := redcon.NewServer("", s.handle, s.accept, s.closed)
	srv.AcceptError = func(err error) {
		s.log.Warn("cannot accept a connection", "error", err)
		time.Sleep(50 * time.Millisecond) // redcon tries again at once
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(guarded{l}); err != nil {
			s.log.Error("clients are not served any more", "error", err)
		}
	}()
	end := make(chan struct{})
	s.running.Go(func() { s.sweep(end) })
	return sync.OnceFunc(func() {
		close(end)
		_ = srv.Close() // an error: it has never served
		l.Close()
		<-done
		s.running.Wait()
	})
}

// sweepEvery is how long the memory of an expired key is kept at most.
const sweepEvery = 100 * time.Millisecond

// sweep makes slots remove keys whose time has come, until end is closed.
func (s *server) sweep(end <-chan struct{}) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case now := <-tick.C:
			for _, slot := range s.backend.expired(now) {
				s.backend.tell(slot, &kvpb.Tick{})
			}
		}
	}
}

// guarded puts a guard before each connection.
type guarded struct{ net.Listener }

// Accept waits for a connection.
func (g guarded) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return resp.NewGuard(c), nil
}

func (s *server) accept(conn redcon.Conn) bool {
	s.accepted.Add(1)
	if s.open.Add(1) > maxClients {
		s.open.Add(-1)
		conn.WriteError("ERR max number of clients reached")
		return false
	}
	s.running.Add(1)
	conn.SetContext(&client{srv: s, conn: conn, id: s.ids.Add(1), since: time.Now()})
	return true
}

func (s *server) closed(conn redcon.Conn, err error) {
	s.open.Add(-1)
	s.running.Done()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.log.Debug("connection of a client has ended", "from", conn.RemoteAddr(), "error", err)
	}
}

// handle answers what has come on a connection at once.
func (s *server) handle(conn redcon.Conn, cmd redcon.Command) {
	c, ok := conn.Context().(*client)
	if !ok {
		return
	}
	c.serve(cmd, conn.ReadPipeline())
}

func matches(pattern []byte, name string) bool {
	return store.Match([]byte(strings.ToLower(string(pattern))), []byte(name))
}
