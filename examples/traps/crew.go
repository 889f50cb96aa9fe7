package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// crew is the processes of one repeat and what they said last. It is used by
// one goroutine; those that read the processes' output end with them.
type crew struct {
	setups []setup
	procs  []*process // nil = not running
	last   []word     // of the running process; zero = it has said nothing
	told   []*sides   // the newest island that it told of
	ids    map[string]bool
	news   chan news
	logs   *logs
	wait   sync.WaitGroup // readers
}

type process struct {
	cmd *exec.Cmd
	in  io.Closer
}

// news is a word of one process; its successor at the address is another one.
type news struct {
	node int
	of   *process
	word word
}

// logs keeps the end of what all processes wrote to stderr, for a failure.
type logs struct {
	mu   sync.Mutex
	text []byte
}

// logLimit is how much of the logs is kept, in bytes.
const logLimit = 64 << 10

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if over := len(l.text) - logLimit; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	return len(p), nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.text))
}

// newCrew finds addresses for n nodes, sorted, so that the lowest number has
// the lowest address. Nothing runs yet, and nobody has seeds.
func newCrew(rng *rand.Rand, n int, reportIslands bool) (*crew, error) {
	addresses, err := addresses(rng, n)
	if err != nil {
		return nil, err
	}
	c := &crew{
		procs: make([]*process, n), last: make([]word, n), told: make([]*sides, n),
		ids: map[string]bool{}, news: make(chan news, 1024), logs: &logs{},
	}
	for _, a := range addresses {
		c.setups = append(c.setups, setup{Listen: a, ReportIslands: reportIslands})
	}
	return c, nil
}

// addresses returns free addresses of a loopback host. Where there are several
// such hosts a random one is taken: its ports are not those from which other
// programs connect, so that they stay free while a node is down.
func addresses(rng *rand.Rand, n int) ([]string, error) {
	host := "127.0.0.1"
	if runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+rng.IntN(254), rng.IntN(256), 1+rng.IntN(254))
	}
	var all []string
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close() // together, so that they differ
		all = append(all, l.Addr().String())
	}
	slices.SortFunc(all, member.CompareAddress)
	return all, nil
}

// seed gives some nodes their list of seeds, by number.
func (c *crew) seed(nodes []int, seeds ...int) {
	for _, i := range nodes {
		c.setups[i].Seeds = nil
		for _, s := range seeds {
			c.setups[i].Seeds = append(c.setups[i].Seeds, c.setups[s].Listen)
		}
	}
}

// start starts nodes, one right after the other.
func (c *crew) start(nodes ...int) error {
	for _, i := range nodes {
		if err := c.launch(i); err != nil {
			return err
		}
	}
	return nil
}

func (c *crew) launch(i int) error {
	text, err := json.Marshal(c.setups[i])
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), asNode+"="+string(text), "GOMAXPROCS=2")
	p.cmd.Stderr = c.logs
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
	c.procs[i], c.last[i], c.told[i] = p, word{}, nil
	c.wait.Go(func() { c.read(i, p, out) })
	return nil
}

// read passes on what a process prints, until it ends.
func (c *crew) read(i int, p *process, out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		var w word
		if json.Unmarshal(s.Bytes(), &w) == nil {
			c.news <- news{i, p, w}
		}
	}
}

// kill ends nodes at once, as SIGKILL does.
func (c *crew) kill(nodes ...int) {
	for _, i := range nodes {
		_ = c.procs[i].cmd.Process.Kill() // it may have ended
	}
	for _, i := range nodes {
		_ = c.procs[i].cmd.Wait() // it was killed
		c.procs[i], c.last[i], c.told[i] = nil, word{}, nil
	}
}

// close ends all that runs.
func (c *crew) close() {
	go func() { // readers must not wait for somebody to take their news
		for range c.news {
		}
	}()
	for i, p := range c.procs {
		if p != nil {
			c.kill(i)
		}
	}
	c.wait.Wait()
	close(c.news)
}

// patience bounds each wait for something that takes a second or two on a
// machine with nothing else to do.
const patience = time.Minute

// until takes news until ok is true, and returns when the last of them was said.
func (c *crew) until(ctx context.Context, what string, ok func() bool) (time.Time, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %v: %s", patience, what))
	defer cancel()
	at := time.Now()
	for !ok() {
		select {
		case n := <-c.news:
			if c.take(n) {
				at = time.Unix(0, n.word.At)
			}
		case <-ctx.Done():
			return at, fmt.Errorf("%w\n%s\n%s", context.Cause(ctx), c.describe(), c.logs)
		}
	}
	return at, nil
}

// take notes a word, unless its process has been killed.
func (c *crew) take(n news) bool {
	if c.procs[n.node] != n.of {
		return false
	}
	c.last[n.node] = n.word
	if n.word.Cluster != "" {
		c.ids[n.word.Cluster] = true
	}
	if n.word.Island != nil {
		c.told[n.node] = n.word.Island
	}
	return true
}

// pause lets some time pass and notes what is said meanwhile.
func (c *crew) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case n := <-c.news:
			c.take(n)
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// describe tells what each node knows, for a failure.
func (c *crew) describe() string {
	var b strings.Builder
	for i, p := range c.procs {
		if p == nil {
			fmt.Fprintf(&b, "node %d does not run\n", i)
			continue
		}
		fmt.Fprintf(&b, "node %d: %+v, told of %+v\n", i, c.last[i], c.told[i])
	}
	return b.String()
}
