package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

const followPause = 200 * time.Millisecond // between two tries to reach a node

// followCluster prints what happens in the cluster, as the first of the nodes
// that answers sees it, until ctx ends.
func followCluster(ctx context.Context, places []place, out *printer) {
	f := follower{out: out, want: len(places)}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		for _, p := range places {
			_ = readEvents(ctx, client, p.http, f.see) // the node is not there yet, or gone
			if ctx.Err() != nil {
				return
			}
		}
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
	}
}

// readEvents reads GET /events of one node and hands each state of the cluster
// to see, until the stream or ctx ends.
func readEvents(ctx context.Context, client *http.Client, address string, see func(clusterState)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/events", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("events of %s: %s", address, answer.Status)
	}
	var state clusterState
	return eachEvent(answer.Body, func(name string, data []byte) error {
		switch name {
		case eventSnapshot:
			state = clusterState{}
			if err := json.Unmarshal(data, &state); err != nil {
				return err
			}
		case eventChange:
			var c change
			if err := json.Unmarshal(data, &c); err != nil {
				return err
			}
			state.apply(c)
		default:
			return nil
		}
		see(state)
		return nil
	})
}

// eventMax bounds one server-sent event.
const eventMax = 4 << 20

// eachEvent splits a stream of server-sent events, until its end or f's error.
func eachEvent(r io.Reader, f func(name string, data []byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, eventMax)
	name, data := "", []byte(nil)
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case in.Text() == "" && data != nil:
			if err := f(name, data); err != nil {
				return err
			}
			name, data = "", nil
		case field == "event":
			name = value
		case field == "data":
			data = append(data, value...)
		}
	}
	return in.Err()
}

// follower turns states of the cluster into lines about what has changed.
type follower struct {
	out   *printer
	want  int
	shown clusterState
	all   bool // all nodes were up once
}

// see prints how s differs from what was shown.
func (f *follower) see(s clusterState) {
	if s.ClusterID == "" {
		return // this node has not joined: it knows less than was shown
	}
	if s.ClusterID != f.shown.ClusterID {
		f.out.say("cluster %s", f.out.paint(bold, s.ClusterID))
	}
	for _, line := range f.changes(s) {
		f.out.say("%s", line)
	}
	f.shown = clusterState{ClusterID: s.ClusterID, Leader: s.Leader, Members: append([]memberState(nil), s.Members...)}
	if up := countUp(s); up == f.want && !f.all {
		f.all = true
		f.out.say("%s", f.out.paint(bold, fmt.Sprintf("all %d nodes are up", up)))
	}
}

func (f *follower) changes(s clusterState) []string {
	before, now := byAddress(f.shown), byAddress(s)
	var lines []string
	for _, m := range f.shown.Members {
		if _, there := now[m.Address]; !there {
			lines = append(lines, f.line(m.Address, yellow, "removed"))
		}
	}
	for _, m := range s.Members {
		old, known := before[m.Address]
		if !known || old.Status != m.Status || old.UID != m.UID {
			lines = append(lines, f.line(m.Address, statusColour(m.Status), m.Status))
		}
		switch {
		case !m.Reachable && (!known || old.Reachable):
			lines = append(lines, f.line(m.Address, red, "unreachable"))
		case m.Reachable && known && !old.Reachable && old.UID == m.UID:
			lines = append(lines, f.line(m.Address, green, "reachable again"))
		}
	}
	if s.Leader != "" && s.Leader != f.shown.Leader {
		lines = append(lines, f.line(s.Leader, cyan, "leads"))
	}
	return lines
}

func (f *follower) line(address, colour, what string) string {
	return address + "  " + f.out.paint(colour, what)
}

func statusColour(status string) string {
	switch status {
	case member.Up.String():
		return green
	case member.Down.String():
		return red
	}
	return yellow
}

func byAddress(s clusterState) map[string]memberState {
	all := make(map[string]memberState, len(s.Members))
	for _, m := range s.Members {
		all[m.Address] = m
	}
	return all
}

func countUp(s clusterState) int {
	n := 0
	for _, m := range s.Members {
		if m.Status == member.Up.String() {
			n++
		}
	}
	return n
}
