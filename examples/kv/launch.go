package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/examples/internal/launcher"
)

const launchAbout = `kv starts a whole cluster of three nodes on this machine, each a process of its
own, that Redis clients can use. Ctrl-C stops them.

Examples:
  kv                                             on the ports 7001-7003 and 7101-7103
  kv -clients 127.0.0.1:9001 -listen 127.0.0.1:9101
  kv -proxy                                      any node answers for any key
  kv node -h                                     runs one node of a cluster

Then, in another terminal:
  redis-cli -c -p 7001

Commands: node; none starts the cluster.
`

// nodesAtStart is how many nodes the launcher starts.
const nodesAtStart = 3

// launchConfig is the launcher as its flags say. Both addresses count up.
type launchConfig struct {
	listen, clients, name string
	level, dir            string
	proxy, fast, verbose  bool
}

func launchMain(args []string, out, errs io.Writer) error {
	cfg, err := parseLaunch(args, errs)
	if err != nil {
		return err
	}
	var listen, clients []string
	for i := range nodesAtStart {
		l, err := addPort("listen", cfg.listen, i)
		if err != nil {
			return err
		}
		c, err := addPort("clients", cfg.clients, i)
		if err != nil {
			return err
		}
		listen, clients = append(listen, l), append(clients, c)
	}
	if err := errors.Join(checkFree("listen", listen), checkFree("clients", clients)); err != nil {
		return err
	}
	ctx, again, release := clusterd.UntilSignal(context.Background())
	defer release()
	return launch(ctx, again, cfg, listen, clients, &lineWriter{w: out})
}

func parseLaunch(args []string, w io.Writer) (launchConfig, error) {
	var cfg launchConfig
	f := newFlags("kv", launchAbout, w)
	f.StringVar(&cfg.clients, "clients", "127.0.0.1:7001", "`address` of the first node for clients; the next nodes take the next ports")
	f.StringVar(&cfg.listen, "listen", "127.0.0.1:7101", "`address` of the first node for the others; the next nodes take the next ports")
	f.StringVar(&cfg.name, "name", "kv", "`name` of the cluster")
	f.StringVar(&cfg.level, "level", "quorum", "`when` a reply leaves: async, quorum or all; memory keeps one copy only")
	f.StringVar(&cfg.dir, "dir", "", "`directory` for what survives a restart, with a folder for each node")
	f.BoolVar(&cfg.proxy, "proxy", false, "let any node answer for all keys, in place of sending clients to the node that has them")
	f.BoolVar(&cfg.fast, "fast", false, "notice a dead node sooner: timings for a quiet local network")
	f.BoolVar(&cfg.verbose, "v", false, "show the nodes' own logs")
	if err := parse(f, args); err != nil {
		return cfg, err
	}
	if _, err := parseLevel(cfg.level); err != nil {
		return cfg, err
	}
	return cfg, errors.Join(checkAddress("listen", cfg.listen), checkAddress("clients", cfg.clients))
}

// checkFree tries all addresses before anything starts, so that no half of a
// cluster is left behind.
func checkFree(flagName string, addresses []string) error {
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return taken(flagName, a, err)
		}
		defer l.Close() // all are held until the last one was tried
	}
	return nil
}

// launch runs the nodes until ctx ends or all of them have; again kills what is left.
func launch(ctx context.Context, again <-chan struct{}, cfg launchConfig, listen, clients []string, out io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	tell := func(format string, args ...any) { say(out, format, args...) }
	var children []*launcher.Child
	defer func() { launcher.Stop(again, children, stopTime, tell) }()
	for i := range listen {
		name := clients[i]
		c, err := launcher.Start(program, nodeArgs(cfg, listen, listen[i], name), "node "+name, func(line string) { tell("%s | %s", name, line) })
		if err != nil {
			return fmt.Errorf("start %s: %w", clients[i], err)
		}
		children = append(children, c)
		tell("%s is process %d", c.Name, c.PID())
	}
	watch, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { welcome(watch, clients, out) })
	if err := launcher.Watch(ctx, children, tell); err != nil {
		return err
	}
	tell("stopping all; Ctrl-C again kills them")
	return nil
}

// nodeArgs is the command line of one node, after the program's name.
func nodeArgs(cfg launchConfig, all []string, listen, clients string) []string {
	args := []string{"node", "-until-eof", "-name", cfg.name, "-listen", listen, "-clients", clients, "-seeds", strings.Join(all[:2], ",")}
	args = append(args, "-level", cfg.level)
	if cfg.dir != "" {
		_, port, _ := net.SplitHostPort(clients)
		args = append(args, "-dir", filepath.Join(cfg.dir, port))
	}
	if cfg.proxy {
		args = append(args, "-proxy")
	}
	if cfg.fast {
		args = append(args, "-fast")
	}
	if cfg.verbose {
		return append(args, "-v")
	}
	return append(args, "-q")
}

// welcome waits until all nodes serve all slots, and says how to use them.
func welcome(ctx context.Context, clients []string, out io.Writer) {
	for _, address := range clients {
		for !settled(ctx, address, len(clients)) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	host, port, _ := net.SplitHostPort(clients[0])
	say(out, "all %d nodes are up and serve all 16384 slots. Try:\n\n  redis-cli -c -h %s -p %s\n  redis-cli --cluster check %s\n\nCtrl-C stops all.",
		len(clients), host, port, clients[0])
}

// settled asks a node whether a cluster of n nodes serves all slots.
func settled(ctx context.Context, address string, n int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // a connection that is gone says so below
	if _, err := conn.Write([]byte("CLUSTER INFO\r\n")); err != nil {
		return false
	}
	var text bytes.Buffer
	for in := bufio.NewScanner(conn); in.Scan(); {
		text.WriteString(in.Text() + "\n")
		if strings.HasPrefix(in.Text(), "cluster_current_epoch") {
			break
		}
	}
	return strings.Contains(text.String(), "cluster_state:ok\n") && strings.Contains(text.String(), fmt.Sprintf("cluster_known_nodes:%d\n", n))
}

// stopTime bounds the stop of one child, which leaves within leaveTime.
const stopTime = leaveTime + 5*time.Second

// lineWriter writes lines one at a time, from any goroutine.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes one line or several.
func (l *lineWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func say(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
