package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding/durable"
)

// Cluster is a few processes, and a node of this one that keeps no shards: the
// clients' way in.
type Cluster struct {
	Plan Plan
	Node *clusterd.Node // of this process

	dir   string
	log   io.Writer
	procs []*proc
	pulse *pulse
}

type proc struct {
	address string
	cmd     *exec.Cmd // nil while it does not run
	exited  chan struct{}
}

// Start starts n nodes with empty directories below dir, and waits until all shards
// are served and replicated. The nodes' warnings go to log.
func Start(ctx context.Context, dir string, n int, plan Plan, log io.Writer) (*Cluster, error) {
	addresses, err := freeAddresses(n + 1)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Plan: plan, dir: dir, log: log, pulse: startPulse()}
	c.Plan.Seeds = addresses[:2]
	for i := range n {
		c.procs = append(c.procs, &proc{address: addresses[i]})
		if err := c.Run(i); err != nil {
			c.Close()
			return nil, err
		}
	}
	c.Node, err = clusterd.Start(ctx, clusterd.Config{
		Name: "trial", Listen: addresses[n], Seeds: c.Plan.Seeds, Timing: plan.timing(),
		Services: []clusterd.Service{durable.Proxy(durable.Config{Shards: Shards}, Register(plan.Level))},
		Logger:   slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err == nil {
		err = errors.Join(c.Node.Ready(ctx), c.Settle(ctx))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// freeAddresses returns addresses of this machine that nobody uses at this moment.
func freeAddresses(n int) ([]string, error) {
	var list []string
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		list = append(list, ln.Addr().String())
	}
	return list, nil
}

// Run starts node i, which must not run.
func (c *Cluster) Run(i int) error {
	p := c.procs[i]
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(),
		envNode+"="+p.address, envDir+"="+filepath.Join(c.dir, fmt.Sprint("node", i)),
		envSeeds+"="+strings.Join(c.Plan.Seeds, ","), envPreset+"="+c.Plan.Preset, envLevel+"="+c.Plan.Level.String())
	cmd.Stdout, cmd.Stderr = c.log, c.log
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.exited = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait() // a killed process has no other end
		close(p.exited)
	}()
	return nil
}

// Add starts one more node and returns its number.
func (c *Cluster) Add() (int, error) {
	list, err := freeAddresses(1)
	if err != nil {
		return 0, err
	}
	c.procs = append(c.procs, &proc{address: list[0]})
	return len(c.procs) - 1, c.Run(len(c.procs) - 1)
}

// Kill ends node i with SIGKILL, and returns when it is gone.
func (c *Cluster) Kill(i int) {
	p := c.procs[i]
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
	p.cmd = nil
}

// Leave tells node i to leave, and returns when it is gone.
func (c *Cluster) Leave(i int) error {
	p := c.procs[i]
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.exited
	p.cmd = nil
	return nil
}

// Address returns where node i listens.
func (c *Cluster) Address(i int) string { return c.procs[i].address }

// IndexOf returns the number of the node at an address, -1 if there is none.
func (c *Cluster) IndexOf(address string) int {
	return slices.IndexFunc(c.procs, func(p *proc) bool { return p.address == address })
}

// fault logs what a client was told.
func (c *Cluster) fault(err error) { fmt.Fprintln(c.log, "client:", err) }

// Late returns the longest time, since the last call, by which the machine woke a
// sleeping goroutine of this process too late.
func (c *Cluster) Late() time.Duration { return c.pulse.take().Round(100 * time.Microsecond) }

// Close kills everything.
func (c *Cluster) Close() {
	c.pulse.stop()
	for i := range c.procs {
		c.Kill(i)
	}
	if c.Node != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // there is nobody left to leave
		_ = c.Node.Leave(ctx)
	}
}

// settlePoll is how often Settle looks.
const settlePoll = 20 * time.Millisecond

// Settle waits until each shard has a primary and as many replicas as there can
// be, on nodes that run, and nothing is on the move.
func (c *Cluster) Settle(ctx context.Context) error {
	for {
		rows, err := durable.Table(c.Node)
		if err != nil {
			return err
		}
		if c.settled(rows) {
			return nil
		}
		select {
		case <-time.After(settlePoll):
		case <-ctx.Done():
			return fmt.Errorf("the shards do not settle: %w: %+v", ctx.Err(), rows[0])
		}
	}
}

// Up reports whether node i is up, as this process's node sees it.
func (c *Cluster) Up(i int) bool {
	for _, m := range c.Node.View().Members {
		if m.Address == c.Address(i) {
			return m.Status.String() == "up"
		}
	}
	return false
}

func (c *Cluster) settled(rows []durable.Row) bool {
	up := map[string]bool{}
	for _, m := range c.Node.View().Members {
		up[m.Address] = m.Reachable && m.Status.String() == "up"
	}
	live := 0
	for _, p := range c.procs {
		if p.cmd != nil && !up[p.address] {
			return false
		}
		if p.cmd != nil {
			live++
		}
	}
	leads, copies := map[string]int{}, map[string]int{}
	for _, r := range rows {
		if !up[r.Primary] || len(r.Replicas) != min(3, live)-1 {
			return false
		}
		leads[r.Primary]++
		for _, a := range append(r.Replicas, r.Primary) {
			copies[a]++
		}
	}
	return even(leads, len(rows), live) && even(copies, len(rows)*min(3, live), live)
}

// even tells whether nobody has more than its share, rounded up.
func even(counts map[string]int, total, nodes int) bool {
	for _, n := range counts {
		if n > (total+nodes-1)/nodes {
			return false
		}
	}
	return true
}
