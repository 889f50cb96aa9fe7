package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/examples/internal/proctest"
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
	*proctest.Process
	listen, http string
}

// start runs the chat command, and kills it at the end of the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return &process{Process: proctest.Start(t, asChat, args...)}
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
	all := proctest.Ports(t, 2*n)
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
	proctest.Eventually(g.t, within, func() (err error) {
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
		proctest.Eventually(g.t, upTime, func() error { _, err := g.members(i); return err })
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(proctest.Poll) {
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
