package hosts

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding"
)

// asNode makes the test binary a cluster node on its host; its value is a
// nodeSetup.
const asNode = "PANDO_HOSTS_NODE"

type nodeSetup struct {
	IP    string
	Seeds []string
}

const (
	entities  = 12                    // that each node writes to all the time
	writeEach = 20 * time.Millisecond // per entity and node
)

// report is one line that a node prints. All hosts share one clock, which is
// the outside clock that the beginnings of message handling are compared on.
type report struct {
	At     int64    // as sinceBoot tells
	Begin  string   `json:",omitempty"` // this entity begins to handle a message
	Copy   string   `json:",omitempty"` // in this copy
	Up     []string `json:",omitempty"` // the members that are up and reachable
	Agreed bool     `json:",omitempty"` // and the newest view is active
	UID    string   `json:",omitempty"` // of this node
	Log    string   `json:",omitempty"`
}

// sinceBoot returns the nanoseconds that the machine has been up for: the same in
// all processes, and unlike the time of day never set back.
func sinceBoot() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock is always there
	}
	return t.Nano()
}

// reporter prints reports whole, from any goroutine.
type reporter struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (r *reporter) print(one report) {
	one.At = sinceBoot()
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.out.Encode(one)
}

// Write passes log lines on.
func (r *reporter) Write(p []byte) (int, error) {
	r.print(report{Log: strings.TrimSpace(string(p))})
	return len(p), nil
}

var copies atomic.Uint64

// beater is an entity that reports each message that it begins to handle.
type beater struct {
	id, copy string
	out      *reporter
}

func (b *beater) Receive(*actor.Context[*emptypb.Empty], *emptypb.Empty) error {
	b.out.print(report{Begin: b.id, Copy: b.copy})
	return nil
}

// runNode is a node process: it hosts entities, writes to all of them, and
// reports twenty times a second what it sees.
func runNode(text string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var s nodeSetup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	out := &reporter{out: json.NewEncoder(os.Stdout)}
	kind := actor.NewKind("beater", func(id string) actor.Behavior[*emptypb.Empty] {
		return &beater{id, fmt.Sprintf("%s %d %d", s.IP, os.Getpid(), copies.Add(1)), out}
	})
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "hosts", Listen: s.IP + ":7000", Seeds: s.Seeds, Plaintext: true, Timing: engine.Fast(),
		Services: []clusterd.Service{sharding.Host(kind)},
		Logger:   slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		return err
	}
	defer node.Close()
	for i := range entities {
		ref := sharding.Ref(node, kind, fmt.Sprint("e", i))
		go func() {
			for ; ctx.Err() == nil; time.Sleep(writeEach) {
				ref.Tell(&emptypb.Empty{})
			}
		}()
	}
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		v := node.View()
		var up []string
		for _, m := range v.Members {
			if m.Status == member.Up && m.Reachable {
				up = append(up, m.Address)
			}
		}
		agreed := v.Converged && len(up) == len(v.Members)
		out.print(report{Up: up, Agreed: agreed, UID: fmt.Sprintf("%x", node.Self().UID)})
	}
	return nil
}

// host is a node process as its test sees it.
type host struct {
	t   *testing.T
	i   int
	lan *LAN
	log []string // owned by the reader until done is closed

	mu     sync.Mutex
	last   report   // the newest that tells of members
	begins []report // in the order in which they were printed
	stop   func(syscall.Signal)
	done   chan struct{}
}

// startNode starts a node on host i.
func startNode(t *testing.T, lan *LAN, i int, seeds []string) *host {
	t.Helper()
	setup, err := json.Marshal(nodeSetup{IP: lan.IP(i), Seeds: seeds})
	if err != nil {
		t.Fatal(err)
	}
	cmd := lan.Command(i, os.Args[0])
	cmd.Env = append(os.Environ(), asNode+"="+string(setup))
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, i: i, lan: lan, done: make(chan struct{})}
	h.stop = func(s syscall.Signal) { _ = cmd.Process.Signal(s) } // it may have ended
	go func() {
		defer close(h.done)
		in := bufio.NewScanner(out)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			h.take(in.Bytes())
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		h.stop(syscall.SIGCONT)
		h.stop(syscall.SIGKILL)
		<-h.done
		if t.Failed() {
			t.Logf("host %d:\n%s", i, strings.Join(h.log, "\n"))
		}
	})
	return h
}

func (h *host) take(text []byte) {
	var r report
	if json.Unmarshal(text, &r) != nil {
		h.log = append(h.log, string(text))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.Log != "":
		h.log = append(h.log, r.Log)
	case r.Begin != "":
		h.begins = append(h.begins, r)
	default:
		h.last = r
	}
}

func (h *host) state() report {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// agrees reports whether the node said, after since, that exactly these hosts
// are the members.
func (h *host) agrees(since int64, hosts []int) bool {
	s := h.state()
	if !s.Agreed || len(s.Up) != len(hosts) || s.At < since {
		return false
	}
	for j, i := range hosts {
		if s.Up[j] != h.lan.IP(i)+":7000" {
			return false
		}
	}
	return true
}
