package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding"
	"github.com/pando-go/pando/examples/internal/launcher"
	"github.com/pando-go/pando/remote"
)

const nodeAbout = `chat node runs one node of the chat cluster.

A list of seeds with the node itself at its head makes it the first seed: the
only one that may found the cluster. The others join through any seed. All
nodes are equal once they are in.

Examples, one in each of three terminals:
  chat node -listen 127.0.0.1:7001 -seeds 127.0.0.1:7001,127.0.0.1:7002 -http 127.0.0.1:8081
  chat node -listen 127.0.0.1:7002 -seeds 127.0.0.1:7001,127.0.0.1:7002 -http 127.0.0.1:8082
  chat node -listen 127.0.0.1:7003 -seeds 127.0.0.1:7001,127.0.0.1:7002 -http 127.0.0.1:8083

Ctrl-C or SIGTERM makes it hand over its rooms and leave, within 10 seconds; a
second one ends it at once.
`

// How long a node may take to leave, all in all, and its last HTTP requests.
const (
	leaveTime = 10 * time.Second
	drainTime = 2 * time.Second
)

// nodeConfig is one node as its flags say.
type nodeConfig struct {
	listen, advertise, http string
	seeds, roles            []string
	name, zone              string
	tls                     remote.TLSFiles
	secrets                 string // a file of join secrets
	level                   slog.Level
	stdin                   bool // the end of standard input is a signal too: the launcher is gone
}

func nodeMain(args []string, w io.Writer) error {
	cfg, err := parseNode(args, w)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: cfg.level}))
	ctx, again, release := clusterd.UntilSignal(context.Background())
	defer release()
	if cfg.stdin {
		ctx = untilEOF(ctx, os.Stdin)
		launcher.IgnoreBrokenPipe()
	}
	return runNode(ctx, again, cfg, log)
}

func parseNode(args []string, w io.Writer) (nodeConfig, error) {
	var cfg nodeConfig
	var seeds, roles string
	var verbose, quiet bool
	f := newFlags("chat node", nodeAbout, w)
	f.StringVar(&cfg.listen, "listen", "", "`address` for the other nodes; also this node's name in the cluster (required)")
	f.StringVar(&cfg.advertise, "advertise", "", "`address` at which the others reach it, if that is not -listen")
	f.StringVar(&seeds, "seeds", "", "`addresses` of the seed nodes, with commas; the first one is the first seed (required)")
	f.StringVar(&cfg.http, "http", "", "`address` for the page and the terminal client (required)")
	f.StringVar(&cfg.name, "name", "chat", "`name` of the cluster: nodes of another name are refused")
	f.StringVar(&cfg.zone, "zone", "", "`zone` that the node is in, as the members list shows it")
	f.StringVar(&roles, "roles", "", "`roles` of the node, with commas, as the members list shows them")
	f.StringVar(&cfg.tls.Cert, "tls-cert", "", "`file` with this node's certificate; with -tls-key and -tls-ca the nodes talk in TLS")
	f.StringVar(&cfg.tls.Key, "tls-key", "", "`file` with its private key")
	f.StringVar(&cfg.tls.CA, "tls-ca", "", "`file` with the authorities that sign the nodes' certificates")
	f.StringVar(&cfg.secrets, "secrets", "", "`file` with the join secret that all nodes share, and others that are accepted, one a line")
	f.BoolVar(&verbose, "v", false, "log what the protocols do, too")
	f.BoolVar(&quiet, "q", false, "log warnings only")
	f.BoolVar(&cfg.stdin, "until-eof", false, "leave at the end of standard input, too: for programs that start nodes")
	if err := parse(f, args); err != nil {
		return cfg, err
	}
	cfg.seeds, cfg.roles = splitList(seeds), splitList(roles)
	switch {
	case verbose:
		cfg.level = slog.LevelDebug
	case quiet:
		cfg.level = slog.LevelWarn
	}
	return cfg, cfg.check()
}

func (cfg nodeConfig) check() error {
	for _, f := range []struct{ name, address string }{{"listen", cfg.listen}, {"http", cfg.http}} {
		if err := checkAddress(f.name, f.address); err != nil {
			return err
		}
	}
	if cfg.advertise != "" {
		if err := checkAddress("advertise", cfg.advertise); err != nil {
			return err
		}
	}
	if len(cfg.seeds) == 0 {
		return usagef("-seeds is missing: give it the addresses of the seed nodes, such as 127.0.0.1:7001,127.0.0.1:7002")
	}
	for _, seed := range cfg.seeds {
		if err := checkAddress("seeds", seed); err != nil {
			return err
		}
	}
	return nil
}

// runNode runs the node until ctx ends, then makes it leave; again cuts that short.
func runNode(ctx context.Context, again <-chan struct{}, cfg nodeConfig, log *slog.Logger) error {
	listener, err := net.Listen("tcp", cfg.http)
	if err != nil {
		return taken("http", cfg.http, err)
	}
	defer listener.Close()
	node, err := startNode(ctx, cfg, reachable(listener.Addr(), firstOf(cfg.advertise, cfg.listen)), log)
	if err != nil {
		return err
	}
	defer node.Close()
	h := newHub(node)
	s := newServer(node, newRooms(h.listRooms, h.home), h.slots, log)
	s.open, s.closeSession = h.open, h.close
	stop := serve(s, h, listener, log)
	defer stop()
	log.Info("page is open", "url", "http://"+listener.Addr().String())

	select {
	case <-ctx.Done():
	case <-node.Done():
		return node.Err()
	}
	return leave(again, node, s, log)
}

func startNode(ctx context.Context, cfg nodeConfig, page string, log *slog.Logger) (*clusterd.Node, error) {
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: cfg.name, Listen: cfg.listen, Advertise: cfg.advertise,
		Seeds: cfg.seeds, Roles: cfg.roles, Zone: cfg.zone,
		Meta:           map[string]string{metaHTTP: page},
		TLSFiles:       cfg.tls,
		JoinSecretFile: cfg.secrets,
		Plaintext:      true, // a sample: without TLS whoever can reach the port can read, and without a secret join
		LeaveTimeout:   leaveTime,
		Services:       []clusterd.Service{sharding.Host(Room), sharding.Host(Lobby)},
		Logger:         log,
	})
	var bind *net.OpError
	switch {
	case errors.As(err, &bind) && bind.Op == "listen":
		return nil, taken("listen", cfg.listen, err)
	case err != nil:
		return nil, fmt.Errorf("start %s: %w", cfg.listen, err)
	}
	return node, nil
}

// serve runs the HTTP server and what it needs. stop ends all of it and waits.
func serve(s *server, h *hub, l net.Listener, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	web := newHTTPServer(s.handler(), log)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("page has closed", "err", err)
		}
	})
	wg.Go(func() { s.rooms.run(ctx) })
	wg.Go(func() { h.run(ctx) })
	return func() {
		bound, done := context.WithTimeout(ctx, drainTime)
		defer done()
		s.leave(bound)
		if web.Shutdown(bound) != nil {
			_ = web.Close()
		}
		cancel()
		wg.Wait()
	}
}

// leave sends the users to other nodes, hands over what this node hosts, and
// leaves the cluster; again cuts it short.
func leave(again <-chan struct{}, node *clusterd.Node, s *server, log *slog.Logger) error {
	log.Info("leaving; a second signal ends this process at once", "within", leaveTime)
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	go func() {
		select {
		case <-again:
			cancel()
		case <-ctx.Done():
		}
	}()
	users, done := context.WithTimeout(ctx, drainTime)
	defer done()
	s.leave(users)
	if err := node.Leave(ctx); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	log.Info("left the cluster")
	return nil
}

// untilEOF returns a context that ends with ctx or at the end of r. The reader
// ends with the process: a read of standard input cannot be called off.
func untilEOF(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, r) // an error is an end, too
	}()
	return ctx
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
