package clienttest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	root   = "../../.." // of the repository
	upTime = 40 * time.Second
	poll   = 50 * time.Millisecond
)

var program string // where build puts the kv command; set by TestMain

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kv")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "kv")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var build = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-o", program, "./examples/kv")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build kv: %w\n%s", err, out)
	}
	return nil
})

// cluster is processes of the kv command.
type cluster struct {
	t               *testing.T
	listen, clients []string
	flags           []string
	nodes           []*node // by number; nil = not running
}

type node struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  strings.Builder // read once done is closed
}

// newCluster finds addresses for n nodes. The first two are the seeds.
func newCluster(t *testing.T, n int, level string, flags ...string) *cluster {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, flags: append(flags, "-level", level), nodes: make([]*node, n)}
	for i := range 2 * n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found, so that they differ
		if i < n {
			c.listen = append(c.listen, l.Addr().String())
		} else {
			c.clients = append(c.clients, l.Addr().String())
		}
	}
	return c
}

// start starts nodes.
func (c *cluster) start(nodes ...int) {
	c.t.Helper()
	for _, i := range nodes {
		n := &node{done: make(chan struct{})}
		n.cmd = exec.Command(program, append([]string{"node", "-listen", c.listen[i], "-clients", c.clients[i],
			"-seeds", strings.Join(c.listen[:2], ",")}, c.flags...)...)
		n.cmd.Stderr = &n.log
		if err := n.cmd.Start(); err != nil {
			c.t.Fatal(err)
		}
		go func() { defer close(n.done); _ = n.cmd.Wait() }()
		c.nodes[i] = n
		c.t.Cleanup(func() {
			_ = n.cmd.Process.Kill() // it may have ended
			<-n.done
			if c.t.Failed() {
				c.t.Logf("output of node %d:\n%s", i, n.log.String())
			}
		})
	}
}

// kill is SIGKILL.
func (c *cluster) kill(i int) {
	_ = c.nodes[i].cmd.Process.Kill()
	<-c.nodes[i].done
	c.nodes[i] = nil
}

// stop is SIGTERM, and waits for the end.
func (c *cluster) stop(i int) {
	c.t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-c.nodes[i].done:
	case <-time.After(2 * upTime):
		c.t.Fatalf("node %d has not stopped", i)
	}
	if code := c.nodes[i].cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Fatalf("node %d: got exit code %d after SIGTERM, want 0", i, code)
	}
	c.nodes[i] = nil
}

// settled waits until each of the nodes says that exactly so many nodes have all
// slots.
func (c *cluster) settled(nodes ...int) {
	c.t.Helper()
	eventually(c.t, upTime, func() error {
		for _, i := range nodes {
			info, err := clusterInfo(c.clients[i])
			if err != nil {
				return err
			}
			for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_size:%d", len(nodes)), fmt.Sprintf("cluster_known_nodes:%d", len(nodes))} {
				if !strings.Contains(info, want+"\n") {
					return fmt.Errorf("node %d: no %s in\n%s", i, want, info)
				}
			}
		}
		return nil
	})
}

func clusterInfo(address string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("CLUSTER INFO\r\nQUIT\r\n")); err != nil {
		return "", err
	}
	var text strings.Builder
	for in := bufio.NewScanner(conn); in.Scan(); {
		text.WriteString(in.Text() + "\n")
	}
	return text.String(), nil
}

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
