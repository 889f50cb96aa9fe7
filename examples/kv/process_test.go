package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// upTime bounds what takes the protocols about 3 seconds: founding, joining,
// leaving, moving slots. lossTime bounds what takes them about 10: the removal of
// a node that was killed.
const (
	upTime   = 20 * time.Second
	lossTime = 40 * time.Second
)

// skipShort keeps tests with real processes out of go test -short.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes")
	}
}

// process is one real process of the kv command.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
}

// lockedBuffer collects output.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs the kv command, and kills it at the end of the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), log: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asKV+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.cmd.Wait() }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %v:\n%s", args, p.log)
		}
	})
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// ends waits for the end of the process and returns its exit code.
func (p *process) ends(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.t.Fatalf("%v did not end within %v", p.cmd.Args, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

// ports returns n loopback addresses that were free a moment ago.
func ports(t *testing.T, n int) []string {
	t.Helper()
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found, so that they differ
		all = append(all, l.Addr().String())
	}
	return all
}

// grove is a cluster of processes that a test starts and stops one by one.
type grove struct {
	t               *testing.T
	listen, clients []string
	level           string
	flags           []string
	nodes           []*process // by number; nil = not running
}

// newGrove finds addresses for n nodes. The first two are the seeds.
func newGrove(t *testing.T, n int, level string, flags ...string) *grove {
	t.Helper()
	all := ports(t, 2*n)
	return &grove{t: t, listen: all[:n], clients: all[n:], level: level, flags: flags, nodes: make([]*process, n)}
}

// start starts nodes.
func (g *grove) start(nodes ...int) {
	g.t.Helper()
	for _, i := range nodes {
		g.nodes[i] = start(g.t, append([]string{"node", "-level", g.level, "-listen", g.listen[i], "-clients", g.clients[i],
			"-seeds", strings.Join(g.listen[:2], ",")}, g.flags...)...)
	}
}

// kill is SIGKILL.
func (g *grove) kill(i int) {
	g.nodes[i].kill()
	g.nodes[i] = nil
}

// stop is SIGTERM, and waits for the end.
func (g *grove) stop(i int) {
	g.t.Helper()
	if err := g.nodes[i].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	if code := g.nodes[i].ends(leaveTime + upTime); code != 0 {
		g.t.Fatalf("node %d: got exit code %d after SIGTERM, want 0", i, code)
	}
	g.nodes[i] = nil
}

func (g *grove) port(i int) string {
	_, port, _ := net.SplitHostPort(g.clients[i])
	return port
}

// tool runs one of the field's own programs and returns what it printed.
func tool(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not there", name)
		}
		t.Skipf("%s is not there: apt-get install redis-tools", name)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	return strings.ReplaceAll(string(out), "\r", "\n"), err
}

// cli runs redis-cli against node i and returns what it printed.
func (g *grove) cli(i int, args ...string) string {
	g.t.Helper()
	out, err := tool(g.t, "redis-cli", append([]string{"-p", g.port(i)}, args...)...)
	if err != nil {
		return out + err.Error()
	}
	return strings.TrimSuffix(out, "\n")
}

// checked waits until redis-cli --cluster check, asked through each of the
// nodes, finds nothing to complain of and exactly these nodes with slots. It
// returns the number of keys that it prints.
func (g *grove) checked(within time.Duration, nodes ...int) (keys int) {
	g.t.Helper()
	eventually(g.t, within, func() error {
		for _, i := range nodes {
			out, err := tool(g.t, "redis-cli", "--cluster", "check", g.clients[i])
			if err != nil {
				return fmt.Errorf("check through node %d: %w: %.300s", i, err, out)
			}
			for _, want := range []string{"[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered.", fmt.Sprintf(" keys in %d masters.", len(nodes))} {
				if !strings.Contains(out, want) {
					return fmt.Errorf("check through node %d: no %q in %.300s", i, want, out)
				}
			}
			for _, j := range nodes {
				if !strings.Contains(out, g.clients[j]+" (") {
					return fmt.Errorf("check through node %d: node %d is missing: %.300s", i, j, out)
				}
			}
			_, rest, _ := strings.Cut(out, "[OK] ")
			if _, err := fmt.Sscanf(rest, "%d keys", &keys); err != nil {
				return fmt.Errorf("check through node %d: %w in %.300s", i, err, rest)
			}
		}
		return nil
	})
	return keys
}

// poll is how often a condition between processes is looked at.
const poll = 50 * time.Millisecond

// eventually waits until ok returns nil.
func eventually(t *testing.T, within time.Duration, ok func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(poll)
	}
}
