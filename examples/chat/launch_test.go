package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/examples/internal/launcher"
)

func TestFlags(t *testing.T) {
	parseAll := map[string]func([]string) error{
		"":     func(a []string) error { _, err := parseLaunch(a, io.Discard); return err },
		"node": func(a []string) error { _, err := parseNode(a, io.Discard); return err },
		"join": func(a []string) error { _, err := parseJoin(a, io.Discard); return err },
	}
	for _, c := range []struct{ name, line, want string }{
		{"launcher", "", ""},
		{"launcher, other ports", "-listen 127.0.0.1:9001 -http 127.0.0.1:9081", ""},
		{"launcher, no port", "-listen 127.0.0.1", "-listen"},
		{"launcher, argument", "-v extra", `unexpected argument "extra"`},
		{"launcher, unknown flag", "-x", "-x"},
		{"node", "node -listen 127.0.0.1:7001 -seeds 127.0.0.1:7001 -http 127.0.0.1:8081", ""},
		{"node, no listen", "node -seeds 127.0.0.1:7001 -http 127.0.0.1:8081", "-listen is missing"},
		{"node, no http", "node -listen 127.0.0.1:7001 -seeds 127.0.0.1:7001", "-http is missing"},
		{"node, no seeds", "node -listen 127.0.0.1:7001 -http 127.0.0.1:8081", "-seeds is missing"},
		{"node, bad seed", "node -listen 127.0.0.1:7001 -http 127.0.0.1:8081 -seeds 127.0.0.1", "-seeds"},
		{"node, port too high", "node -listen 127.0.0.1:70001 -seeds 127.0.0.1:1 -http 127.0.0.1:8081", "not a port"},
		{"node, port 0", "node -listen 127.0.0.1:0 -seeds 127.0.0.1:1 -http 127.0.0.1:8081", "not a port"},
		{"node, bad advertise", "node -listen 127.0.0.1:7001 -advertise x -seeds 127.0.0.1:1 -http 127.0.0.1:8081", "-advertise"},
		{"join", "join -room go -user ada", ""},
		{"join, no user", "join -room go -user=", "-user is missing"},
		{"join, bad room", "join -room \x01 -user ada", "-room contains"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, args := command(strings.Fields(c.line))
			err := parseAll[name](args)
			var usage *usageError
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want nil", err)
			case c.want != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want a usage error with %q", err, c.want)
			}
		})
	}
}

func TestHelpHasExamples(t *testing.T) {
	var out bytes.Buffer
	for name, err := range map[string]error{
		"launcher": launchMain([]string{"-h"}, &out, &out),
		"node":     nodeMain([]string{"-h"}, &out),
		"join":     joinMain([]string{"-h"}, &out),
	} {
		if !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: got %v, want flag.ErrHelp", name, err)
		}
	}
	if got := strings.Count(out.String(), "Examples"); got != 3 {
		t.Errorf("got %d Examples, want 3", got)
	}
	if code := report(flag.ErrHelp, io.Discard); code != 0 {
		t.Errorf("exit code of -h: got %d, want 0", code)
	}
	if code := report(usagef("no"), io.Discard); code != 2 {
		t.Errorf("exit code of a wrong call: got %d, want 2", code)
	}
}

func TestPlacesCountUp(t *testing.T) {
	places, err := launchConfig{listen: "127.0.0.1:7001", http: "[::1]:8081"}.places()
	if err != nil {
		t.Fatal(err)
	}
	want := []place{
		{"first seed", "127.0.0.1:7001", "[::1]:8081"},
		{"seed", "127.0.0.1:7002", "[::1]:8082"},
		{"ordinary", "127.0.0.1:7003", "[::1]:8083"},
	}
	if !slices.Equal(places, want) {
		t.Errorf("got %v, want %v", places, want)
	}
	if _, err := (launchConfig{listen: "127.0.0.1:65534", http: "127.0.0.1:8081"}).places(); err == nil || !strings.Contains(err.Error(), "-listen") {
		t.Errorf("past the last port: got %v, want an error that names -listen", err)
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()
	for _, c := range []struct {
		name string
		p    place
		want string
	}{
		{"for nodes", place{"seed", address, "127.0.0.1:0"}, "-listen"},
		{"for pages", place{"seed", "127.0.0.1:0", address}, "-http"},
	} {
		err := checkPorts([]place{c.p})
		if err == nil || !strings.Contains(err.Error(), address+" is taken") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want that %s is taken and %s", c.name, err, address, c.want)
		}
	}
}

func TestReachable(t *testing.T) {
	for _, c := range []struct{ listener, advertised, want string }{
		{"127.0.0.1:8081", "10.0.0.1:7001", "127.0.0.1:8081"},
		{"0.0.0.0:8081", "10.0.0.1:7001", "10.0.0.1:8081"},
		{"[::]:8081", "node1:7001", "node1:8081"},
	} {
		address, err := net.ResolveTCPAddr("tcp", c.listener)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(address, c.advertised); got != c.want {
			t.Errorf("%s: got %s, want %s", c.listener, got, c.want)
		}
	}
}

func TestFollowerTellsChanges(t *testing.T) {
	var out bytes.Buffer
	f := follower{out: &printer{w: &out, now: func() time.Time { return noon }}, want: 2}
	state := func(leader string, members ...memberState) clusterState {
		return clusterState{ClusterID: "0190", Leader: leader, Members: members}
	}
	is := func(port, uid string, status member.Status, reachable bool) memberState {
		return memberState{Address: "127.0.0.1:" + port, UID: uid, Status: status.String(), Reachable: reachable}
	}
	for _, step := range []struct {
		name  string
		state clusterState
		want  []string
	}{
		{"outside", clusterState{}, nil},
		{"founded", state("127.0.0.1:7001", is("7001", "1", member.Up, true)),
			[]string{"cluster 0190", "127.0.0.1:7001  up", "127.0.0.1:7001  leads"}},
		{"the same again", state("127.0.0.1:7001", is("7001", "1", member.Up, true)), nil},
		{"second joins", state("127.0.0.1:7001", is("7001", "1", member.Up, true), is("7002", "2", member.Joining, true)), []string{"127.0.0.1:7002  joining"}},
		{"second is up", state("127.0.0.1:7001", is("7001", "1", member.Up, true), is("7002", "2", member.Up, true)),
			[]string{"127.0.0.1:7002  up", "all 2 nodes are up"}},
		{"first is lost", state("127.0.0.1:7002", is("7001", "1", member.Up, false), is("7002", "2", member.Up, true)),
			[]string{"127.0.0.1:7001  unreachable", "127.0.0.1:7002  leads"}},
		{"first is back", state("127.0.0.1:7001", is("7001", "1", member.Up, true), is("7002", "2", member.Up, true)),
			[]string{"127.0.0.1:7001  reachable again", "127.0.0.1:7001  leads"}},
		{"first is gone", state("127.0.0.1:7002", is("7002", "2", member.Up, true)),
			[]string{"127.0.0.1:7001  removed", "127.0.0.1:7002  leads"}},
	} {
		out.Reset()
		f.see(step.state)
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, strings.TrimPrefix(strings.TrimSpace(line), "12:00:00  "))
		}
		same(t, step.name, got, step.want)
	}
}

func TestPrinterNamesTheNode(t *testing.T) {
	var out bytes.Buffer
	p := &printer{w: &out, now: func() time.Time { return noon }}
	launcher.EachLine(strings.NewReader("one\r\ntwo"), p.of(place{title: "seed"}))
	same(t, "output", out.String(), "12:00:00  seed       │ one\n12:00:00  seed       │ two\n")
}

func TestEachEvent(t *testing.T) {
	var got []string
	stream := ": beat\n\nevent: a\ndata: 1\n\nevent: b\ndata: 2\ndata: 3\n\nevent: cut off\ndata: 4\n"
	err := eachEvent(strings.NewReader(stream), func(name string, data []byte) error {
		got = append(got, name+"="+string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "events", got, []string{"a=1", "b=23"})
}
