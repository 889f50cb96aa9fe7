package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// upTime bounds what takes the protocols about 3 seconds: founding, joining,
// leaving, a room's move. lossTime bounds what takes them about 10: the removal
// of a node that was killed.
const (
	upTime   = 20 * time.Second
	lossTime = 40 * time.Second
)

// process is one real process of the chat command.
type process struct {
	t            *testing.T
	cmd          *exec.Cmd
	listen, http string
	log          *lockedBuffer
	done         chan struct{}
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

// start runs the chat command, and kills it at the end of the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), log: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asChat+"=1")
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
	t            *testing.T
	name         string
	listen, http []string
	seeds        string
	nodes        []*process // by number; nil = not running
}

// newGrove finds addresses for n nodes, sorted, so that a lower number wins
// the lead. The first two are the seeds.
func newGrove(t *testing.T, n int) *grove {
	t.Helper()
	all := ports(t, 2*n)
	g := &grove{t: t, name: "chat", listen: all[:n], http: all[n:], nodes: make([]*process, n)}
	slices.SortFunc(g.listen, member.CompareAddress)
	g.seeds = g.listen[0]
	if n > 1 {
		g.seeds += "," + g.listen[1]
	}
	return g
}

// start starts node i.
func (g *grove) start(i int, args ...string) *process {
	g.t.Helper()
	p := start(g.t, append([]string{"node", "-name", g.name, "-listen", g.listen[i], "-seeds", g.seeds, "-http", g.http[i]}, args...)...)
	p.listen, p.http = g.listen[i], g.http[i]
	g.nodes[i] = p
	return p
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

// web is the client of tests: it keeps no connection.
var web = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// members asks node i.
func (g *grove) members(i int) (clusterState, error) {
	return getMembers(g.t.Context(), web, g.http[i])
}

// agreed checks that exactly the nodes in want are up, reachable and agreed, as
// each of them sees it. It returns the cluster's id.
func (g *grove) agreed(want ...int) (id string, err error) {
	var addresses []string
	for _, i := range want {
		addresses = append(addresses, g.listen[i])
	}
	slices.Sort(addresses)
	leader := ""
	for n, i := range want {
		s, err := g.members(i)
		if err != nil {
			return "", err
		}
		var up []string
		for _, m := range s.Members {
			if m.Status != "up" || !m.Reachable {
				return "", fmt.Errorf("node %d: %s is %s, reachable %v", i, m.Address, m.Status, m.Reachable)
			}
			up = append(up, m.Address)
		}
		slices.Sort(up)
		if !slices.Equal(up, addresses) {
			return "", fmt.Errorf("node %d: got %v, want %v", i, up, addresses)
		}
		if n > 0 && (s.ClusterID != id || s.Leader != leader) {
			return "", fmt.Errorf("node %d: got cluster %s led by %s, want %s led by %s", i, s.ClusterID, s.Leader, id, leader)
		}
		if s.Leader == "" || s.ClusterID == "" {
			return "", fmt.Errorf("node %d: got cluster %q led by %q", i, s.ClusterID, s.Leader)
		}
		id, leader = s.ClusterID, s.Leader
	}
	return id, nil
}

// agree waits until agreed.
func (g *grove) agree(within time.Duration, want ...int) (id string) {
	g.t.Helper()
	eventually(g.t, within, func() (err error) {
		id, err = g.agreed(want...)
		return err
	})
	return id
}

// aloneFor checks that none of the nodes is in a cluster, for a while, and that
// /ready says why not.
func (g *grove) aloneFor(d time.Duration, nodes ...int) {
	g.t.Helper()
	for _, i := range nodes {
		eventually(g.t, upTime, func() error { _, err := g.members(i); return err })
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(poll) {
		for _, i := range nodes {
			s, err := g.members(i)
			if err != nil {
				g.t.Fatal(err)
			}
			if s.ClusterID != "" || len(s.Members) > 0 {
				g.t.Fatalf("node %d: got cluster %q with %v, want none", i, s.ClusterID, s.Members)
			}
		}
	}
	for _, i := range nodes {
		if code, why := g.ready(i); code != http.StatusServiceUnavailable || why == "" {
			g.t.Errorf("node %d: got /ready %d %q, want 503 with a reason", i, code, why)
		}
	}
}

// ready asks node i; code is 0 if it does not answer.
func (g *grove) ready(i int) (code int, why string) {
	r, err := web.Get("http://" + g.http[i] + "/ready")
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	var text strings.Builder
	_ = r.Write(&text) // for the failure's text only
	return r.StatusCode, text.String()
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

// watch collects every state of the cluster that node i tells on /events, until
// the test ends or stop is called, which returns them.
func (g *grove) watch(i int) (stop func() []clusterState) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	var states []clusterState
	done, first := make(chan error, 1), make(chan struct{})
	go func() {
		begun := sync.OnceFunc(func() { close(first) })
		done <- readEvents(ctx, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, g.http[i], func(s clusterState) {
			s.Members = slices.Clone(s.Members)
			states = append(states, s)
			begun()
		})
		begun()
	}()
	<-first
	return func() []clusterState {
		g.t.Helper()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			g.t.Errorf("/events of node %d ended early: %v", i, err)
		}
		return states
	}
}
