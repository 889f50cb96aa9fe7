package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pando-go/pando/examples/internal/proctest"
)

// quiet is long enough for a node to found a cluster, if it would.
const quiet = 5 * time.Second

func TestSystemFirstSeedLast(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 3)
	g.start(2)
	g.aloneFor(quiet, 2) // an ordinary node alone
	g.start(1)
	g.aloneFor(quiet, 1, 2) // with a seed that is not the first
	g.start(0)
	id := g.agree(upTime, 0, 1, 2)

	before, err := g.members(1)
	if err != nil {
		t.Fatal(err)
	}
	g.kill(0)
	g.start(0)
	proctest.Eventually(t, lossTime, func() error {
		for i := range 3 { // at no moment a second cluster
			if s, err := g.members(i); err == nil && s.ClusterID != "" && s.ClusterID != id {
				t.Fatalf("node %d: got cluster %s, want %s", i, s.ClusterID, id)
			}
		}
		_, err := g.agreed(0, 1, 2)
		if err != nil {
			return err
		}
		after, err := g.members(1)
		if err == nil && uidOf(after, g.listen[0]) == uidOf(before, g.listen[0]) {
			return fmt.Errorf("%s still has the UID of its first life", g.listen[0])
		}
		return err
	})
}

func TestSystemSeedAloneNeverFounds(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 2)
	g.start(1)
	g.aloneFor(quiet, 1)
}

func uidOf(s clusterState, address string) string {
	for _, m := range s.Members {
		if m.Address == address {
			return m.UID
		}
	}
	return ""
}

func TestSystemTwoNodesLeft(t *testing.T) {
	proctest.Skip(t)
	t.Run("the oldest lives on", func(t *testing.T) {
		t.Parallel()
		g := newGrove(t, 2)
		g.start(0)
		g.start(1)
		id := g.agree(upTime, 0, 1)
		g.kill(1)
		if got := g.agree(lossTime, 0); got != id {
			t.Errorf("got cluster %s, want %s", got, id)
		}
	})
	t.Run("the other one does not", func(t *testing.T) {
		t.Parallel()
		g := newGrove(t, 2)
		g.start(0)
		g.start(1)
		g.agree(upTime, 0, 1)
		g.kill(0)
		unreachable := func() error {
			s, err := g.members(1)
			if err != nil {
				return err
			}
			if len(s.Members) != 2 || s.Members[0].Reachable {
				return fmt.Errorf("got %+v, want 2 members, the first one unreachable", s.Members)
			}
			return nil
		}
		proctest.Eventually(t, lossTime, unreachable)
		for end := time.Now().Add(quiet); time.Now().Before(end); time.Sleep(proctest.Poll) {
			if err := unreachable(); err != nil {
				t.Fatalf("without the older half: %v", err)
			}
		}
	})
}

func TestSystemSpellingsOfSeeds(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 2)
	spelt := strings.ReplaceAll(g.seeds, "127.0.0.1", "localhost")
	g.seeds = spelt
	g.start(0) // finds itself at the head of the list
	g.seeds = strings.ReplaceAll(spelt, "localhost", "127.0.0.1")
	g.start(1)
	g.agree(upTime, 0, 1)
}

func TestSystemOtherNameIsRefused(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 2)
	g.start(0)
	g.agree(upTime, 0)
	g.name = "gossip"
	stranger := g.start(1)
	both := func(text string) error {
		if !strings.Contains(text, `"chat"`) || !strings.Contains(text, `"gossip"`) {
			return fmt.Errorf(`got %q, want both names, "chat" and "gossip"`, text)
		}
		return nil
	}
	proctest.Eventually(t, upTime, func() error {
		code, why := g.ready(1)
		if code != http.StatusServiceUnavailable {
			return fmt.Errorf("got /ready %d, want 503", code)
		}
		return both(why)
	})
	proctest.Eventually(t, upTime, func() error { return both(strings.ReplaceAll(stranger.Log.String(), `\"`, `"`)) })
	if s, err := g.members(1); err != nil || s.ClusterID != "" {
		t.Errorf("the refused node: got %+v, %v; want no cluster", s, err)
	}
	g.agree(upTime, 0)
}

func TestSystemLeaving(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 3)
	for i := range 3 {
		g.start(i)
	}
	g.agree(upTime, 0, 1, 2)
	stop := g.watch(0)
	g.stop(2)
	g.agree(upTime, 0, 1)
	seen := map[string]bool{}
	for _, s := range stop() {
		for _, m := range s.Members {
			if m.Address != g.listen[2] {
				continue
			}
			seen[m.Status] = true
			if !m.Reachable {
				t.Errorf("%s was unreachable while it was %s", m.Address, m.Status)
			}
		}
	}
	if !seen["leaving"] || seen["down"] {
		t.Errorf("got statuses %v, want leaving and never down", seen)
	}
}

func TestSystemFirstSeedLeaves(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 3)
	for i := range 3 {
		g.start(i)
	}
	id := g.agree(upTime, 0, 1, 2)
	g.stop(0)
	g.agree(upTime, 1, 2)
	g.start(0)
	if got := g.agree(upTime, 0, 1, 2); got != id {
		t.Errorf("got cluster %s after its return, want %s", got, id)
	}
}

// consecutive finds two runs of three free ports, and returns their first addresses.
func consecutive(t *testing.T) (listen, page string) {
	t.Helper()
	for range 100 {
		all := proctest.Ports(t, 2)
		places, err := launchConfig{listen: all[0], http: all[1]}.places()
		if err == nil && checkPorts(places) == nil {
			return all[0], all[1]
		}
	}
	t.Fatal("no three consecutive ports are free")
	return "", ""
}

// launcherGrove runs the launcher and returns its three nodes as a grove.
func launcherGrove(t *testing.T) (*grove, *process) {
	t.Helper()
	listen, page := consecutive(t)
	places, err := launchConfig{listen: listen, http: page}.places()
	if err != nil {
		t.Fatal(err)
	}
	g := &grove{t: t}
	for _, p := range places {
		g.listen, g.http = append(g.listen, p.listen), append(g.http, p.http)
	}
	p := start(t, "-listen", listen, "-http", page)
	g.agree(upTime, 0, 1, 2)
	return g, p
}

// gone waits until no node of the grove answers any more.
func (g *grove) gone(within time.Duration) {
	g.t.Helper()
	proctest.Eventually(g.t, within, func() error {
		for i := range g.http {
			if code, _ := g.ready(i); code != 0 {
				return fmt.Errorf("node %d still answers", i)
			}
		}
		return nil
	})
}

func TestSystemLauncherStops(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g, p := launcherGrove(t)
	proctest.Eventually(t, upTime, func() error {
		if !strings.Contains(p.Log.String(), "all 3 nodes are up") {
			return fmt.Errorf("got output %q, want that all 3 nodes are up", p.Log)
		}
		return nil
	})
	if err := p.Cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.Ends(3*leaveTime + upTime); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	g.gone(upTime)
	out := p.Log.String()
	ordinary, seed, first := strings.Index(out, "the ordinary"), strings.Index(out, "the seed"), strings.Index(out, "the first seed")
	if ordinary < 0 || seed < ordinary || first < seed || strings.Contains(out, "killed") {
		t.Errorf("got this end, want ordinary, seed, first seed, none of them killed:\n%s", out)
	}
}

func TestSystemLauncherKilled(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g, p := launcherGrove(t)
	p.Kill()
	g.gone(leaveTime + upTime)
}

func TestSystemLauncherLosesAChild(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g, p := launcherGrove(t)
	pid := 0
	for line := range strings.Lines(p.Log.String()) {
		if _, after, ok := strings.Cut(line, g.listen[1]+", process "); ok {
			pid, _ = strconv.Atoi(strings.TrimSpace(after)) // 0 fails below
		}
	}
	if pid == 0 {
		t.Fatalf("got no process of %s in %q", g.listen[1], p.Log)
	}
	seed, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := seed.Kill(); err != nil {
		t.Fatal(err)
	}
	g.agree(lossTime, 0, 2)
	proctest.Eventually(t, upTime, func() error {
		for _, want := range []string{"the seed (" + g.listen[1] + ") has ended", "the others go on", g.listen[1] + "  unreachable", g.listen[1] + "  removed"} {
			if !strings.Contains(p.Log.String(), want) {
				return fmt.Errorf("got output %q, want %q in it", p.Log, want)
			}
		}
		return nil
	})
}

func TestSystemPortTaken(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 1)
	g.start(0)
	g.agree(upTime, 0)
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"launcher, for nodes", "-listen", []string{"-listen", g.listen[0]}},
		{"launcher, for pages", "-http", []string{"-http", g.http[0]}},
		{"node, for nodes", "-listen", []string{"node", "-listen", g.listen[0], "-seeds", g.seeds, "-http", "127.0.0.1:0"}},
		{"node, for pages", "-http", []string{"node", "-listen", "127.0.0.1:1", "-seeds", g.seeds, "-http", g.http[0]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if len(args) == 2 { // the other one free, too
				other := map[string]string{"-listen": "-http", "-http": "-listen"}[args[0]]
				args = append(args, other, proctest.Ports(t, 1)[0])
			}
			p := start(t, args...)
			code, out := p.Ends(upTime), p.Log.String()
			if code != 2 || !strings.Contains(out, "is taken") || !strings.Contains(out, c.want) {
				t.Errorf("got exit code %d and %q, want 2 and that it is taken, with %s", code, out, c.want)
			}
		})
	}
}

// TestSystemClientGoesOn: the terminal client's node dies while it talks.
func TestSystemClientGoesOn(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 3)
	for i := range 3 {
		g.start(i)
	}
	g.agree(upTime, 0, 1, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	ada, bob := newTalker(g.http[2], "go", "ada"), newTalker(g.http[0], "go", "bob")
	var running sync.WaitGroup
	for _, k := range []*talker{ada, bob} {
		running.Go(func() {
			if err := k.client.run(ctx); !errors.Is(err, errDone) {
				t.Errorf("%s: %v", k.client.user, err)
			}
		})
	}
	defer running.Wait()
	defer cancel(errDone)
	var want []string
	say := func(from, to int) {
		for i := from; i < to; i++ {
			if err := ada.client.say(ctx, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			want = append(want, fmt.Sprint("ada: ", i))
		}
	}
	say(0, 100)
	proctest.Eventually(t, upTime, func() error { return bob.atLeast(10) })
	g.kill(2) // some of the lines are on their way
	say(100, 150)
	bound, done := context.WithTimeout(ctx, lossTime)
	defer done()
	if err := ada.client.settled(bound); err != nil {
		t.Fatalf("ada's lines: %v", err)
	}
	for _, k := range []*talker{ada, bob} {
		proctest.Eventually(t, upTime, func() error { return k.atLeast(len(want)) })
		k.mu.Lock()
		same(t, k.client.user+" heard", k.heard, want)
		k.mu.Unlock()
	}
}

func TestSystemPipe(t *testing.T) {
	proctest.Skip(t)
	t.Parallel()
	g := newGrove(t, 1)
	g.start(0)
	g.agree(upTime, 0)
	var out, notes proctest.Output
	err := joinPipe(t.Context(), newClient(g.http[0], "go", "ada"), strings.NewReader("one\n\n two \r\nthree"), &out, &notes)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "output", out.String(), "ada: one\nada:  two \nada: three\n")
	if !strings.Contains(notes.String(), "* here: ada") {
		t.Errorf("got notes %q, want who is here", notes.String())
	}
	err = joinPipe(t.Context(), newClient(g.http[0], "go", "a\x01"), strings.NewReader("one"), &out, &notes)
	if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "control character") {
		t.Errorf("with a bad name: got %v, want errRefused with the reason", err)
	}
}
