package seedjoin

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

const (
	a = "127.0.0.1:7001"
	b = "127.0.0.1:7002"
	c = "127.0.0.1:7003"
	d = "127.0.0.1:7004"
)

var abc = []string{a, b, c}

func TestEveryStartOrder(t *testing.T) {
	seeds := []string{a, b}
	orders := [][]string{{a, b, c}, {a, c, b}, {b, a, c}, {b, c, a}, {c, a, b}, {c, b, a}}
	for _, order := range orders {
		for _, gap := range []time.Duration{0, 10 * time.Millisecond, 10 * time.Second} {
			t.Run(fmt.Sprint(order, gap), func(t *testing.T) {
				w := newWorld(t, 1)
				for _, addr := range order {
					w.up(addr, seeds)
					w.run(gap)
				}
				took := w.until(4*time.Second, "all in one cluster", w.joined)
				if len(w.clusters) != 1 {
					t.Errorf("got %d clusters, want 1", len(w.clusters))
				}
				if gap == 10*time.Second && took > time.Second {
					t.Errorf("the last to start took %s, want at most 1s", took)
				}
			})
		}
	}
}

func TestLoneFirstSeedFoundsSoon(t *testing.T) {
	w := newWorld(t, 1)
	w.up(a, abc)
	took := w.until(time.Second, "founded", func() bool { return len(w.clusters) == 1 })
	if limit := 510 * time.Millisecond; took > limit {
		t.Errorf("got %s until founded, want at most %s", took, limit)
	}
}

func TestSilenceIsNoAnswer(t *testing.T) {
	w := newWorld(t, 1)
	w.silent[b], w.silent[c] = true, true
	p := w.up(a, abc)
	w.run(time.Minute)
	if len(w.clusters) != 0 {
		t.Fatal("founded although a majority is silent")
	}
	ws := eventsOf[Waiting](p)
	if len(ws) < 5 || len(ws) > 15 {
		t.Errorf("got %d waiting events in a minute, want one every few seconds", len(ws))
	}
	if got := fmt.Sprint(ws[0].For); got != fmt.Sprint([]string{b, c}) {
		t.Errorf("got waiting for %s, want both silent seeds", got)
	}
	w.silent[c] = false // refuses now: a majority of two is known
	if took := w.until(5*time.Second, "founded", func() bool { return len(w.clusters) == 1 }); took > time.Second {
		t.Errorf("got %s after the majority was known, T_found was long over", took)
	}
}

func TestMajorityWaitsFound(t *testing.T) {
	w := newWorld(t, 1)
	w.silent[c] = true
	w.up(a, abc)
	took := w.until(4*time.Second, "founded", func() bool { return len(w.clusters) == 1 })
	if took < 3*time.Second {
		t.Errorf("founded after %s though somebody was silent, want T_found = 3s", took)
	}
}

func TestFoundAlone(t *testing.T) {
	alone := func(c *Config) { c.FoundAlone = true }
	t.Run("without seeds", func(t *testing.T) {
		w := newWorld(t, 1)
		w.up(a, nil, alone)
		if len(w.clusters) != 1 {
			t.Error("did not found at once")
		}
	})
	t.Run("with silent seeds", func(t *testing.T) {
		w := newWorld(t, 1)
		w.silent[b], w.silent[c] = true, true
		w.up(a, abc, alone)
		w.until(4*time.Second, "founded", func() bool { return len(w.clusters) == 1 })
	})
	t.Run("joins who answers", func(t *testing.T) {
		w := newWorld(t, 1)
		w.up(a, []string{a, b})
		w.run(time.Second)
		w.up(b, []string{b, a}, alone)
		w.until(time.Second, "joined", w.joined)
	})
}

func TestOthersNeverFound(t *testing.T) {
	for name, addrs := range map[string][]string{"a seed": {b}, "an ordinary node": {d}, "all but the first seed": {b, c, d}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			for _, addr := range addrs {
				w.up(addr, abc)
			}
			w.run(5 * time.Minute)
			if len(w.clusters) != 0 {
				t.Error("founded")
			}
			if len(eventsOf[Waiting](w.procs[addrs[0]])) == 0 {
				t.Error("got no word of whom it waits for")
			}
		})
	}
}

func TestFirstSeedSpeltOtherwise(t *testing.T) {
	w := newWorld(t, 1)
	w.alias["localhost:7001"], w.alias["localhost:7002"] = a, b
	seeds := []string{"localhost:7001", a, b, "localhost:7002"}
	w.up(a, seeds)
	w.up(b, seeds)
	took := w.until(time.Second, "one cluster", w.joined)
	if took > 550*time.Millisecond {
		t.Errorf("got %s, want at most 550ms", took)
	}
}

func TestFirstSeedRestarts(t *testing.T) {
	w := newWorld(t, 1)
	for _, addr := range []string{a, b, c, d} {
		w.up(addr, abc)
	}
	w.until(3*time.Second, "one cluster", w.joined)
	p := w.up(a, abc) // the old incarnation is still a member
	w.until(3*time.Second, "one cluster again", w.joined)
	if len(w.clusters) != 1 || p.founded != 0 {
		t.Errorf("got %d clusters and %d foundings by the restarted seed, want 1 and 0", len(w.clusters), p.founded)
	}
}

// The case for the pause of T_found/6: no seed lives, an ordinary member does.
func TestAllSeedsRestartBesideALivingCluster(t *testing.T) {
	for _, down := range []time.Duration{50 * time.Millisecond, time.Second, time.Minute} {
		t.Run(down.String(), func(t *testing.T) {
			w := newWorld(t, 1)
			for _, addr := range []string{a, b, c, d} {
				w.up(addr, abc)
			}
			w.until(3*time.Second, "one cluster", w.joined)
			fc := w.clusters[0]
			for _, addr := range abc {
				n := w.procs[addr].self
				w.kill(addr)
				w.after(40*time.Millisecond, func() { w.remove(fc, n) })
			}
			w.run(down)
			w.up(a, abc)
			w.until(3*time.Second, "joined", w.joined)
			if len(w.clusters) != 1 {
				t.Errorf("got %d clusters, want 1", len(w.clusters))
			}
		})
	}
}

func TestTwoHeads(t *testing.T) {
	for _, gap := range []time.Duration{0, 100 * time.Millisecond, 5 * time.Second} {
		for _, first := range []string{a, b} {
			t.Run(fmt.Sprint(first, gap), func(t *testing.T) {
				w := newWorld(t, 1)
				lists := map[string][]string{a: {a, b, c}, b: {b, a, c}}
				other := map[string]string{a: b, b: a}[first]
				w.up(first, lists[first])
				w.run(gap)
				w.up(other, lists[other])
				w.up(c, abc)
				w.until(8*time.Second, "one cluster", w.joined)
				if len(w.clusters) != 1 {
					t.Fatalf("got %d clusters, want 1", len(w.clusters))
				}
				if gap == 0 && w.procs[a].founded != 1 {
					t.Error("want the lower address to found")
				}
			})
		}
	}
}

// Two heads that do not name each other meet through the third seed.
func TestTwoHeadsMeetThroughAThird(t *testing.T) {
	w := newWorld(t, 1)
	w.up(c, abc)
	w.up(b, []string{b, c})
	w.up(a, []string{a, c})
	w.until(20*time.Second, "one cluster", w.joined)
	if len(w.clusters) != 1 {
		t.Errorf("got %d clusters, want 1", len(w.clusters))
	}
}

func TestRefusals(t *testing.T) {
	name := func(c *Config) { c.Name = "other" }
	set := func(ps ...Setting) func(*Config) { return func(c *Config) { c.Settings = ps } }
	member1 := set(Setting{Key: "slots", Value: "16384"}, Setting{Key: "downing", Value: "keep-majority"})
	cases := []struct {
		name   string
		joiner func(*Config)
		code   Code
		texts  []string
	}{
		{"cluster name", name, WrongName, []string{`"test"`, `"other"`}},
		{"versions", func(c *Config) { member1(c); c.Versions = Versions{2, 3} }, WrongVersion, []string{"2 to 3", "the cluster 1"}},
		{"settings", set(Setting{Key: "downing", Value: "down-all"}, Setting{Key: "zeal", Value: "9"}), WrongSettings,
			[]string{`downing is "down-all" here and "keep-majority"`, `slots is not set here and "16384"`, `zeal is "9" here and not set`}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.up(a, []string{a, b}, member1)
			w.run(time.Second)
			p := w.up(b, []string{a, b}, tc.joiner)
			w.run(2 * time.Second)
			rs := eventsOf[Refused](p)
			if len(rs) == 0 {
				t.Fatalf("got no Refused event\n%s", w.state())
			}
			if rs[0].Code != tc.code || rs[0].By != a {
				t.Errorf("got code %d by %s, want %d by %s", rs[0].Code, rs[0].By, tc.code, a)
			}
			for _, text := range tc.texts {
				if !strings.Contains(rs[0].Text, text) {
					t.Errorf("got %q, want it to contain %q", rs[0].Text, text)
				}
			}
		})
	}
}

func TestHandshakeRefusalSurfaces(t *testing.T) {
	w := newWorld(t, 1)
	p := w.up(b, []string{a, b})
	w.step(p, SendFailed{To: member.Node{Address: a}, Refused: "wrong cluster name"})
	rs := eventsOf[Refused](p)
	if len(rs) != 1 || rs[0] != (Refused{By: a, Text: "wrong cluster name"}) {
		t.Errorf("got %+v, want the handshake's reason", rs)
	}
}

// machineOf returns a member that has its standing, without any network.
func machineOf(t *testing.T, self member.Node, members ...member.Node) (*Machine, time.Time) {
	t.Helper()
	m, err := New(Config{Self: self, Name: "test", Seeds: abc, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	m.Tick(now)
	id := member.Identity{Cluster: member.ClusterID{1}}
	if err := m.Step(now, Stand{Standing{Identity: id, View: 3, Lease: true, Members: member.Nodes(members)}}); err != nil {
		t.Fatal(err)
	}
	m.Ready()
	return m, now
}

func TestSameAddressNewUID(t *testing.T) {
	self, old, by, later := member.Node{Address: a, UID: 5}, member.Node{Address: b, UID: 6}, member.Node{Address: b, UID: 8}, member.Node{Address: b, UID: 9}
	cases := []struct {
		name     string
		who      member.Node // answers at the address; zero = the connection is refused
		replaced bool
		code     Code
	}{
		{"the joiner answers", by, true, 0},
		{"nobody listens", member.Node{}, true, 0},
		{"the old one answers", old, false, AddressInUse},
		{"a later one answers", later, false, StaleUID},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			m, now := machineOf(t, self, self, old)
			if err := m.Step(now, &Message{From: by, To: self, Body: Join{Name: "test", Versions: Versions{1, 1}}}); err != nil {
				t.Fatal(err)
			}
			rd := m.Ready()
			asked := bodyOf[Probe](t, rd)
			if r := bodyOf[Refusal](t, rd); r.Code != Wait {
				t.Errorf("got %+v before the address was looked at, want to wait", r)
			}
			var in Input = SendFailed{To: member.Node{Address: b}, Nobody: true}
			if tc.who.UID != 0 {
				in = &Message{From: tc.who, To: self, Body: Answer{Asked: asked.Asked, Stamp: asked.Stamp, State: None}}
			}
			if err := m.Step(now, in); err != nil {
				t.Fatal(err)
			}
			rd = m.Ready()
			if got := len(rd.Events) == 1 && rd.Events[0] == Event(Replaced{Old: old, By: by}); got != tc.replaced {
				t.Errorf("got replaced %v, want %v: %+v", got, tc.replaced, rd.Events)
			}
			if tc.code != 0 {
				if r := bodyOf[Refusal](t, rd); r.Code != tc.code {
					t.Errorf("got %+v, want code %d", r, tc.code)
				}
			}
		})
	}
}

func TestLowerUIDIsRefusedWithTheNumberToExceed(t *testing.T) {
	self, known := member.Node{Address: a, UID: 5}, member.Node{Address: b, UID: 8}
	m, now := machineOf(t, self, self, known)
	join := Join{Name: "test", Versions: Versions{1, 1}}
	if err := m.Step(now, &Message{From: member.Node{Address: b, UID: 7}, To: self, Body: join}); err != nil {
		t.Fatal(err)
	}
	if r := bodyOf[Refusal](t, m.Ready()); r.Code != StaleUID || r.Exceed != 8 {
		t.Errorf("got %+v, want StaleUID to exceed 8", r)
	}
	if err := m.Step(now, Denied{Node: member.Node{Address: c, UID: 3}, Exceed: 9}); err != nil {
		t.Fatal(err)
	}
	if r := bodyOf[Refusal](t, m.Ready()); r.Code != StaleUID || r.Exceed != 9 {
		t.Errorf("got %+v, want StaleUID to exceed 9", r)
	}
}

func TestWithoutLeaseNobodyJoinsOrFounds(t *testing.T) {
	w := newWorld(t, 1)
	for _, addr := range []string{a, b} {
		w.up(addr, abc)
	}
	w.until(3*time.Second, "one cluster", w.joined)
	w.clusters[0].stuck = true
	w.publish(w.clusters[0])
	p := w.up(c, []string{c, a, b}) // even as a first seed
	w.run(25 * time.Second)         // less than T_giveup
	if !p.stand.Identity.IsZero() || len(w.clusters) != 1 {
		t.Errorf("got identity %v and %d clusters, want none joined and 1", p.stand.Identity, len(w.clusters))
	}
	w.clusters[0].stuck = false
	w.publish(w.clusters[0])
	w.until(2*time.Second, "joined", w.joined)
}

func TestIslandIsTold(t *testing.T) {
	self := member.Node{Address: a, UID: 5}
	m, now := machineOf(t, self, self)
	from := member.Node{Address: d, UID: 9}
	other := member.Identity{Cluster: member.ClusterID{9}}
	if err := m.Step(now, &Message{From: from, To: self, Body: Invite{Asked: a, Name: "test", Identity: other}}); err != nil {
		t.Fatal(err)
	}
	want := Island{By: from, Other: other, Own: 1, Plan: "the other side is the later one and is to yield"}
	if rd := m.Ready(); len(rd.Events) != 1 || rd.Events[0] != Event(want) {
		t.Errorf("got %+v, want %+v", rd.Events, want)
	}
}

func bodyOf[B Body](t *testing.T, rd Ready) B {
	t.Helper()
	for _, msg := range rd.Messages {
		if b, ok := msg.Body.(B); ok {
			return b
		}
	}
	var zero B
	t.Fatalf("got no %T in %d messages", zero, len(rd.Messages))
	return zero
}
