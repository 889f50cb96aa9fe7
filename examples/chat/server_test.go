package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/examples/chat/chatpb"
)

func testServer(c cluster) *server {
	lobby := func(context.Context) (*chatpb.Rooms, error) {
		return &chatpb.Rooms{Rooms: []*chatpb.Room{{Name: "go", Users: 2, Seq: 7}}}, nil
	}
	return newServer(c, newRooms(lobby, func(string) string { return "127.0.0.1:7002" }), func() []slotRange { return nil }, slog.New(slog.DiscardHandler))
}

func get(s *server, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8081"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

func TestMembersJSON(t *testing.T) {
	joined := `{"self":"127.0.0.1:7001","clusterId":"0190","leader":"127.0.0.1:7001","converged":true,"members":[` +
		`{"address":"127.0.0.1:7001","uid":"ab01","status":"up","reachable":true,"upNumber":1,"roles":[],"zone":"","meta":{"http":"127.0.0.1:8081"}},` +
		`{"address":"127.0.0.1:7002","uid":"ab02","status":"up","reachable":true,"upNumber":2,"roles":["front"],"zone":"west","meta":{"http":"127.0.0.1:8082"}}]}`
	outside := twoUp()
	outside.view.ClusterID = ""
	shuffled := twoUp()
	m := shuffled.view.Members
	removed := upMember("127.0.0.1:7000", "", 3)
	removed.Status = member.Removed
	shuffled.view.Members = []clusterd.Member{m[1], removed, m[0]}
	for _, c := range []struct {
		name    string
		cluster *fakeCluster
		want    string
	}{
		{"a member", twoUp(), joined},
		{"sorted, without removed ones", shuffled, joined},
		{"not joined", outside, `{"self":"127.0.0.1:7001","clusterId":"","leader":"","converged":false,"members":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(testServer(c.cluster), "/members")
			if got := strings.TrimSpace(w.Body.String()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("got content type %q, want application/json", got)
			}
		})
	}
}

func TestRoomsJSON(t *testing.T) {
	got := strings.TrimSpace(get(testServer(twoUp()), "/rooms").Body.String())
	if want := `{"rooms":[{"name":"go","users":2,"lines":7,"home":"127.0.0.1:7002"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReady(t *testing.T) {
	joining := func(why error) *fakeCluster {
		c := twoUp()
		c.self.Status, c.ready = member.Joining, why
		return c
	}
	waiting := joining(&clusterd.WaitingError{For: "waiting for 127.0.0.1:7002", Cause: context.Canceled})
	silent := joining(&clusterd.WaitingError{Cause: context.Canceled})
	refused := joining(&clusterd.RefusedError{By: "127.0.0.1:7002", Reason: `cluster is "other", not "chat"`})
	for _, c := range []struct {
		name    string
		cluster *fakeCluster
		code    int
		text    string
	}{
		{"up", twoUp(), 200, "ready"},
		{"waiting", waiting, 503, "waiting for 127.0.0.1:7002"},
		{"without an answer", silent, 503, "no seed node has answered"},
		{"refused", refused, 503, `cluster is "other", not "chat"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(testServer(c.cluster), "/ready")
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("got %d %q, want %d with %q", w.Code, w.Body, c.code, c.text)
			}
		})
	}
	t.Run("leaving", func(t *testing.T) {
		s := testServer(twoUp())
		s.leave(t.Context())
		s.leave(t.Context()) // twice is once
		if w := get(s, "/ready"); w.Code != 503 || !strings.Contains(w.Body.String(), "leaving") {
			t.Errorf("got %d %q, want 503 and leaving", w.Code, w.Body)
		}
		if w := get(s, "/ws?room=go&user=ada"); w.Code != 503 {
			t.Errorf("/ws: got %d, want 503", w.Code)
		}
	})
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		origin string
		code   int
	}{
		{"", 200},
		{"http://127.0.0.1:8081", 200}, // itself
		{"http://127.0.0.1:8082", 200}, // the other member's page
		{"http://localhost:8082", 200}, // the same, as a person types it
		{"http://[::1]:8082", 200},
		{"http://127.0.0.1:9999", 403},
		{"http://evil.example", 403},
		{"http://evil.example:8081", 403},
		{"null", 403},
		{"http://", 403},
		{"%", 403},
	} {
		t.Run(c.origin, func(t *testing.T) {
			var headers []string
			if c.origin != "" {
				headers = []string{"Origin", c.origin}
			}
			w := get(testServer(twoUp()), "/members", headers...)
			if w.Code != c.code {
				t.Errorf("got %d, want %d", w.Code, c.code)
			}
			allowed := w.Header().Get("Access-Control-Allow-Origin")
			if want := c.origin; c.code == 200 && allowed != want {
				t.Errorf("got Access-Control-Allow-Origin %q, want %q", allowed, want)
			}
			if c.code != 200 && allowed != "" {
				t.Errorf("got Access-Control-Allow-Origin %q for a refused origin, want none", allowed)
			}
		})
	}
}

func TestWebSocketQueries(t *testing.T) {
	long := strings.Repeat("ä", nameMax)
	for _, c := range []struct{ name, query, want string }{
		{"no room", "user=ada", "room is missing"},
		{"no user", "room=go", "user is missing"},
		{"both at once", "", "user is missing"},
		{"control character", "room=go&user=a%07", "control character"},
		{"not UTF-8", "room=%ff&user=ada", "not valid UTF-8"},
		{"too long", "room=go&user=x" + long, "65 characters"},
		{"spaces around", "room=go&user=%20ada", "space"},
		{"after", "room=go&user=ada&after=x", "after"},
		{"epoch", "room=go&user=ada&epoch=x", "epoch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(testServer(twoUp()), "/ws?"+c.query)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("got %d %q, want 400 with %q", w.Code, w.Body, c.want)
			}
		})
	}
	t.Run("good", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/ws?room="+long+"&user=ada&after=12&epoch=ff", nil)
		got, err := parseWS(r)
		if want := (wsQuery{long, "ada", resume{0xff, 12}}); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func TestPage(t *testing.T) {
	for path, want := range map[string]string{
		"/": "<title>Pando chat</title>", "/app.js": "import", "/style.css": "--leaf", "/icon.svg": "<svg",
	} {
		w := get(testServer(twoUp()), path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %d, %d bytes; want 200 with %q", path, w.Code, w.Body.Len(), want)
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: got no Content-Security-Policy", path)
		}
	}
	if w := get(testServer(twoUp()), "/nothing"); w.Code != 404 {
		t.Errorf("/nothing: got %d, want 404", w.Code)
	}
}

func TestEventsStream(t *testing.T) {
	c := twoUp()
	s := testServer(c)
	web := httptest.NewServer(s.handler())
	defer web.Close()
	client := web.Client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	gone := upMember("127.0.0.1:7002", "127.0.0.1:8082", 2)
	gone.Status = member.Removed
	unreachable := upMember("127.0.0.1:7001", "127.0.0.1:8081", 1)
	unreachable.Reachable = false
	go func() {
		c.events <- clusterd.MemberChanged{Member: gone, Previous: member.Exiting}
		c.events <- clusterd.ReachabilityChanged{Member: unreachable}
		c.set(clusterd.View{ClusterID: "0190", Converged: true})
		c.events <- clusterd.Snapshot{}
	}()
	var states []clusterState
	err := readEvents(ctx, client, strings.TrimPrefix(web.URL, "http://"), func(s clusterState) {
		s.Members = append([]memberState{}, s.Members...)
		if states = append(states, s); len(states) == 4 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the end of the context", err)
	}
	var counts []int
	for _, s := range states {
		counts = append(counts, len(s.Members))
	}
	same(t, "members after the snapshot and each change", counts, []int{2, 1, 1, 0})
	if states[2].Members[0].Reachable {
		t.Error("the unreachable member is shown as reachable")
	}
}

func TestEventsEndWhenTheNodeLeaves(t *testing.T) {
	s := testServer(twoUp())
	web := httptest.NewServer(s.handler())
	defer web.Close()
	first := true
	err := readEvents(t.Context(), web.Client(), strings.TrimPrefix(web.URL, "http://"), func(clusterState) {
		if first {
			first = false
			s.leave(t.Context())
		}
	})
	if err != nil {
		t.Errorf("got %v, want the end of the stream", err)
	}
}

func TestChangeOf(t *testing.T) {
	m := upMember("127.0.0.1:7002", "127.0.0.1:8082", 2)
	view := clusterd.View{ClusterID: "0190", Leader: "127.0.0.1:7001"}
	for _, c := range []struct {
		event clusterd.Event
		kind  string
	}{
		{clusterd.MemberChanged{Member: m, Previous: member.Joining}, "member"},
		{clusterd.ReachabilityChanged{Member: m}, "reachability"},
		{clusterd.LeaderChanged{Leader: m.Address}, "leader"},
		{clusterd.ViewActive{Number: 3}, "view"},
		{clusterd.SelfRemoved{Cause: "down"}, "removed"},
	} {
		got := changeOf(c.event, view)
		if got.Kind != c.kind || got.ClusterID != "0190" || got.Text == "" {
			t.Errorf("%T: got %+v, want kind %s, the cluster and a text", c.event, got, c.kind)
		}
	}
	if got := changeOf(clusterd.LeaderChanged{Leader: m.Address}, view).Leader; got != m.Address {
		t.Errorf("leader: got %q, want %q: the event is newer than the view", got, m.Address)
	}
	if got := changeOf(clusterd.MemberChanged{Member: m}, view).Previous; got != "" {
		t.Errorf("previous of an unknown member: got %q, want none", got)
	}
}

func TestChangesKeepTheNewIncarnation(t *testing.T) {
	s := stateOf(twoUp())
	old := s.Members[1]
	next := old
	next.UID = "ffff"
	s.apply(change{Member: &next})
	old.Status = member.Removed.String()
	s.apply(change{Member: &old})
	if len(s.Members) != 2 || s.Members[1].UID != "ffff" {
		t.Errorf("got %+v, want the new incarnation to stay", s.Members)
	}
}

func TestFramesOnTheWire(t *testing.T) {
	l := &chatpb.Line{Seq: 3, User: "ada", Text: "hi", Author: "k3f", Number: 9, At: 5}
	for _, c := range []struct {
		name  string
		frame any
		want  string
	}{
		{"line", newLineFrame("go", l), `{"room":"go","user":"ada","text":"hi","seq":3,"id":"k3f.9","at":5}`},
		{"line of a session", newLineFrame("go", &chatpb.Line{Seq: 1, Author: anonymous + "pando://x", Number: 1}), `{"room":"go","user":"","text":"","seq":1}`},
		{"presence", presenceFrame{Type: "presence", Users: []string{}, Joined: []string{}, Left: []string{}}, `{"type":"presence","users":[],"joined":[],"left":[]}`},
	} {
		if got := string(encode(c.frame)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if f := (frame{}); json.Unmarshal([]byte(`{"room":"go","user":"ada","text":"hi","seq":3,"more":1}`), &f) != nil || f.Seq != 3 || f.Type != "" {
		t.Errorf("a line as a client reads it: got %+v", f)
	}
}
