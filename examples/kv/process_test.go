package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pando-go/pando/examples/internal/proctest"
)

// upTime bounds what takes the protocols about 3 seconds: founding, joining,
// leaving, moving slots. lossTime bounds what takes them about 10: the removal of
// a node that was killed.
const (
	upTime   = 20 * time.Second
	lossTime = 40 * time.Second
)

// start runs the kv command, and kills it at the end of the test.
func start(t *testing.T, args ...string) *proctest.Process {
	t.Helper()
	return proctest.Start(t, asKV, args...)
}

// grove is a cluster of processes that a test starts and stops one by one.
type grove struct {
	t               *testing.T
	listen, clients []string
	level           string
	flags           []string
	nodes           []*proctest.Process // by number; nil = not running
}

// newGrove finds addresses for n nodes. The first two are the seeds.
func newGrove(t *testing.T, n int, level string, flags ...string) *grove {
	t.Helper()
	all := proctest.Ports(t, 2*n)
	return &grove{t: t, listen: all[:n], clients: all[n:], level: level, flags: flags, nodes: make([]*proctest.Process, n)}
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
	g.nodes[i].Kill()
	g.nodes[i] = nil
}

// stop is SIGTERM, and waits for the end.
func (g *grove) stop(i int) {
	g.t.Helper()
	if err := g.nodes[i].Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	if code := g.nodes[i].Ends(leaveTime + upTime); code != 0 {
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
	proctest.Eventually(g.t, within, func() error {
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
				_, line, _ := strings.Cut(out, g.clients[j]+" (")
				if line, _, _ = strings.Cut(line, "\n"); line == "" || strings.Contains(line, "| 0 slots |") {
					return fmt.Errorf("check through node %d: node %d is missing or without slots: %.300s", i, j, out)
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
