package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding"
)

// setup is what a node process is told.
type setup struct {
	Listen string   // of Pando
	Seeds  []string // of Pando
	Timing string
	Gossip int   // memberlist's port
	Join   []int // memberlist's ports of the others
}

// A node process prints one line for each thing that it learns:
// what it is, the address that it is about, and when, in nanoseconds.
const (
	lineUp          = "up"          // Pando: a member is Up
	lineUnreachable = "unreachable" // Pando: a member is unreachable
	lineRemoved     = "removed"     // Pando: a member was removed
	lineAnswers     = "answers"     // Pando: the entity that stdin named answers, from this address
	lineAlive       = "alive"       // memberlist: a member is there
	lineDead        = "dead"        // memberlist: a member is gone
)

// printer writes lines whole, from any goroutine.
type printer struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *printer) print(what, address string) {
	now := time.Now().UnixNano()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.w, what, address, now)
}

// probe is an entity that tells where it runs.
type probe struct{ address string }

func (p *probe) Receive(c *actor.Context[*wrapperspb.StringValue], _ *wrapperspb.StringValue) error {
	c.Reply(wrapperspb.String(p.address))
	return nil
}

func runNode(ctx context.Context, text string) error {
	var s setup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	timing, err := timingOf(s.Timing)
	if err != nil {
		return err
	}
	out := &printer{w: os.Stdout}
	peers, err := joinMemberlist(s, out)
	if err != nil {
		return err
	}
	defer peers.Shutdown()
	kind := actor.NewKind("probe", func(string) actor.Behavior[*wrapperspb.StringValue] { return &probe{s.Listen} })
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "failover", Listen: s.Listen, Seeds: s.Seeds, Timing: timing,
		Services: []clusterd.Service{sharding.Host(kind)},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer node.Close()
	go tellEvents(ctx, node, out)
	go answerCommands(ctx, node, kind, out)
	<-ctx.Done()
	return nil
}

// tellEvents prints what Pando learns of its members.
func tellEvents(ctx context.Context, node *clusterd.Node, out *printer) {
	tell := func(m clusterd.Member) {
		switch {
		case m.Status == member.Removed:
			out.print(lineRemoved, m.Address)
		case !m.Reachable:
			out.print(lineUnreachable, m.Address)
		case m.Status == member.Up:
			out.print(lineUp, m.Address)
		}
	}
	for e := range node.Events(ctx) {
		switch e := e.(type) {
		case clusterd.Snapshot:
			for _, m := range e.Members {
				tell(m)
			}
		case clusterd.MemberChanged:
			tell(e.Member)
		case clusterd.ReachabilityChanged:
			tell(e.Member)
		}
	}
}

// answerCommands asks, for each entity named on stdin, until it answers.
func answerCommands(ctx context.Context, node *clusterd.Node, kind actor.Kind[*wrapperspb.StringValue], out *printer) {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		ref := sharding.Ref(node, kind, in.Text())
		for ctx.Err() == nil {
			one, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			where, err := actor.Ask[*wrapperspb.StringValue](one, ref.With(wrapperspb.String("where")))
			cancel()
			if err == nil {
				out.print(lineAnswers, where.Value)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// watcher prints what memberlist learns; members are named by their Pando
// address.
type watcher struct{ out *printer }

func (w watcher) NotifyJoin(n *memberlist.Node)   { w.out.print(lineAlive, n.Name) }
func (w watcher) NotifyLeave(n *memberlist.Node)  { w.out.print(lineDead, n.Name) }
func (w watcher) NotifyUpdate(n *memberlist.Node) {}

func joinMemberlist(s setup, out *printer) (*memberlist.Memberlist, error) {
	cfg := memberlist.DefaultLANConfig()
	cfg.Name = s.Listen
	cfg.BindAddr, cfg.BindPort = "127.0.0.1", s.Gossip
	cfg.AdvertiseAddr, cfg.AdvertisePort = "127.0.0.1", s.Gossip
	cfg.Events = watcher{out}
	cfg.Logger = log.New(io.Discard, "", 0)
	list, err := memberlist.Create(cfg)
	if err != nil {
		return nil, err
	}
	for _, port := range s.Join { // whoever is there; the first node finds nobody
		_, _ = list.Join([]string{fmt.Sprintf("127.0.0.1:%d", port)})
	}
	return list, nil
}
