package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// patience bounds each wait; the wan preset needs half a minute for a failure.
const patience = 3 * time.Minute

// cluster is the processes and what they say.
type cluster struct {
	setups []setup
	procs  []*process
	lines  chan line
}

type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

// line is one that a process printed.
type line struct {
	from    int // node
	what    string
	address string
	at      time.Time
}

// newCluster finds ports and starts the nodes, one after the other.
func newCluster(n int, timing string) (*cluster, error) {
	ports, err := freePorts(2 * n)
	if err != nil {
		return nil, err
	}
	c := &cluster{procs: make([]*process, n), lines: make(chan line, 1024)}
	var seeds []string
	for _, port := range ports[:3] {
		seeds = append(seeds, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	for i := range n {
		c.setups = append(c.setups, setup{
			Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])),
			Seeds:  seeds, Timing: timing, Gossip: ports[n+i], Join: ports[n:],
		})
	}
	for i := range n {
		if err := c.start(i); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// freePorts returns ports that nobody uses at the moment, for TCP.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // together, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (c *cluster) start(i int) error {
	text, err := json.Marshal(c.setups[i])
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), asNode+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	c.procs[i] = p
	go c.read(i, out)
	return nil
}

// read passes on what a process prints, until it ends.
func (c *cluster) read(i int, out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 3 {
			continue
		}
		ns, err := strconv.ParseInt(f[2], 10, 64)
		if err == nil {
			c.lines <- line{i, f[0], f[1], time.Unix(0, ns)}
		}
	}
}

// kill ends node i at once and returns when.
func (c *cluster) kill(i int) (time.Time, error) {
	at := time.Now()
	if err := c.procs[i].cmd.Process.Kill(); err != nil {
		return at, err
	}
	_ = c.procs[i].cmd.Wait() // it was killed
	c.procs[i] = nil
	return at, nil
}

func (c *cluster) close() {
	for i, p := range c.procs {
		if p != nil {
			_, _ = c.kill(i)
		}
	}
}

// collect takes lines until done says that it has seen enough.
func (c *cluster) collect(ctx context.Context, what string, done func(line) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %v: %s", patience, what))
	defer cancel()
	for {
		select {
		case l := <-c.lines:
			if done(l) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// together waits until every process that lacks has seen all that it lacks: the
// given word for each of its addresses.
func (c *cluster) together(ctx context.Context, up, alive map[[2]string]bool) error {
	return c.collect(ctx, "all nodes are members", func(l line) bool {
		key := [2]string{c.setups[l.from].Listen, l.address}
		switch l.what {
		case lineUp:
			delete(up, key)
		case lineAlive:
			delete(alive, key)
		}
		return len(up)+len(alive) == 0
	})
}

// measure kills nodes in turn.
func (c *cluster) measure(ctx context.Context, kills int) (*report, error) {
	r := &report{}
	if err := c.together(ctx, c.pairs(-1), c.pairs(-1)); err != nil {
		return r, err
	}
	for k := range kills {
		i := k % len(c.procs)
		if err := c.round(ctx, i, r); err != nil {
			return r, fmt.Errorf("kill %d: %w", k+1, err)
		}
		fmt.Fprintf(os.Stderr, "kill %d of %d: %s\n", k+1, kills, r.last())
		if err := c.start(i); err != nil {
			return r, err
		}
		if err := c.together(ctx, c.pairs(i), c.pairs(i)); err != nil {
			return r, fmt.Errorf("after kill %d: %w", k+1, err)
		}
	}
	return r, nil
}

// pairs returns who has to see whom: everybody everybody, or, if only is a
// node, all pairs with it.
func (c *cluster) pairs(only int) map[[2]string]bool {
	all := map[[2]string]bool{}
	for i, a := range c.setups {
		for j, b := range c.setups {
			if only < 0 || i == only || j == only {
				all[[2]string{a.Listen, b.Listen}] = true
			}
		}
	}
	return all
}

// round kills node i and waits until the others are over it.
func (c *cluster) round(ctx context.Context, i int, r *report) error {
	victim := c.setups[i].Listen
	asker := (i + 1) % len(c.procs)
	entity, err := c.findEntity(ctx, asker, victim)
	if err != nil {
		return err
	}
	killed, err := c.kill(i)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.procs[asker].in, entity); err != nil {
		return err
	}
	others := len(c.procs) - 1
	one := r.begin()
	return c.collect(ctx, "the others are over the loss of "+victim, func(l line) bool {
		switch after := l.at.Sub(killed); {
		case l.what == lineAnswers && l.address != victim:
			one.answers = append(one.answers, after)
		case l.address != victim:
		case l.what == lineUnreachable:
			one.unreachable = append(one.unreachable, after)
		case l.what == lineRemoved:
			one.removed = append(one.removed, after)
		case l.what == lineDead:
			one.dead = append(one.dead, after)
		}
		return len(one.answers) > 0 && len(one.removed) == others && len(one.dead) == others
	})
}

// findEntity returns the id of an entity that runs on the victim.
func (c *cluster) findEntity(ctx context.Context, asker int, victim string) (string, error) {
	for k := range 1000 {
		id := fmt.Sprintf("probe-%d", k)
		if _, err := fmt.Fprintln(c.procs[asker].in, id); err != nil {
			return "", err
		}
		found := false
		err := c.collect(ctx, "an entity answers", func(l line) bool {
			found = l.address == victim
			return l.what == lineAnswers
		})
		if err != nil {
			return "", err
		}
		if found {
			return id, nil
		}
	}
	return "", errors.New("no entity runs on " + victim)
}
