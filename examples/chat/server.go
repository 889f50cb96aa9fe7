package main

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

// errLeaving ends every connection when the node leaves; clients go to another one.
var errLeaving = errors.New("this node is leaving the cluster")

//go:embed static
var static embed.FS

// server is the HTTP side of a node: the page, its WebSocket and the state of
// the cluster. Set all fields before serve.
type server struct {
	slots   func() []slotRange // where the rooms are
	cluster cluster
	rooms   *rooms
	log     *slog.Logger

	// open starts a session; closeSession stops it.
	open         func(q wsQuery, send func(frame any)) (actor.Ref[chatpb.Notice], error)
	closeSession func(actor.Ref[chatpb.Notice])

	mu      sync.Mutex
	leaving bool
	closing chan struct{} // closed with leaving; made by newServer
	users   sync.WaitGroup
}

func newServer(c cluster, r *rooms, slots func() []slotRange, log *slog.Logger) *server {
	return &server{cluster: c, rooms: r, slots: slots, log: log, closing: make(chan struct{})}
}

// handler routes all requests.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /members", s.guard(s.serveMembers))
	mux.HandleFunc("GET /rooms", s.guard(s.serveRooms))
	mux.HandleFunc("GET /slots", s.guard(s.serveSlots))
	mux.HandleFunc("GET /events", s.guard(s.serveEvents))
	mux.HandleFunc("GET /ws", s.guard(s.serveWS))
	mux.HandleFunc("GET /ready", s.serveReady)
	mux.Handle("GET /", page())
	return mux
}

// page serves the embedded files. They change with the binary only, but a
// browser does not know which binary it talks to, so it asks each time.
func page() http.Handler {
	root, err := fs.Sub(static, "static")
	if err != nil {
		panic("chat: embedded files: " + err.Error())
	}
	files := http.FileServerFS(root)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		// Other members are other origins: the page moves to one when its node dies.
		h.Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' http: https: ws: wss:; frame-ancestors 'none'")
		files.ServeHTTP(w, r)
	})
}

func (s *server) serveMembers(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, stateOf(s.cluster))
}

func (s *server) serveRooms(w http.ResponseWriter, r *http.Request) {
	list, err := s.rooms.list(r.Context())
	if err != nil {
		http.Error(w, "the lobby does not answer: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, list)
}

// slotRange is a part of what GET /slots answers: the slots from first to last
// are at home, an address.
type slotRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
	Home  string `json:"home"`
}

func (s *server) serveSlots(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.slots()) }

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(encode(v), '\n')) // an error is the client's
}

// serveReady answers 200 while this node is up and stays.
func (s *server) serveReady(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if why := s.notReady(r.Context()); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n")) // an error is the client's
}

func (s *server) notReady(ctx context.Context) string {
	s.mu.Lock()
	leaving := s.leaving
	s.mu.Unlock()
	if leaving {
		return errLeaving.Error()
	}
	self := s.cluster.Self()
	if self.Status == member.Up {
		return ""
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel() // the reason of this moment, without waiting
	err := s.cluster.Ready(ctx)
	var waiting *clusterd.WaitingError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &waiting) && waiting.For != "":
		return waiting.For
	case errors.As(err, &waiting):
		return "not up yet: no seed node has answered"
	}
	return err.Error()
}

// enter counts a user in, unless the node is leaving.
func (s *server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.users.Add(1)
	}
	return !s.leaving
}

func (s *server) exit() { s.users.Done() }

// leave makes the node unready and sends its users to others. It waits until
// they are gone or ctx ends.
func (s *server) leave(ctx context.Context) {
	s.mu.Lock()
	if !s.leaving {
		s.leaving = true
		close(s.closing)
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() { s.users.Wait(); close(gone) }() // ends at the latest when the connections' own bounds run out
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// untilClosed returns a context that ends, with errLeaving as its cause, when
// the node leaves.
func (s *server) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-s.closing:
			cancel(errLeaving)
		case <-stop:
		}
	}()
	return ctx, sync.OnceFunc(func() { close(stop); cancel(nil) })
}

// newHTTPServer bounds what a client may hold: headers in time, idle
// connections. Streams bound each write themselves.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.Background() },
	}
}

// parseSeq reads a decimal number; "" is 0.
func parseSeq(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, 10, 64)
}
