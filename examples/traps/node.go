package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// setup is what a node process is told.
type setup struct {
	Listen        string
	Seeds         []string
	ReportIslands bool
}

// word is a line that a node process prints, as JSON, whenever something has
// changed.
type word struct {
	At        int64 // nanoseconds of Unix time
	Self      string
	Cluster   string
	Converged bool
	Up        []string `json:",omitempty"` // members that are Up and reachable, with their UID
	Others    int      `json:",omitempty"` // all other members
	Island    *sides   `json:",omitempty"` // set when the line tells of one
}

// sides is what IslandDetected says of the two clusters.
type sides struct{ Own, Other int }

// timings are a few times shorter than engine.Fast: retries come every 200 ms,
// and so do the calls of a living cluster at its seeds (T_found/3).
func timings() engine.Timing {
	t := engine.Fast()
	t.Gossip, t.Heartbeat = 50*time.Millisecond, 50*time.Millisecond
	t.Accuse, t.LeaseFor, t.StableAfter = 450*time.Millisecond, 400*time.Millisecond, 200*time.Millisecond
	t.Found, t.Retry = 600*time.Millisecond, 200*time.Millisecond
	t.GiveUp, t.WeaklyUp, t.Leave = 6*time.Second, 2*time.Second, 2*time.Second
	return t
}

// runNode is a node until ctx ends or the parent is gone.
func runNode(ctx context.Context, text string) error {
	var s setup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "traps", Listen: s.Listen, Seeds: s.Seeds, ReportIslands: s.ReportIslands,
		Timing: timings(), LeaveTimeout: time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer node.Close()
	return tell(ctx, node, os.Stdout)
}

// tell prints what the node knows after each event.
func tell(ctx context.Context, node *clusterd.Node, out io.Writer) error {
	enc := json.NewEncoder(out)
	for e := range node.Events(ctx) {
		w := describe(node)
		if island, ok := e.(clusterd.IslandDetected); ok {
			w.Island = &sides{Own: island.Own, Other: island.Size}
		}
		if err := enc.Encode(w); err != nil {
			return fmt.Errorf("the parent does not listen: %w", err)
		}
	}
	return nil
}

// describe is what the node knows now.
func describe(node *clusterd.Node) word {
	v := node.View()
	w := word{At: time.Now().UnixNano(), Self: node.Self().Node.String(), Cluster: v.ClusterID, Converged: v.Converged}
	for _, m := range v.Members {
		if m.Status == member.Up && m.Reachable {
			w.Up = append(w.Up, m.Node.String())
		} else {
			w.Others++
		}
	}
	slices.Sort(w.Up)
	return w
}
