package downing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

func node(i int) member.Node {
	return member.Node{Address: fmt.Sprintf("h:%d", i), UID: uint64(i)}
}

// view has n voters; member i has upNumber n+1-i, so the last is the oldest.
func view(n int) *member.View {
	v := &member.View{Number: 1, NextUp: uint64(n + 1)}
	for i := 1; i <= n; i++ {
		v.Members = append(v.Members, member.Entry{Node: node(i), Status: member.Up, UpNumber: uint64(n + 1 - i)})
	}
	return v
}

func subset(mask int) func(member.Node) bool {
	return func(n member.Node) bool { return mask>>(n.UID-1)&1 == 1 }
}

// strategies are all strategies; decisive tells that of a set of voters and its
// complement one is always a quorum.
var strategies = []struct {
	Strategy
	decisive bool
}{
	{KeepMajority{}, true},
	{StaticQuorum{Size: 1}, false},
	{StaticQuorum{Size: 3}, false},
	{StaticQuorum{Size: 9}, false},
	{KeepOldest{}, true},
	{KeepReferee{Address: "h:2"}, true},
	{KeepReferee{Address: "elsewhere:1"}, true},
	{DownAll{}, false},
	{LeaseMajority{}, true},
	{LeaseMajority{TTL: 1500 * time.Millisecond}, true},
}

// TestQuorumsMeet tries every pair of subsets of small views: two quorums share
// a voter, a superset of a quorum is one, all voters are one, nobody is none,
// and of a set and its complement exactly one is, where the strategy says so.
func TestQuorumsMeet(t *testing.T) {
	for _, s := range strategies {
		for n := 1; n <= 7; n++ {
			v, full := view(n), 1<<n-1
			if !s.Quorum(v, subset(full)) || s.Quorum(v, subset(0)) {
				t.Errorf("%s n=%d: got %t for all and %t for nobody", s, n, s.Quorum(v, subset(full)), s.Quorum(v, subset(0)))
			}
			for a := range full + 1 {
				qa := s.Quorum(v, subset(a))
				if s.decisive && qa == s.Quorum(v, subset(full&^a)) {
					t.Errorf("%s n=%d: got %t for %b and for its complement", s, n, qa, a)
				}
				for b := range full + 1 {
					qb := s.Quorum(v, subset(b))
					if qa && qb && a&b == 0 {
						t.Errorf("%s n=%d: quorums %b and %b do not meet", s, n, a, b)
					}
					if qa && a&b == a && !qb {
						t.Errorf("%s n=%d: %b is a quorum, its superset %b is not", s, n, a, b)
					}
				}
			}
		}
	}
}

// TestStrategies has one row for each sentence that a strategy's page says.
func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Strategy
		n    int
		have int // bit mask of members, lowest first; the last is the oldest
		want bool
	}{
		{"static: enough", StaticQuorum{3}, 5, 0b00111, true},
		{"static: too few", StaticQuorum{3}, 5, 0b10001, false},
		{"static: the larger side is too small", StaticQuorum{4}, 5, 0b11100, false},
		{"static: still growing, all", StaticQuorum{3}, 2, 0b11, true},
		{"static: still growing, one of two", StaticQuorum{3}, 2, 0b10, false},
		{"static: too large a view, no majority", StaticQuorum{3}, 6, 0b000111, false},
		{"static: too large a view, majority", StaticQuorum{3}, 6, 0b001111, true},
		{"oldest with one more", KeepOldest{}, 5, 0b10001, true},
		{"oldest alone", KeepOldest{}, 5, 0b10000, false},
		{"all but the oldest", KeepOldest{}, 5, 0b01111, true},
		{"most, without the oldest", KeepOldest{}, 5, 0b00111, false},
		{"oldest of two", KeepOldest{}, 2, 0b10, true},
		{"younger of two", KeepOldest{}, 2, 0b01, false},
		{"referee alone", KeepReferee{"h:2"}, 5, 0b00010, true},
		{"all but the referee", KeepReferee{"h:2"}, 5, 0b11101, false},
		{"no referee yet: majority", KeepReferee{"h:9"}, 5, 0b00111, true},
		{"down-all: one is lost", DownAll{}, 5, 0b01111, false},
	} {
		if got := c.s.Quorum(view(c.n), subset(c.have)); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
	if got := (StaticQuorum{Size: 3}).Limit(); got != 5 {
		t.Errorf("limit of static-quorum:3: got %d, want 5", got)
	}
}

func TestKeepMajority(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		have int // bit mask of members, lowest first; the last is the oldest
		want bool
	}{
		{"none", 3, 0b000, false},
		{"two of three", 3, 0b011, true},
		{"one of three", 3, 0b100, false},
		{"half without the oldest", 4, 0b0011, false},
		{"half with the oldest", 4, 0b1001, true},
		{"the older of two", 2, 0b10, true},
		{"the younger of two", 2, 0b01, false},
		{"alone", 1, 0b1, true},
	} {
		if got := (KeepMajority{}).Quorum(view(c.n), subset(c.have)); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
	leaving := view(3)
	leaving.Members[0].Status = member.Exiting
	if (KeepMajority{}).Quorum(leaving, subset(0b011)) {
		t.Error("an exiting member was counted: half of two without the oldest is a quorum")
	}
}

func TestStableAfter(t *testing.T) {
	for n, want := range map[int]time.Duration{ // order: each size is checked by itself
		1: 1500 * time.Millisecond, 10: 1500 * time.Millisecond, 100: 2250 * time.Millisecond,
		1000: 3 * time.Second, 10000: 3750 * time.Millisecond,
	} {
		if got := StableAfter(1500*time.Millisecond, n); got != want {
			t.Errorf("n=%d: got %v, want %v", n, got, want)
		}
	}
}

const (
	stable = 1500 * time.Millisecond
	quiet  = time.Second
)

var start = time.Unix(1000, 0)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func wantDue(t *testing.T, timers *Timers, ms int, want ...member.Node) {
	t.Helper()
	if got := timers.Due(at(ms), stable, quiet); !slices.Equal(got, want) {
		t.Errorf("due at %d ms: got %v, want %v", ms, got, want)
	}
}

func TestTimersWaitForAStablePicture(t *testing.T) {
	var timers Timers
	timers.Accused(at(0))
	timers.Update(at(0), []member.Node{node(1)})
	wantDue(t, &timers, 1499)
	timers.Update(at(1400), []member.Node{node(1), node(2)})
	timers.Accused(at(1400))
	wantDue(t, &timers, 1500) // not quiet
	wantDue(t, &timers, 2400, node(1), node(2))
}

func TestTimersDoNotWaitForEver(t *testing.T) {
	var timers Timers
	timers.Update(at(0), []member.Node{node(1)})
	for ms := 500; ms < 3000; ms += 500 { // new trouble again and again
		timers.Update(at(ms), []member.Node{node(1), node(2)})
		timers.Accused(at(ms))
		wantDue(t, &timers, ms)
	}
	timers.Accused(at(3000))
	wantDue(t, &timers, 3000, node(1))
}

func TestTimersForgetWhoAnswers(t *testing.T) {
	var timers Timers
	timers.Update(at(0), []member.Node{node(1)})
	timers.Update(at(1000), nil)
	timers.Update(at(1100), []member.Node{node(1)})
	wantDue(t, &timers, 2500)
	wantDue(t, &timers, 2600, node(1))
}

func TestTimersRemoveAFlappingSubjectAlone(t *testing.T) {
	var timers Timers
	timers.Update(at(0), []member.Node{node(2)})
	for _, ms := range []int{0, 500, 1000} {
		timers.Update(at(ms), []member.Node{node(1), node(2)})
		timers.Update(at(ms+100), []member.Node{node(2)})
	}
	timers.Update(at(1400), []member.Node{node(1), node(2)})
	wantDue(t, &timers, 1400, node(1))
	timers.Update(at(70_000), nil)
	timers.Update(at(70_100), []member.Node{node(1)})
	wantDue(t, &timers, 70_200)
}
