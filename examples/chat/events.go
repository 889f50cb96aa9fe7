package main

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// Names of the server-sent events of GET /events.
const (
	eventSnapshot = "snapshot" // a clusterState: the first event, and again for a reader that lagged
	eventChange   = "change"   // a change
	eventRooms    = "rooms"    // a roomsState, when the list of rooms has changed
)

// change is one event of the cluster, with what a reader needs to keep its
// clusterState current.
type change struct {
	Kind      string       `json:"kind"`               // member, reachability, leader, view or removed
	Text      string       `json:"text"`               // for people
	Member    *memberState `json:"member,omitempty"`   // as it is now; status removed = take it off the list
	Previous  string       `json:"previous,omitempty"` // the member's status before; "" = was unknown
	ClusterID string       `json:"clusterId"`
	Leader    string       `json:"leader"`
	Converged bool         `json:"converged"`
}

// changeOf translates an event; v is the cluster at about that moment.
func changeOf(ev clusterd.Event, v clusterd.View) change {
	c := change{Text: ev.String(), ClusterID: v.ClusterID, Leader: v.Leader, Converged: v.Converged}
	switch ev := ev.(type) {
	case clusterd.MemberChanged:
		m := memberOf(ev.Member)
		c.Kind, c.Member = "member", &m
		if ev.Previous != 0 {
			c.Previous = ev.Previous.String()
		}
	case clusterd.ReachabilityChanged:
		m := memberOf(ev.Member)
		c.Kind, c.Member = "reachability", &m
	case clusterd.LeaderChanged:
		c.Kind, c.Leader = "leader", ev.Leader
	case clusterd.ViewActive:
		c.Kind = "view"
	case clusterd.SelfRemoved:
		c.Kind = "removed"
	default:
		c.Kind = "other"
	}
	return c
}

// apply makes the change in a reader's state.
func (s *clusterState) apply(c change) {
	s.ClusterID, s.Leader, s.Converged = c.ClusterID, c.Leader, c.Converged
	if c.Member == nil {
		return
	}
	i := slices.IndexFunc(s.Members, func(m memberState) bool { return m.Address == c.Member.Address })
	switch {
	case c.Member.Status == member.Removed.String():
		if i >= 0 && s.Members[i].UID == c.Member.UID {
			s.Members = slices.Delete(s.Members, i, i+1)
		}
	case i >= 0:
		s.Members[i] = *c.Member
	default:
		s.Members = append(s.Members, *c.Member)
		slices.SortFunc(s.Members, func(a, b memberState) int { return member.CompareAddress(a.Address, b.Address) })
	}
}

const (
	streamBeat  = 10 * time.Second // a comment, so that both ends notice a dead connection
	streamWrite = 10 * time.Second // how long one write may take
)

// serveEvents streams the cluster's state and its changes, and the rooms.
func (s *server) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := s.untilClosed(r.Context())
	defer cancel()
	out := &stream{w: w, control: http.NewResponseController(w)}
	out.event(eventSnapshot, stateOf(s.cluster))

	events := make(chan clusterd.Event)
	done := make(chan struct{})
	go func() { // ends with ctx, which this call cancels, and is waited for
		defer close(done)
		for ev := range s.cluster.Events(ctx) {
			select {
			case events <- ev:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()

	rooms := s.rooms.subscribe()
	defer s.rooms.unsubscribe(rooms)
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case ev := <-events:
			if _, snapshot := ev.(clusterd.Snapshot); snapshot {
				out.event(eventSnapshot, stateOf(s.cluster))
			} else {
				out.event(eventChange, changeOf(ev, s.cluster.View()))
			}
		case list := <-rooms:
			out.event(eventRooms, list)
		case <-beat.C:
			out.comment("beat")
		case <-done:
			return // the node has ended
		case <-ctx.Done():
			return
		}
	}
}

// stream writes server-sent events until the first error, which it keeps.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (o *stream) event(name string, data any) {
	o.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, encode(data)))
}

func (o *stream) comment(text string) { o.write(": " + text + "\n\n") }

func (o *stream) write(s string) {
	if o.err != nil {
		return
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(streamWrite)) // a recorder in tests has none
	if _, o.err = o.w.Write([]byte(s)); o.err == nil {
		o.err = o.control.Flush()
	}
}
