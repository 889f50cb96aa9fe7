package seedjoin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

var (
	cluster = member.Identity{Cluster: member.ClusterID{1}}
	foreign = member.Identity{Cluster: member.ClusterID{2}}
	// The members of the last view; the machine under test is the first.
	five = []member.Node{{Address: a, UID: 5}, {Address: b, UID: 5}, {Address: c, UID: 5}, {Address: d, UID: 5}, {Address: "127.0.0.1:7005", UID: 5}}
)

// cutOff is a member whose lease is gone, and those who answer its questions.
type cutOff struct {
	t      *testing.T
	m      *Machine
	now    time.Time
	stand  Standing
	who    map[string]Message // by address: From and Body answer there; nobody else says anything
	probes int
	events []Event
}

// newCutOff returns a member of a view of these voters, the first of them, that
// has just lost its lease.
func newCutOff(t *testing.T, voters ...member.Node) *cutOff {
	t.Helper()
	m, err := New(Config{Self: voters[0], Name: "test", Seeds: abc, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	c := &cutOff{t: t, m: m, now: time.Unix(1e9, 0), who: map[string]Message{}}
	m.Tick(c.now)
	m.Ready() // what it asked before it was a member
	c.lease(true, voters...)
	c.run(time.Minute)
	if c.probes > 0 {
		t.Errorf("asked %d times with a lease", c.probes)
	}
	c.lease(false, voters...)
	return c
}

func (c *cutOff) lease(has bool, voters ...member.Node) {
	c.stand = Standing{Identity: cluster, View: 7, Lease: has, Members: member.Nodes(voters), Voters: member.Nodes(voters)}
	step(c.t, c.m, c.now, Stand{c.stand})
}

// answers has an incarnation answer at its address from now on.
func (c *cutOff) answers(uid uint64, address string, a Answer) {
	c.who[address] = Message{From: member.Node{Address: address, UID: uid}, Body: a}
}

func (c *cutOff) run(d time.Duration) {
	c.t.Helper()
	for end := c.now.Add(d); ; {
		rd := c.m.Ready()
		c.events = append(c.events, rd.Events...)
		for _, msg := range rd.Messages {
			c.reply(msg)
		}
		if len(rd.Messages) > 0 {
			continue
		}
		if rd.Wake.IsZero() || rd.Wake.After(end) {
			c.now = end
			return
		}
		c.now = rd.Wake
		c.m.Tick(c.now)
	}
}

func (c *cutOff) reply(msg *Message) {
	p, ok := msg.Body.(Probe)
	if !ok {
		return
	}
	c.probes++
	if by, ok := c.who[msg.To.Address]; ok {
		a := by.Body.(Answer)
		a.Asked, a.Stamp = p.Asked, p.Stamp
		step(c.t, c.m, c.now, &Message{From: by.From, To: msg.From, Body: a})
	}
}

func (c *cutOff) lost() bool {
	return slices.ContainsFunc(c.events, func(e Event) bool { _, ok := e.(Lost); return ok })
}

func TestWhenAMemoryIsVoid(t *testing.T) {
	restarted := Answer{State: None}
	heard := Answer{State: Heard, Identity: cluster, Node: five[0]}
	elsewhere := Answer{State: Member, Identity: foreign, View: 3, Lease: true}
	paused := Answer{State: Member, Identity: cluster, View: 7}
	leased := Answer{State: Member, Identity: cluster, View: 7, Lease: true}
	leaving := Answer{State: Member, Identity: cluster, View: 7, Lease: true, Leaving: true}
	const old, later = 5, 6
	type word struct {
		uid uint64
		a   Answer
	}
	cases := []struct {
		name   string
		voters int
		words  []word // of the second voter and those after it
		sooner bool   // before T_giveup
		later  bool
	}{
		{"all silent", 5, nil, false, false},
		{"most restarted", 5, []word{{later, restarted}, {later, heard}, {later, elsewhere}}, true, true},
		{"two of five restarted", 5, []word{{later, restarted}, {later, restarted}}, false, true}, // this one waits, too
		{"one of five restarted", 5, []word{{later, restarted}}, false, false},
		{"most wait", 5, []word{{old, paused}, {old, paused}}, false, true},
		{"two of five wait", 5, []word{{old, paused}}, false, false},
		{"restarted into the same cluster, which waits", 5, []word{{later, paused}, {later, paused}}, false, true},
		{"most restarted, one acts", 5, []word{{later, restarted}, {later, restarted}, {later, restarted}, {old, leased}}, false, false},
		{"most wait, one acts though it is leaving", 5, []word{{old, paused}, {old, paused}, {old, leaving}}, false, false},
		{"an older incarnation answers", 2, []word{{4, restarted}}, false, false},
		{"the same one says that it knows nothing", 2, []word{{old, restarted}}, false, false},
		{"two, the other restarted", 2, []word{{later, restarted}}, false, true},
		{"two, the other silent", 2, nil, false, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newCutOff(t, five[:tc.voters]...)
			for i, w := range tc.words {
				c.answers(w.uid, five[i+1].Address, w.a)
			}
			c.run(25 * time.Second)
			if c.lost() != tc.sooner {
				t.Errorf("got lost %v before T_giveup, want %v", c.lost(), tc.sooner)
			}
			c.run(10 * time.Second)
			if c.lost() != tc.later {
				t.Errorf("got lost %v after T_giveup, want %v", c.lost(), tc.later)
			}
		})
	}
}

// Each time that somebody acts, T_giveup begins anew.
func TestALeaseInBetween(t *testing.T) {
	c := newCutOff(t, five...)
	paused, leased := Answer{State: Member, Identity: cluster, View: 7}, Answer{State: Member, Identity: cluster, View: 7, Lease: true}
	c.answers(5, b, paused)
	c.answers(5, five[3].Address, paused)
	for range 4 {
		c.run(20 * time.Second)
		c.answers(5, five[2].Address, leased)
		c.run(2 * time.Second)
		c.answers(5, five[2].Address, paused)
	}
	if c.lost() {
		t.Fatal("lost though somebody had a lease every 22s")
	}
	c.lease(true, five...)
	c.run(5 * time.Second)
	c.lease(false, five...)
	c.run(25 * time.Second)
	if c.lost() {
		t.Fatal("lost though this member had a lease 25s ago")
	}
	c.run(10 * time.Second)
	if !c.lost() {
		t.Error("not lost 35s after the last lease")
	}
}

// Whoever is of this cluster and can tell more is hailed, and nobody else.
func TestWhoIsHailed(t *testing.T) {
	stranger := member.Node{Address: b, UID: 9}
	cases := []struct {
		name string
		who  member.Node
		a    Answer
		want bool
	}{
		{"a later incarnation", stranger, Answer{State: Member, Identity: cluster, View: 9, Lease: true}, true},
		{"a later incarnation without a lease", stranger, Answer{State: Member, Identity: cluster}, true},
		{"a known member that is ahead", five[1], Answer{State: Member, Identity: cluster, View: 8}, true},
		{"a known member", five[1], Answer{State: Member, Identity: cluster, View: 7, Lease: true}, false},
		{"a member of another cluster", stranger, Answer{State: Member, Identity: foreign, View: 9, Lease: true}, false},
		{"who has only heard of it", stranger, Answer{State: Heard, Identity: cluster, Node: five[2]}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newCutOff(t, five...)
			c.answers(tc.who.UID, tc.who.Address, tc.a)
			c.run(5 * time.Second)
			if got := slices.Contains(c.events, Event(Hail{Node: tc.who})); got != tc.want {
				t.Errorf("got hailed %v, want %v: %+v", got, tc.want, c.events)
			}
		})
	}
}

func TestAnInvitationHails(t *testing.T) {
	from := member.Node{Address: d, UID: 9}
	c := newCutOff(t, five[:3]...)
	step(t, c.m, c.now, &Message{From: from, To: five[0], Body: Invite{Asked: a, Name: "test", Identity: cluster, View: 9}})
	c.run(0)
	if !slices.Contains(c.events, Event(Hail{Node: from})) {
		t.Errorf("got %+v, want the steward hailed", c.events)
	}
}

// An answer to what was asked before the lease was lost says nothing of now, and
// one to a question that was never put says nothing at all.
func TestAnswersThatAreNotAsked(t *testing.T) {
	c := newCutOff(t, five...)
	for _, stamp := range []Stamp{c.m.memory.stamp, time.Hour} {
		for _, v := range five[1:] {
			v.UID++
			step(t, c.m, c.now, &Message{From: v, To: five[0], Body: Answer{Asked: v.Address, Stamp: stamp, State: None}})
		}
	}
	c.run(40 * time.Second)
	if c.lost() {
		t.Error("lost by answers to no question")
	}
}

// What a member without a lease costs does not grow with the cluster, everybody
// is asked in turn, and what it remembers is bounded by the view.
func TestLargeClusterIsAskedInTurn(t *testing.T) {
	var many []member.Node
	for i := range 400 {
		many = append(many, member.Node{Address: fmt.Sprintf("10.0.0.1:%d", i+1), UID: 5})
	}
	c := newCutOff(t, many...)
	c.run(13 * time.Second) // ten rounds
	if most := 11 * askAtOnce; c.probes == 0 || c.probes > most {
		t.Errorf("asked %d times in ten rounds, want 1 to %d", c.probes, most)
	}
	for _, n := range many[1:] {
		c.answers(6, n.Address, Answer{State: None})
	}
	c.run(40 * time.Second)
	if !c.lost() {
		t.Error("most have restarted, and that was not found out")
	}
	c.lease(false, many[:3]...)
	if got := len(c.m.memory.words); got > 3 {
		t.Errorf("remembers the words of %d, want those of the newest view's voters", got)
	}
}

func TestALostClusterIsFollowedByAnother(t *testing.T) {
	w := newWorld(t, 1)
	for _, addr := range []string{a, b, c} {
		w.up(addr, abc)
	}
	w.until(3*time.Second, "one cluster", w.joined)
	w.clusters[0].stuck = true
	w.publish(w.clusters[0])
	w.cut = func(string, string) bool { return false } // two clusters may live for a while
	w.until(40*time.Second, "another", func() bool { return len(w.clusters) == 2 && w.joined() })
}

func TestAPausedVoterSaysForWhomItWaits(t *testing.T) {
	c := newCutOff(t, five...)
	c.answers(6, b, Answer{State: None})
	c.run(17 * time.Second)
	var told []Waiting
	for _, e := range c.events {
		if w, ok := e.(Waiting); ok {
			told = append(told, w)
		}
	}
	if len(told) < 2 || len(told) > 3 {
		t.Fatalf("told %d times in 17s, want one in a few seconds", len(told))
	}
	if got, want := told[0].For, []string{five[2].Address, five[3].Address, five[4].Address}; !slices.Equal(got, want) {
		t.Errorf("got waiting for %v, want the silent %v", got, want)
	}
}
