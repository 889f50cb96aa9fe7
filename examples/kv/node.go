package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/examples/internal/launcher"
	"github.com/pando-go/pando/remote"
)

const nodeAbout = `kv node runs one node of the key-value server.

A list of seeds with the node itself at its head makes it the first seed: the
only one that may found the cluster. The others join through any seed. All
nodes are equal once they are in, and slots move to them by themselves.

Examples, one in each of three terminals:
  kv node -listen 127.0.0.1:7101 -clients 127.0.0.1:7001 -seeds 127.0.0.1:7101,127.0.0.1:7102
  kv node -listen 127.0.0.1:7102 -clients 127.0.0.1:7002 -seeds 127.0.0.1:7101,127.0.0.1:7102
  kv node -listen 127.0.0.1:7103 -clients 127.0.0.1:7003 -seeds 127.0.0.1:7101,127.0.0.1:7102

Ctrl-C or SIGTERM makes it hand over its slots and leave, within a minute; a
second one ends it at once.
`

// leaveTime is how long a node may take to leave: others must have copied what it
// keeps, which takes its time with much data or on a busy machine. A second
// signal cuts it short.
const leaveTime = time.Minute

// nodeConfig is one node as its flags say.
type nodeConfig struct {
	listen, advertise, clients string
	seeds                      []string
	name, zone                 string
	proxy, fast                bool
	acks, dir                  string
	replicas                   int
	tls                        remote.TLSFiles
	secrets                    string // a file of join secrets
	level                      slog.Level
	stdin                      bool // the end of standard input is a signal too: the launcher is gone
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
	var seeds string
	var verbose, quiet bool
	f := newFlags("kv node", nodeAbout, w)
	f.StringVar(&cfg.listen, "listen", "", "`address` for the other nodes; also this node's name in the cluster (required)")
	f.StringVar(&cfg.advertise, "advertise", "", "`address` at which the others reach it, if that is not -listen")
	f.StringVar(&cfg.clients, "clients", "", "`address` for clients, whom it is told to them with (required)")
	f.StringVar(&seeds, "seeds", "", "`addresses` of the seed nodes, with commas; the first one is the first seed (required)")
	f.StringVar(&cfg.name, "name", "kv", "`name` of the cluster: nodes of another name are refused")
	f.StringVar(&cfg.zone, "zone", "", "`zone` that the node is in")
	f.StringVar(&cfg.acks, "level", "quorum", "`when` a reply leaves: async, when the primary has the change; quorum, when most replicas have; all, when all have; memory keeps one copy only. The same on all nodes")
	f.StringVar(&cfg.dir, "dir", "", "`directory` for what survives a restart; without one a restarted node is a new, empty one")
	f.IntVar(&cfg.replicas, "replicas", 3, "`number` of nodes that keep each slot; the same on all nodes")
	f.BoolVar(&cfg.proxy, "proxy", false, "answer for all keys, in place of sending clients to the node that has them")
	f.BoolVar(&cfg.fast, "fast", false, "notice a dead node sooner: timings for a quiet local network; the same on all nodes")
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
	cfg.seeds = splitList(seeds)
	switch {
	case verbose:
		cfg.level = slog.LevelDebug
	case quiet:
		cfg.level = slog.LevelWarn
	}
	return cfg, cfg.check()
}

func (cfg nodeConfig) check() error {
	for _, f := range []struct{ name, address string }{{"listen", cfg.listen}, {"clients", cfg.clients}} {
		if err := checkAddress(f.name, f.address); err != nil {
			return err
		}
	}
	if cfg.advertise != "" {
		if err := checkAddress("advertise", cfg.advertise); err != nil {
			return err
		}
	}
	if _, err := parseLevel(cfg.acks); err != nil {
		return err
	}
	if cfg.acks == levelMemory && cfg.dir != "" {
		return usagef("-dir keeps what is replicated: it needs -level async, quorum or all")
	}
	if cfg.replicas < 1 || cfg.replicas > 7 {
		return usagef("-replicas %d: want 1 to 7", cfg.replicas)
	}
	if len(cfg.seeds) == 0 {
		return usagef("-seeds is missing: give it the addresses of the seed nodes, such as 127.0.0.1:7101,127.0.0.1:7102")
	}
	for _, seed := range cfg.seeds {
		if err := checkAddress("seeds", seed); err != nil {
			return err
		}
	}
	return nil
}

// levelMemory is the value of -level for slots that are not replicated.
const levelMemory = "memory"

// parseLevel reads the other values.
func parseLevel(name string) (durable.Level, error) {
	for _, l := range []durable.Level{durable.Async, durable.Quorum, durable.All} {
		if l.String() == name {
			return l, nil
		}
	}
	if name == levelMemory {
		return 0, nil
	}
	return 0, usagef("-level %q: it is memory, async, quorum or all", name)
}

// newBackend makes what the flags say, and this node's name for clients.
func newBackend(cfg nodeConfig) (b backend, services []clusterd.Service, id string, err error) {
	if cfg.acks == levelMemory {
		b, services = newMemory()
		return b, services, newID(), nil
	}
	level, err := parseLevel(cfg.acks)
	if err != nil {
		return nil, nil, "", err
	}
	if id, err = idIn(cfg.dir); err != nil {
		return nil, nil, "", err
	}
	b, services, err = newReplicated(level, cfg.replicas, cfg.dir)
	if err != nil {
		return nil, nil, "", usagef("-dir %s: %s", cfg.dir, err)
	}
	return b, services, id, nil
}

// idIn returns the name that is kept in a directory, a new one if there is none.
func idIn(dir string) (string, error) {
	if dir == "" {
		return newID(), nil
	}
	file := filepath.Join(dir, "id")
	text, err := os.ReadFile(file)
	id := strings.TrimSpace(string(text))
	if raw, bad := hex.DecodeString(id); err == nil && bad == nil && len(raw) == 20 {
		return id, nil
	}
	if err == nil {
		return "", usagef("%s does not hold 40 hexadecimal digits", file)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", usagef("-dir: %s", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", usagef("-dir: %s", err)
	}
	id = newID()
	if err := os.WriteFile(file, []byte(id+"\n"), 0o600); err != nil {
		return "", usagef("-dir: %s", err)
	}
	return id, nil
}

// runNode runs the node until ctx ends, then makes it leave; again cuts that short.
func runNode(ctx context.Context, again <-chan struct{}, cfg nodeConfig, log *slog.Logger) error {
	listener, err := net.Listen("tcp", cfg.clients)
	if err != nil {
		return taken("clients", cfg.clients, err)
	}
	defer listener.Close()
	slots, services, id, err := newBackend(cfg)
	if err != nil {
		return err
	}
	s := newServer(slots, log)
	s.id, s.proxy = id, cfg.proxy
	s.host, s.port = reachable(listener.Addr(), firstOf(cfg.advertise, cfg.listen))
	node, err := startNode(ctx, cfg, s, services, log)
	if err != nil {
		return err
	}
	defer node.Close()
	slots.start(node)
	s.down, s.sys = node.Down, node.System()
	if err := survey(node, slots); err != nil {
		return err
	}
	stop := s.serve(listener)
	defer stop()
	log.Info("clients are served", "address", listener.Addr().String())

	select {
	case <-ctx.Done():
	case <-node.Done():
		return node.Err()
	}
	return leave(again, node, slots, log)
}

// newID is a name for clients that no other node has.
func newID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func startNode(ctx context.Context, cfg nodeConfig, s *server, services []clusterd.Service, log *slog.Logger) (*clusterd.Node, error) {
	timing := engine.Timing{}
	if cfg.fast {
		timing = engine.Fast()
	}
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: cfg.name, Listen: cfg.listen, Advertise: cfg.advertise,
		Seeds: cfg.seeds, Zone: cfg.zone,
		Meta:           map[string]string{metaID: s.id, metaClients: net.JoinHostPort(s.host, strconv.Itoa(s.port))},
		TLSFiles:       cfg.tls,
		JoinSecretFile: cfg.secrets,
		Plaintext:      true, // a sample: without TLS whoever can reach the port can read, and without a secret join
		LeaveTimeout:   leaveTime,
		Services:       services,
		Timing:         timing,
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

// How a node takes leave of its clients: for a while after it has left it still
// sends them to where the slots are now, so that none of them runs into a closed
// connection in the middle of a command.
const (
	lingerTime = time.Second
	farewell   = 20 * time.Millisecond // how often it looks whether it has slots left
)

// leave hands over the slots, while clients are still answered, leaves the
// cluster, and lingers; again cuts it short.
func leave(again <-chan struct{}, node *clusterd.Node, slots backend, log *slog.Logger) error {
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
	left := make(chan error, 1)
	go func() { left <- node.Leave(ctx) }()
	var last *table
	tick := time.NewTicker(farewell)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if t := slots.table(); t.withoutSelf() {
				last = t
			}
		case err := <-left:
			if err != nil {
				return fmt.Errorf("leave: %w", err)
			}
			log.Info("left the cluster")
			linger(ctx, slots, last)
			return nil
		}
	}
}

// linger sends clients to other nodes for a while, if there are any.
func linger(ctx context.Context, slots backend, last *table) {
	if last == nil {
		return
	}
	slots.freeze(last)
	select {
	case <-ctx.Done():
	case <-time.After(lingerTime):
	}
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
