package main

import (
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pando-go/pando/examples/internal/proctest"
)

// rows returns n rows of nodesAtStart loopback addresses, one port after the other,
// that were free a moment ago.
func rows(t *testing.T, n int) (found [][]string) {
	t.Helper()
	for range 100 * n {
		row := []string{proctest.Ports(t, 1)[0]}
		for i := 1; i < nodesAtStart; i++ {
			next, err := addPort("listen", row[0], i)
			if err != nil {
				break
			}
			row = append(row, next)
		}
		shared := slices.ContainsFunc(row, func(a string) bool { return slices.Contains(slices.Concat(found...), a) })
		if shared || len(row) < nodesAtStart || checkFree("listen", row) != nil {
			continue
		}
		if found = append(found, row); len(found) == n {
			return found
		}
	}
	t.Fatal("no consecutive ports are free")
	return nil
}

// TestSystemLauncher runs the launcher as a person does: three nodes come up, one of
// them is killed, which is told and costs no key, and SIGTERM stops the others.
func TestSystemLauncher(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	both := rows(t, 2)
	g := &grove{t: t, listen: both[0], clients: both[1]}
	p := start(t, "-listen", g.listen[0], "-clients", g.clients[0])
	p.Says(upTime, "all 3 nodes are up and serve all 16384 slots", "redis-cli -c -h 127.0.0.1 -p "+g.port(0))
	if out := g.cli(0, "-c", "set", "foo", "bar"); out != "OK" {
		t.Errorf("set foo: got %q", out)
	}
	if keys := g.checked(upTime, 0, 1, 2); keys != 1 {
		t.Errorf("got %d keys, want 1", keys)
	}

	child, err := os.FindProcess(childAt(t, p.Log.String(), g.clients[1]))
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	p.Says(upTime, "node "+g.clients[1]+" has ended: signal: killed", "the others go on")
	g.checked(lossTime, 0, 2)
	if out := g.cli(2, "-c", "get", "foo"); out != "bar" {
		t.Errorf("get foo after a node was killed: got %q", out)
	}

	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.Ends(2*leaveTime + upTime); code != 0 {
		t.Errorf("got exit code %d after SIGTERM, want 0", code)
	}
	p.Says(upTime, "stopping all", "node "+g.clients[2]+" has stopped\n", "node "+g.clients[0]+" has stopped\n")
	for _, address := range g.clients {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

// childAt is the process of the node that serves clients at an address, as the
// launcher has printed it.
func childAt(t *testing.T, printed, clients string) int {
	t.Helper()
	for line := range strings.Lines(printed) {
		if text, ok := strings.CutPrefix(line, "node "+clients+" is process "); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
				return pid
			}
		}
	}
	t.Fatalf("no process of %s in %q", clients, printed)
	return 0
}
