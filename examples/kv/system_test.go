package main

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/examples/internal/proctest"
)

// TestSystemClients drives a cluster that grows from 3 to 5 nodes and shrinks
// again with the programs of Debian's redis-tools.
func TestSystemClients(t *testing.T) {
	proctest.Skip(t)
	for _, level := range []string{"memory", "quorum"} {
		t.Run(level, func(t *testing.T) { clientsStory(t, level) })
	}
}

func clientsStory(t *testing.T, level string) {
	g := newGrove(t, 5, level)
	g.start(0, 1, 2)
	if keys := g.checked(upTime, 0, 1, 2); keys != 0 {
		t.Errorf("an empty cluster: got %d keys", keys)
	}

	const many = 40
	for i := range many {
		if out := g.cli(i%3, "-c", "set", fmt.Sprintf("key%d", i), fmt.Sprint(i)); out != "OK" {
			t.Fatalf("set key%d: got %q", i, out)
		}
	}
	all := func(nodes ...int) {
		t.Helper()
		for i := range many {
			if out := g.cli(nodes[i%len(nodes)], "-c", "get", fmt.Sprintf("key%d", i)); out != fmt.Sprint(i) {
				t.Fatalf("get key%d: got %q", i, out)
			}
		}
	}
	all(0, 1, 2)
	if level != "memory" { // once is enough
		managed(t, g, many)
	}
	redirected(t, g)
	multiByCLI(t, g)

	g.start(3, 4)
	g.holds("after two joined", many+1, upTime, 0, 1, 2, 3, 4)
	all(0, 1, 2, 3, 4)
	benchmark(t, g)
	before := g.checked(upTime, 0, 1, 2, 3, 4)

	g.stop(0)
	g.holds("after one left", before, upTime, 1, 2, 3, 4)
	all(1, 2, 3, 4)

	g.kill(4)
	g.checked(lossTime, 1, 2, 3)
	if level != "memory" {
		g.holds("after one was killed", before, lossTime, 1, 2, 3)
		all(1, 2, 3)
	}
	if out := g.cli(1, "-c", "set", "after", "all"); out != "OK" {
		t.Errorf("after one was killed: got %q", out)
	}
}

// holds waits until the nodes count so many keys together. While a slot moves two
// of them may count it for a moment.
func (g *grove) holds(when string, want int, limit time.Duration, nodes ...int) {
	g.t.Helper()
	keys := 0
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if keys = g.checked(limit, nodes...); keys == want {
			return
		}
	}
	g.t.Errorf("%s: got %d keys, want %d", when, keys, want)
}

// managed runs what redis-cli --cluster does for people. What looks works; what
// places slots and nodes by hand is refused with what happens by itself, and leaves
// all as it was.
func managed(t *testing.T, g *grove, keys int) {
	t.Helper()
	ids := []string{g.cli(0, "cluster", "myid"), g.cli(1, "cluster", "myid")}
	const spread = "CLUSTER SETSLOT is not served: slots are spread evenly by themselves"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"info", g.clients[0]}, fmt.Sprintf("[OK] %d keys in 3 masters.", keys)},
		{[]string{"call", g.clients[0], "cluster", "myid"}, g.clients[1] + ": " + ids[1]},
		{[]string{"fix", g.clients[0]}, "[OK] All 16384 slots covered."},
		{[]string{"rebalance", g.clients[0]}, "No rebalancing needed!"},
		{[]string{"rebalance", g.clients[0], "--cluster-weight", ids[0] + "=3"}, spread},
		{[]string{"reshard", g.clients[0], "--cluster-from", ids[0], "--cluster-to", ids[1], "--cluster-slots", "5", "--cluster-yes"}, spread},
		{[]string{"add-node", g.clients[1], g.clients[0]}, "is not empty"},
		{[]string{"del-node", g.clients[0], ids[1]}, "is not empty! Reshard data away"},
	} {
		out, _ := tool(t, "redis-cli", append([]string{"--cluster"}, c.args...)...) // the text says it
		if !strings.Contains(out, c.want) {
			t.Errorf("redis-cli --cluster %s: no %q in %s", c.args[0], c.want, out[max(0, len(out)-400):])
		}
	}
	if got := g.checked(upTime, 0, 1, 2); got != keys {
		t.Errorf("after redis-cli --cluster: got %d keys, want %d", got, keys)
	}
}

// redirected checks that exactly one node answers for a key, and the others send
// there.
func redirected(t *testing.T, g *grove) {
	t.Helper()
	answered, moved := 0, regexp.MustCompile(`^MOVED 12182 127\.0\.0\.1:(\d+)$`)
	for i := range 3 {
		switch out := strings.TrimSpace(g.cli(i, "set", "foo", "bar")); {
		case out == "OK":
			answered++
		case !moved.MatchString(out) || moved.FindStringSubmatch(out)[1] == g.port(i):
			t.Errorf("set foo at node %d: got %q", i, out)
		}
	}
	if answered != 1 {
		t.Errorf("%d nodes answer for one key", answered)
	}
}

// multiByCLI runs MULTI through redis-cli -c, which follows the redirection of
// the first command.
func multiByCLI(t *testing.T, g *grove) {
	t.Helper()
	out, err := tool(t, "sh", "-c", "printf 'get {foo}\\nmulti\\nincr {foo}n\\nincr {foo}n\\ndel {foo}n\\nexec\\n' | redis-cli -c -p "+g.port(0))
	if err != nil || !strings.HasSuffix(out, "QUEUED\nQUEUED\nQUEUED\n1\n2\n1\n") {
		t.Errorf("transaction: got %q, %v", out, err)
	}
}

// benchmark runs redis-benchmark --cluster, which finds the nodes by itself.
func benchmark(t *testing.T, g *grove) {
	t.Helper()
	for _, pipeline := range []string{"1", "16"} {
		out, err := tool(t, "redis-benchmark", "--cluster", "-p", g.port(1), "-t", "set,get,incr,lpush,sadd,hset", "-n", "3000", "-r", "1000", "-P", pipeline, "-q")
		if err != nil || strings.Contains(strings.ToLower(out), "error") {
			t.Errorf("redis-benchmark -P %s: %v: %s", pipeline, err, out)
		}
		for _, want := range []string{"Cluster has 5 master nodes", "SET: ", "GET: ", "HSET: ", "requests per second"} {
			if !strings.Contains(out, want) {
				t.Errorf("redis-benchmark -P %s: no %q in %s", pipeline, want, out)
			}
		}
	}
}

// TestSystemRestart stops a whole cluster at once and starts it again: the keys
// and the nodes' names for clients come from the directories.
func TestSystemRestart(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	dir := t.TempDir()
	g := newGrove(t, 3, "quorum")
	begin := func() {
		for i := range 3 {
			g.flags = []string{"-dir", fmt.Sprintf("%s/%d", dir, i)}
			g.start(i)
		}
		g.checked(lossTime, 0, 1, 2)
	}
	begin()
	ids := g.cli(0, "cluster", "myid")
	for i := range 20 {
		if out := g.cli(0, "-c", "set", fmt.Sprintf("key%d", i), fmt.Sprint(i)); out != "OK" {
			t.Fatalf("set key%d: got %q", i, out)
		}
	}
	for i := range 3 {
		g.kill(i)
	}
	begin()
	if out := g.cli(0, "cluster", "myid"); out != ids {
		t.Errorf("after the restart node 0 is %s, want %s", out, ids)
	}
	for i := range 20 {
		if out := g.cli(i%3, "-c", "get", fmt.Sprintf("key%d", i)); out != fmt.Sprint(i) {
			t.Errorf("get key%d: got %q", i, out)
		}
	}
}

// TestSystemCalledWrongly holds what a person is told.
func TestSystemCalledWrongly(t *testing.T) {
	proctest.Skip(t)
	taken := proctest.Ports(t, 1)[0]
	l, err := net.Listen("tcp", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"node"}, "-listen is missing"},
		{[]string{"node", "-listen", "127.0.0.1:1", "-clients", "nonsense"}, `-clients "nonsense" is not HOST:PORT`},
		{[]string{"node", "-listen", "127.0.0.1:1", "-clients", taken, "-seeds", "127.0.0.1:1"}, taken + " is taken by another process: choose another address with -clients"},
		{[]string{"node", "-level", "some", "-listen", "127.0.0.1:1", "-clients", taken, "-seeds", "127.0.0.1:1"}, `-level "some": it is memory, async, quorum or all`},
		{[]string{"-listen", taken, "-clients", rows(t, 1)[0][0]}, taken + " is taken by another process: choose another address with -listen"},
		{[]string{"-listen", rows(t, 1)[0][0], "-clients", taken}, taken + " is taken by another process: choose another address with -clients"},
		{[]string{"nonsense"}, `there is no command "nonsense"`},
	} {
		p := start(t, c.args...)
		if code := p.Ends(upTime); code != 2 || !strings.Contains(p.Log.String(), c.want) {
			t.Errorf("%v: got exit code %d and %q, want 2 and %q", c.args, code, p.Log, c.want)
		}
	}
}
