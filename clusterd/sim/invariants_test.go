package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

var cluster = member.Identity{Cluster: member.ClusterID{1}}

// entry returns an Up member of a view; its upNumber is its id.
func entry(id int, uid uint64) member.Entry {
	return member.Entry{Node: member.Node{Address: Address(id), UID: uid}, Status: member.Up, UpNumber: uint64(id)}
}

func view(number uint64, members ...member.Entry) *member.View {
	return &member.View{Number: number, Members: members}
}

// shows makes a snapshot of a view's members.
func shows(members ...member.Entry) engine.Snapshot {
	snap := engine.Snapshot{Identity: cluster, Converged: true, Leader: Address(1)}
	for _, m := range members {
		snap.Members = append(snap.Members, engine.Member{Node: m.Node, Status: m.Status, UpNumber: m.UpNumber, Reachable: true})
	}
	return snap
}

// feed makes node id show and hold these after its next event.
type feed struct {
	id     int
	snap   engine.Snapshot
	view   *member.View // decided and active
	acked  *member.View // nil = view
	active *member.View // nil = view
	alone  bool         // no other voter has acknowledged the view
}

func play(s *Sim, at func(int) *fake, feeds []feed) error {
	for _, f := range feeds {
		if f.snap.Identity.IsZero() {
			f.snap = shows(f.view.Members...)
		}
		if f.active == nil {
			f.active = f.view
		}
		if f.acked == nil {
			f.acked = f.view
		}
		if !f.alone {
			s.everybodyAcks(f.view)
		}
		at(f.id).snap = f.snap
		at(f.id).holds = engine.Inspection{Identity: cluster, Acked: f.acked, Decided: f.view, Active: f.active}
		s.check(s.node(f.id))
	}
	return s.Err()
}

// everybodyAcks notes that all members of a view acknowledged it.
func (s *Sim) everybodyAcks(v *member.View) {
	acks := map[member.Node]bool{}
	for _, m := range v.Members {
		acks[m.Node] = true
	}
	s.law.acks[proposal{cluster, v.Number, v.Term}] = acks
}

// TestInvariantsCanFail feeds each check with nodes that break it, and nothing else.
func TestInvariantsCanFail(t *testing.T) {
	a, b, c := entry(1, 10), entry(2, 20), entry(3, 30)
	newer, younger, down := entry(2, 21), entry(2, 20), entry(2, 20)
	younger.UpNumber, down.Status = 9, member.Down
	one := feed{id: 1, view: view(1, a)}
	two := feed{id: 1, view: view(2, a, b)}
	other := view(2, a, b)
	other.NextUp = 7
	foreign := feed{id: 2, view: view(1, a)}
	tests := []struct {
		name, want string
		feeds      []feed
	}{
		{"good", "", []feed{one, two, {id: 2, view: view(2, a, b)}}},
		{"two contents of one view", "I2", []feed{one, two, {id: 2, view: other}}},
		{"back to an older view", "I2", []feed{one, two, one}},
		{"active beyond decided", "I2", []feed{{id: 1, view: view(1, a), active: view(2, a, b)}}},
		{"decided without a quorum", "I4", []feed{one, {id: 2, view: view(2, a, b), active: view(1, a), alone: true}}},
		{"active without an acknowledgement", "active", []feed{one, {id: 1, view: view(2, a, b), alone: true}}},
		{"more newcomers than voters", "I4", []feed{one, {id: 1, view: view(2, a, b, c)}}},
		{"a voter out of thin air", "I4", []feed{{id: 1, view: view(1, a), snap: shows(a, b)}}},
		{"a voter that is not shown", "shown", []feed{one, {id: 1, view: view(2, a, b), snap: shows(a)}}},
		{"a status that is not active yet", "shown", []feed{one, {id: 1, view: view(2, a, b), active: view(1, a), snap: shows(a, b)}}},
		{"two members at one address", "I5", []feed{{id: 1, view: view(1, a, b), snap: shows(a, b, b)}}},
		{"UIDs shrink", "I5", []feed{one, {id: 1, view: view(2, a, newer)}, {id: 1, view: view(3, a, b)}}},
		{"UIDs shrink in a snapshot", "I5", []feed{one, {id: 1, view: view(2, a, newer)}, {id: 1, view: view(2, a, newer), snap: shows(a, b)}}},
		{"an upNumber changes", "I6", []feed{one, two, {id: 1, view: view(3, a, younger)}}},
		{"a status goes back", "status", []feed{one, {id: 1, view: view(2, a, down)}, {id: 1, view: view(3, a, b)}}},
		{"a removed UID returns", "removed", []feed{one, two, {id: 1, view: view(3, a)}, {id: 1, view: view(4, a, b)}}},
		{"not sorted", "sorted", []feed{{id: 1, view: view(1, a, b), snap: shows(b, a)}}},
		{"lists a removed member", "sorted", []feed{{id: 1, view: view(1, a), snap: func() engine.Snapshot {
			s := shows(a)
			s.Members[0].Status = member.Removed
			return s
		}()}}},
		{"a second cluster", "one", []feed{one, foreign}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, at := fakes(Config{Seed: 42})
			s.Start(1)
			s.Start(2)
			// The feeds name n1 as a, so that a second founder sees it alive.
			s.node(1).self, s.node(2).self = a.Node, member.Node{Address: Address(2), UID: 22}
			wantFailure(t, playOne(s, at, tt.feeds, tt.want), tt.want)
		})
	}
}

// playOne plays feeds; the last one of a test on founding is of another cluster.
func playOne(s *Sim, at func(int) *fake, feeds []feed, want string) error {
	if want != "one" {
		return play(s, at, feeds)
	}
	if err := play(s, at, feeds[:1]); err != nil {
		return err
	}
	defer func(id member.Identity) { cluster = id }(cluster)
	cluster = member.Identity{Cluster: member.ClusterID{2}}
	return play(s, at, feeds[1:])
}

func wantFailure(t *testing.T, err error, want string) {
	t.Helper()
	var f *Failure
	switch {
	case want == "" && err != nil:
		t.Errorf("failed: %v", err)
	case want == "":
	case !errors.As(err, &f) || f.Invariant != want:
		t.Errorf("got %v, want a failure of %s", err, want)
	case !named(want):
		t.Errorf("%s is not among Invariants", want)
	}
}

func named(invariant string) bool {
	for _, p := range Invariants() {
		if p.Key == invariant {
			return true
		}
	}
	return false
}

func TestHealthyNodeRemoved(t *testing.T) {
	for _, excuse := range []string{"", "cut", "freeze", "down", "leave", "storm"} {
		t.Run("after "+excuse, func(t *testing.T) {
			s, at := fakes(Config{})
			s.Start(1)
			s.Start(2)
			switch excuse {
			case "cut":
				s.Cut([]int{1}, []int{2})
			case "freeze":
				s.Freeze(2)
			case "down":
				_ = s.Down(1, 2)
			case "leave":
				_ = s.Leave(2)
			case "storm":
				s.SetLinks(Link{Max: time.Second})
			}
			a := member.Entry{Node: s.node(1).self, Status: member.Up, UpNumber: 1}
			b := member.Entry{Node: s.node(2).self, Status: member.Up, UpNumber: 2}
			err := play(s, at, []feed{{id: 1, view: view(1, a)}, {id: 1, view: view(2, a, b)}, {id: 1, view: view(3, a)}})
			want := ""
			if excuse == "" {
				want = "healthy"
			}
			wantFailure(t, err, want)
		})
	}
}

func TestCalmCanFail(t *testing.T) {
	tests := []struct {
		name   string
		change func(snap *engine.Snapshot)
	}{
		{"not joined", func(snap *engine.Snapshot) { snap.Identity = member.Identity{} }},
		{"another cluster", func(snap *engine.Snapshot) { snap.Identity.Branch = 1 }},
		{"not converged", func(snap *engine.Snapshot) { snap.Converged = false }},
		{"another leader", func(snap *engine.Snapshot) { snap.Leader = Address(2) }},
		{"no leader", func(snap *engine.Snapshot) { snap.Leader = "" }},
		{"another view", func(snap *engine.Snapshot) { snap.View = 9 }},
		{"not up", func(snap *engine.Snapshot) { snap.Members[1].Status = member.Joining }},
		{"unreachable", func(snap *engine.Snapshot) { snap.Members[1].Reachable = false }},
		{"lists a ghost", func(snap *engine.Snapshot) { snap.Members[1].UID++ }},
		{"one missing", func(snap *engine.Snapshot) { snap.Members = snap.Members[:1] }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, f := range []func(*Sim) error{func(s *Sim) error { return s.Calm() }, func(s *Sim) error { return s.Finish(0) }} {
				s := calmPair()
				if what := s.amiss(); what != "" {
					t.Fatalf("a good world is not calm: %s", what)
				}
				tt.change(&s.node(2).machine.(*fake).snap)
				var failure *Failure
				if err := f(s); !errors.As(err, &failure) || failure.Invariant != "calm" && failure.Invariant != "I8" {
					t.Errorf("got %v, want a failure of calm or I8", err)
				}
			}
		})
	}
}

// calmPair returns a world of two fakes that agree.
func calmPair() *Sim {
	s, at := fakes(Config{Seeds: []int{1}})
	for id := 1; id <= 2; id++ {
		s.Start(id)
	}
	a := member.Entry{Node: s.node(1).self, Status: member.Up, UpNumber: 1}
	b := member.Entry{Node: s.node(2).self, Status: member.Up, UpNumber: 2}
	for id := 1; id <= 2; id++ {
		at(id).snap = shows(a, b)
	}
	return s
}

func TestRefusedStepChangesNothing(t *testing.T) {
	s, at := fakes(Config{})
	s.Start(1)
	at(1).refuse = true
	at(1).ready.Events = []engine.Event{engine.LeaderChanged{}}
	_ = s.step(s.node(1), &core.Packet{})
	wantFailure(t, s.Err(), "step")
}

func TestPacketChangedOnItsWay(t *testing.T) {
	s, at := fakes(Config{Sealed: true})
	s.Start(1)
	s.Start(2)
	s.Run(time.Second)
	at(1).send(s.node(2).self)
	p := at(1).ready.Packets[0]
	s.settle(s.node(1))
	p.From.UID++
	s.Run(time.Second)
	wantFailure(t, s.Err(), "sealed")
}

func TestSpinningTimer(t *testing.T) {
	s, at := fakes(Config{})
	s.Start(1)
	at(1).stuck = true
	s.Run(time.Minute)
	wantFailure(t, s.Err(), "wake")
}

func TestFailureTellsHowToSeeItAgain(t *testing.T) {
	s, at := fakes(Config{Seed: 42, Seeds: []int{1, 2}})
	s.Start(1)
	s.Start(2)
	s.Run(time.Second)
	at(1).snap = shows(entry(2, 1), entry(1, 1))
	s.Run(time.Second)
	text := s.Err().Error()
	for _, want := range []string{"invariant sorted", "seed 42", "at 1.0", "event ", "n1 <- n2"} {
		if !strings.Contains(text, want) {
			t.Errorf("failure lacks %q:\n%s", want, text)
		}
	}
	at(1).snap = shows(entry(1, 2))
	s.Run(time.Second)
	if got := s.Err().Error(); got != text {
		t.Error("a later event replaced the first failure")
	}
}

// TestIslandsTellOfEachOther: two clusters that are there by rights need not become
// one where they only report, but then one of them must tell of the other, and not
// only have done so once.
func TestIslandsTellOfEachOther(t *testing.T) {
	tests := []struct {
		name         string
		before, late bool // one tells of the other before the world is repaired, and after that
		want         string
	}{
		{"never", false, false, "island"},
		{"long ago", true, false, "island"},
		{"in the end", false, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, at := twoClusters()
			tell := func(is bool) {
				if is {
					at(1).ready.Events = []engine.Event{engine.IslandDetected{Other: at(2).holds.Identity}}
				}
			}
			tell(tt.before)
			s.Run(time.Second)
			tell(tt.late)
			err := s.Finish(10 * time.Second)
			if tt.want != "" {
				wantFailure(t, err, tt.want)
			} else if err != nil {
				t.Errorf("got %v, want no failure", err)
			}
		})
	}
}

// twoClusters returns a world of two fakes that have founded a cluster each, after
// a cut.
func twoClusters() (*Sim, func(id int) *fake) {
	s, at := fakes(Config{Seeds: []int{1}, ReportIslands: true})
	s.excused = time.Hour
	for id := 1; id <= 2; id++ {
		s.FoundAlone(id)
		s.Start(id)
		v := view(1, member.Entry{Node: s.node(id).self, Status: member.Up, UpNumber: 1})
		own := member.Identity{Cluster: member.ClusterID{byte(id)}}
		at(id).holds = engine.Inspection{Identity: own, Acked: v, Decided: v, Active: v}
	}
	return s, at
}
