package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/examples/internal/launcher"
)

const launchAbout = `chat starts a whole cluster of three nodes on this machine: a first seed, a
seed and an ordinary node, each a process of its own. Ctrl-C stops them.

Examples:
  chat                                           on the ports 7001-7003 and 8081-8083
  chat -listen 127.0.0.1:9001 -http 127.0.0.1:9081
  chat join -http 127.0.0.1:8083 -room go -user ada
  chat node -h                                   runs one node of a cluster

Commands: node, join; none starts the cluster.
`

// launchConfig is the launcher as its flags say. Both addresses count up.
type launchConfig struct {
	listen, http, name string
	verbose            bool
}

// place is one node that the launcher starts.
type place struct{ title, listen, http string }

func launchMain(args []string, out, errs io.Writer) error {
	cfg, err := parseLaunch(args, errs)
	if err != nil {
		return err
	}
	places, err := cfg.places()
	if err != nil {
		return err
	}
	if err := checkPorts(places); err != nil {
		return err
	}
	ctx, again, release := clusterd.UntilSignal(context.Background())
	defer release()
	return launch(ctx, again, cfg, places, newPrinter(out))
}

func parseLaunch(args []string, w io.Writer) (launchConfig, error) {
	var cfg launchConfig
	f := newFlags("chat", launchAbout, w)
	f.StringVar(&cfg.listen, "listen", "127.0.0.1:7001", "`address` of the first node for the others; the next nodes take the next ports")
	f.StringVar(&cfg.http, "http", "127.0.0.1:8081", "`address` of the first node's page; the next nodes take the next ports")
	f.StringVar(&cfg.name, "name", "chat", "`name` of the cluster")
	f.BoolVar(&cfg.verbose, "v", false, "show the nodes' own logs")
	if err := parse(f, args); err != nil {
		return cfg, err
	}
	if err := checkAddress("listen", cfg.listen); err != nil {
		return cfg, err
	}
	return cfg, checkAddress("http", cfg.http)
}

// places counts the addresses up.
func (cfg launchConfig) places() ([]place, error) {
	var all []place
	for i, title := range []string{"first seed", "seed", "ordinary"} {
		listen, err := addPort(cfg.listen, i)
		if err != nil {
			return nil, usagef("-listen %s: %s", cfg.listen, err)
		}
		page, err := addPort(cfg.http, i)
		if err != nil {
			return nil, usagef("-http %s: %s", cfg.http, err)
		}
		all = append(all, place{title: title, listen: listen, http: page})
	}
	return all, nil
}

// checkPorts tries all addresses before anything starts, so that no half of a
// cluster is left behind.
func checkPorts(places []place) error {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, p := range places {
		for flagName, address := range map[string]string{"listen": p.listen, "http": p.http} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				return taken(flagName, address, err)
			}
			held = append(held, l)
		}
	}
	return nil
}

// launch runs the nodes until ctx ends or all of them have; again kills what is left.
func launch(ctx context.Context, again <-chan struct{}, cfg launchConfig, places []place, out *printer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var children []*launcher.Child
	defer func() { launcher.Stop(again, children, stopTime, out.say) }()
	for _, p := range places {
		name := fmt.Sprintf("the %s (%s)", p.title, p.listen)
		c, err := launcher.Start(program, nodeArgs(cfg, places, p), name, out.of(p))
		if err != nil {
			return fmt.Errorf("start the %s: %w", p.title, err)
		}
		children = append(children, c)
	}
	out.welcome(places, children)
	follow, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { followCluster(follow, places, out) })
	if err := launcher.Watch(ctx, children, out.say); err != nil {
		return err
	}
	out.say("stopping all three; Ctrl-C again kills them")
	return nil
}

// nodeArgs is the command line of one node, after the program's name.
func nodeArgs(cfg launchConfig, places []place, p place) []string {
	args := []string{
		"node", "-until-eof", "-name", cfg.name, "-listen", p.listen, "-http", p.http,
		"-seeds", places[0].listen + "," + places[1].listen,
	}
	if cfg.verbose {
		return append(args, "-v")
	}
	return append(args, "-q")
}

// stopTime bounds the stop of one child, which leaves within leaveTime.
const stopTime = leaveTime + 5*time.Second
