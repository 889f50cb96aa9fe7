package seedjoin

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

func TestNewReportsEveryFault(t *testing.T) {
	_, err := New(Config{
		Seeds: []string{""}, Found: -1, Retry: -1, GiveUp: -1, Versions: Versions{3, 2},
		Settings: []Setting{{Key: "k"}, {Key: "k"}},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"no address", "no UID", "Name", "Rand", "empty address", "Found", "Retry", "GiveUp", "upside down", `"k" twice`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %q", err, want)
		}
	}
	_, err = New(Config{Self: member.Node{Address: a, UID: 1}, Name: "n", Rand: rand.New(rand.NewPCG(1, 1))})
	if err == nil || !strings.Contains(err.Error(), "FoundAlone") {
		t.Errorf("got %v without seeds, want an error that names FoundAlone", err)
	}
}

func TestStepRefuses(t *testing.T) {
	self, from := member.Node{Address: a, UID: 5}, member.Node{Address: b, UID: 6}
	m, now := machineOf(t, self, self)
	probe := Probe{Asked: a, Name: "test", Stamp: 1}
	cases := []struct {
		name string
		in   Input
		want error
	}{
		{"nil message", (*Message)(nil), ErrMalformed},
		{"no sender", &Message{To: self, Body: probe}, ErrMalformed},
		{"no body", &Message{From: from, To: self}, ErrMalformed},
		{"another incarnation", &Message{From: from, To: member.Node{Address: a, UID: 4}, Body: probe}, ErrMisaddressed},
		{"a pointer for a body", &Message{From: from, To: self, Body: &probe}, ErrUnknownInput},
		{"no input", nil, ErrUnknownInput},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := m.Step(now, tc.in); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if rd := m.Ready(); len(rd.Messages)+len(rd.Events) > 0 {
				t.Errorf("got outputs from a refused input: %+v", rd)
			}
		})
	}
}

func TestClusterIDsAreOrderedByTime(t *testing.T) {
	m, _ := machineOf(t, member.Node{Address: a, UID: 5})
	at := time.UnixMilli(0x0123456789ab)
	m.now = at
	first := m.newClusterID()
	if !strings.HasPrefix(first.String(), "0123456789ab") {
		t.Errorf("got %s, want the milliseconds in front", first)
	}
	m.now = at.Add(time.Millisecond)
	if second := m.newClusterID(); second.String() <= first.String() {
		t.Errorf("got %s after %s, want it to be greater", second, first)
	}
}

// Everything kept for others is bounded.
func TestBounds(t *testing.T) {
	self := member.Node{Address: a, UID: 5}
	many := make([]member.Node, 2000)
	for i := range many {
		many[i] = member.Node{Address: fmt.Sprintf("10.0.0.1:%d", i+1), UID: 5}
	}
	m, now := machineOf(t, self, many...)
	seeker, err := New(Config{Self: self, Name: "test", Seeds: abc, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	id := member.Identity{Cluster: member.ClusterID{1}}
	for _, n := range many {
		n.UID++
		step(t, m, now, &Message{From: n, To: self, Body: Join{Name: "test", Versions: Versions{1, 1}}})
		step(t, seeker, now, &Message{From: n, To: self, Body: Invite{Name: "test", Identity: id}})
		step(t, seeker, now, &Message{From: n, To: self, Body: Probe{Name: "test"}})
		m.Ready()
		seeker.Ready()
	}
	if len(m.checks) > maxChecks || len(seeker.waiters) > maxWaiters || len(seeker.contacts) > len(abc)+maxMet {
		t.Errorf("got %d checks, %d waiters, %d contacts; want at most %d, %d, %d",
			len(m.checks), len(seeker.waiters), len(seeker.contacts), maxChecks, maxWaiters, len(abc)+maxMet)
	}
}

func step(t *testing.T, m *Machine, now time.Time, in Input) {
	t.Helper()
	if err := m.Step(now, in); err != nil {
		t.Fatal(err)
	}
}
