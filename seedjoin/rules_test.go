package seedjoin

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// solo drives one machine by hand.
type solo struct {
	t *testing.T
	*Machine
	at time.Time
}

func newSolo(t *testing.T, self string, seeds ...string) *solo {
	t.Helper()
	m, err := New(Config{Self: member.Node{Address: self, UID: 5}, Name: "test", Seeds: seeds, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	s := &solo{t: t, Machine: m, at: time.Unix(1e9, 0)}
	m.Tick(s.at)
	return s
}

// pass lets time pass and drops what the machine has to say.
func (s *solo) pass(d time.Duration) {
	s.at = s.at.Add(d)
	s.Tick(s.at)
	s.Ready()
}

func (s *solo) from(address string, b Body) Ready {
	s.t.Helper()
	step(s.t, s.Machine, s.at, &Message{From: member.Node{Address: address, UID: 6}, To: s.cfg.Self, Body: b})
	return s.Machine.Ready()
}

func (s *solo) foundedIn(rd Ready) bool {
	for _, e := range rd.Events {
		if _, ok := e.(Founded); ok {
			return true
		}
	}
	return false
}

func TestHalfIsNoMajority(t *testing.T) {
	w := newWorld(t, 1)
	w.silent[b] = true
	w.up(a, []string{a, b})
	w.run(time.Minute)
	if len(w.clusters) != 0 {
		t.Error("founded with one of two")
	}
}

func TestTwoSpellingsAreOneSeed(t *testing.T) {
	w := newWorld(t, 1)
	w.alias["localhost:7001"] = a
	w.silent[b] = true
	w.up(a, []string{"localhost:7001", a, b})
	w.run(time.Minute)
	if len(w.clusters) != 0 {
		t.Error("founded with its own vote, counted twice")
	}
}

func TestANamedClusterBinds(t *testing.T) {
	w := newWorld(t, 1)
	w.up(a, []string{a})
	w.run(time.Second)
	w.clusters[0].stuck = true
	w.publish(w.clusters[0])
	p := w.up(c, []string{c, a, b}) // b refuses: with c itself two of three
	w.run(10 * time.Second)
	if p.founded != 0 {
		t.Fatal("founded beside a cluster that was named")
	}
	if got := len(eventsOf[Asked](p)); got != 0 {
		t.Errorf("got %d joins at a member without a lease, want none", got)
	}
	w.silent[a] = true // what was named binds for GiveUp = 30s
	w.run(25 * time.Second)
	if p.founded != 0 {
		t.Error("founded although the cluster was named a moment ago")
	}
}

func TestOldVotesDoNotCount(t *testing.T) {
	s := newSolo(t, a, a, b, c, d, "127.0.0.1:7005")
	s.from(b, Answer{Asked: b, Stamp: s.elapsed(), State: None})
	for range 100 { // in one step it would be a stall, which does not count
		s.pass(100 * time.Millisecond)
	}
	if rd := s.from(c, Answer{Asked: c, Stamp: s.elapsed(), State: None}); s.foundedIn(rd) {
		t.Error("founded with a vote that is 10s old, T_found is 3s")
	}
	if rd := s.from(b, Answer{Asked: b, Stamp: s.elapsed(), State: None}); !s.foundedIn(rd) {
		t.Error("did not found with three of five after T_found")
	}
}

func TestAnOvertakenAnswerDoesNotCount(t *testing.T) {
	s := newSolo(t, a, a, b)
	id := member.Identity{Cluster: member.ClusterID{1}}
	early := s.elapsed()
	s.pass(time.Second)
	s.from(b, Answer{Asked: b, Stamp: s.elapsed(), State: Member, Identity: id})
	s.from(b, Answer{Asked: b, Stamp: early, State: None})
	s.pass(4 * time.Second)
	if !s.named() {
		t.Error("an older answer replaced a newer one")
	}
}

func TestAnAnswerFromTheFutureDoesNotCount(t *testing.T) {
	s := newSolo(t, a, a, b)
	s.from(b, Answer{Asked: b, Stamp: s.elapsed() + 1, State: None})
	if votes, _ := s.votes(); votes != 1 {
		t.Errorf("got %d votes, want only its own", votes)
	}
}

// S2 runs out, but who heard of the cluster meanwhile names it.
func TestWhoHeardOfAClusterNamesIt(t *testing.T) {
	s := newSolo(t, b, a, b, c)
	id := member.Identity{Cluster: member.ClusterID{1}}
	s.from(a, Answer{Asked: a, Stamp: s.elapsed(), State: Member, Identity: id})
	probe := Probe{Asked: b, Name: "test", Candidate: true, Stamp: 1}
	got := bodyOf[Answer](t, s.from(c, probe))
	want := Answer{Asked: b, Stamp: 1, State: Heard, Identity: id, Node: member.Node{Address: a, UID: 6}}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.pass(7 * time.Second) // more than 2·T_found later nobody is told any more
	if got := bodyOf[Answer](t, s.from(c, probe)); got.State != None {
		t.Errorf("got %+v, want None", got)
	}
}

// A word of "no cluster" that is overtaken is corrected, for the candidate founds
// soon: once, and not when it is old.
func TestAPromiseIsTakenBack(t *testing.T) {
	s := newSolo(t, b, a, b, c)
	s.from(a, Probe{Asked: b, Name: "test", Candidate: true, Stamp: 7})
	id := member.Identity{Cluster: member.ClusterID{1}}
	told := func(rd Ready) (to []string) {
		for _, m := range rd.Messages {
			if got, ok := m.Body.(Answer); ok && m.To.Address == a {
				want := Answer{Asked: b, Stamp: 7, State: Heard, Identity: id, Node: member.Node{Address: d, UID: 6}}
				if got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				to = append(to, m.To.Address)
			}
		}
		return to
	}
	invite := Invite{Asked: b, Name: "test", Stamp: 1, Identity: id, View: 1, Size: 1}
	if got := told(s.from(d, invite)); len(got) != 1 {
		t.Errorf("got corrections to %v, want one to %s", got, a)
	}
	if got := told(s.from(d, invite)); len(got) != 0 {
		t.Errorf("the second time: got corrections to %v, want none", got)
	}
}

// Who has left its cluster for another one knows that to live. Though nobody
// answers for it any more, it founds nothing for T_giveup.
func TestWhoYieldedFoundsNothing(t *testing.T) {
	m, err := New(Config{
		Self: member.Node{Address: a, UID: 5}, Name: "test", Seeds: []string{a},
		Shun: member.Identity{Cluster: member.ClusterID{1}}, Rand: rand.New(rand.NewPCG(1, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &solo{t: t, Machine: m, at: time.Unix(1e9, 0)}
	m.Tick(s.at)
	founded := func(d time.Duration) bool {
		for end := s.at.Add(d); s.at.Before(end); {
			s.at = s.at.Add(10 * time.Millisecond)
			s.Tick(s.at)
			if s.foundedIn(s.Ready()) {
				return true
			}
		}
		return false
	}
	if founded(s.cfg.GiveUp - time.Second) {
		t.Error("founded before T_giveup")
	}
	if !founded(3 * time.Second) {
		t.Error("founded nothing after T_giveup")
	}
}

func TestPromises(t *testing.T) {
	ask := func(stamp Stamp) Probe { return Probe{Asked: c, Name: "test", Candidate: true, Stamp: stamp} }
	withdraw := func(stamp Stamp) Probe { return Probe{Asked: c, Name: "test", Stamp: stamp} }
	type event struct {
		after time.Duration
		from  string
		probe Probe
		want  State
	}
	cases := []struct {
		name   string
		events []event
	}{
		{"one at a time", []event{{0, b, ask(1), None}, {0, a, ask(1), Founding}, {0, b, ask(2), None}}},
		{"runs out", []event{{0, b, ask(1), None}, {5 * time.Second, a, ask(1), Founding}, {2 * time.Second, a, ask(2), None}, {0, b, ask(2), Founding}}},
		{"is renewed", []event{{0, b, ask(1), None}, {5 * time.Second, b, ask(2), None}, {2 * time.Second, a, ask(1), Founding}}},
		{"is given back", []event{{0, b, ask(1), None}, {0, b, withdraw(2), None}, {0, a, ask(1), None}}},
		{"is not given back by an overtaken word", []event{{0, b, ask(3), None}, {0, b, withdraw(2), None}, {0, a, ask(1), Founding}}},
		{"others are told of it", []event{{0, b, ask(1), None}, {0, d, withdraw(1), Founding}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := newSolo(t, c, a, b, c)
			for i, e := range tc.events {
				s.pass(e.after)
				if got := bodyOf[Answer](t, s.from(e.from, e.probe)); got.State != e.want {
					t.Errorf("%d: got state %d for %s, want %d", i, got.State, e.from, e.want)
				}
			}
		})
	}
}

// Who steps back says so at once: the seeds that promised it their votes need
// not wait until that runs out.
func TestWhoStepsBackAsksOnAtOnce(t *testing.T) {
	s := newSolo(t, b, b, a, c)
	s.Ready()
	rd := s.from(a, Probe{Asked: b, Name: "test", Candidate: true, Stamp: 1})
	if got := bodyOf[Answer](t, rd); got.State != None {
		t.Errorf("got %+v for a lower address, want None", got)
	}
	if got := bodyOf[Probe](t, rd); got.Candidate {
		t.Errorf("got %+v, want no candidate any more", got)
	}
}

func TestFoundingWakesThoseWhoAsked(t *testing.T) {
	slow := func(c *Config) { c.Retry = 10 * time.Second; c.Found = 20 * time.Second }
	w := newWorld(t, 1)
	w.up(a, abc, slow)
	w.up(b, abc, slow)
	w.up(d, abc, slow)
	w.until(4*time.Second, "one cluster", w.joined)
}

func TestASilentTargetIsGivenUpOn(t *testing.T) {
	s := newSolo(t, c, a, b)
	member1 := Answer{Stamp: s.elapsed(), State: Member, Identity: member.Identity{Cluster: member.ClusterID{1}}, Lease: true}
	for _, addr := range []string{a, b} {
		member1.Asked = addr
		s.from(addr, member1)
	}
	for range 3 {
		if s.join.to.Address != a {
			t.Fatalf("got %s asked, want the first in the list", s.join.to)
		}
		s.pass(600 * time.Millisecond)
	}
	if s.join.to.Address != b {
		t.Errorf("got %s asked still, want the second in the list", s.join.to)
	}
}

// A seed that is Joining for long, while the minimum is not met, lets nobody in.
// Who knows no other member must hear of one from it, or the minimum is never met.
func TestWhoMayNotAdmitSendsToASteward(t *testing.T) {
	self, steward := member.Node{Address: a, UID: 6}, member.Node{Address: b, UID: 4}
	id := member.Identity{Cluster: member.ClusterID{1}}
	standing := Standing{Identity: id, View: 3, OtherSteward: steward, Members: member.Nodes{self, steward}}
	for _, lease := range []bool{false, true} {
		seed, now := machineOf(t, self, self)
		standing.Lease = lease
		step(t, seed, now, Stand{standing})
		step(t, seed, now, &Message{From: member.Node{Address: c, UID: 5}, To: self, Body: Probe{Asked: a, Name: "test"}})
		got, want := bodyOf[Answer](t, seed.Ready()).Node, steward
		if lease {
			want = member.Node{}
		}
		if got != want {
			t.Errorf("with a lease %t: got %v named, want %v", lease, got, want)
		}
	}

	s := newSolo(t, c, a)
	s.from(a, Answer{Asked: a, Stamp: s.elapsed(), State: Member, Identity: id, Node: steward})
	s.pass(0)
	s.from(b, Answer{Asked: b, Stamp: s.elapsed(), State: Member, Identity: id, Lease: true})
	if s.join.to.Address != b {
		t.Errorf("got %q asked for admission, want the steward %s", s.join.to, b)
	}
}
