package core

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/seedjoin"
)

func TestStepRefusesPackets(t *testing.T) {
	self, peer := member.Node{Address: "127.0.0.1:7001", UID: 5}, member.Node{Address: "127.0.0.1:7002", UID: 6}
	before := member.Node{Address: self.Address, UID: 4}
	probe := func(from, to member.Node) *seedjoin.Message {
		return &seedjoin.Message{From: from, To: to, Body: seedjoin.Probe{Asked: to.Address, Name: "test", Stamp: 1}}
	}
	c, err := New(Config{Self: self, Name: "test", Seeds: []string{peer.Address}, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		in   Input
		want error
	}{
		{"nil", (*Packet)(nil), ErrMalformed},
		{"no body", &Packet{From: peer, To: self}, ErrMalformed},
		{"two bodies", &Packet{From: peer, To: self, Engine: &engine.Message{From: peer, To: self}, Join: probe(peer, self)}, ErrMalformed},
		{"another sender inside", &Packet{From: peer, To: self, Join: probe(self, self)}, ErrMalformed},
		{"another receiver inside", &Packet{From: peer, To: self, Engine: &engine.Message{From: peer, To: peer}}, ErrMalformed},
		{"the incarnation before", &Packet{From: peer, To: before, Join: probe(peer, before)}, ErrMisaddressed},
		{"no input", nil, ErrUnknownInput},
	}
	now := time.Unix(1e9, 0)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.Step(now, tc.in); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	whoever := member.Node{Address: "localhost:7001"}
	if err := c.Step(now, &Packet{From: peer, To: whoever, Join: probe(peer, whoever)}); err != nil {
		t.Errorf("got %v for whoever is there, want it taken", err)
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	_, err := New(Config{})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"Name", "Seeds", "Rand", "address"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
}

func TestNotesAreNotRepeated(t *testing.T) {
	var ns notes
	now := time.Unix(1e9, 0)
	n := Note{Refused: true, By: "a", Text: "no"}
	steps := []struct {
		name  string
		after time.Duration
		note  Note
		want  bool
	}{
		{"first", 0, n, true},
		{"again", time.Second, n, false},
		{"another", 0, Note{By: "a", Text: "no"}, true},
		{"again, another between", 0, n, false},
		{"much later", repeatAfter, n, true},
	}
	for _, s := range steps {
		now = now.Add(s.after)
		if got := ns.isNew(now, s.note); got != s.want {
			t.Errorf("%s: got %v, want %v", s.name, got, s.want)
		}
	}
	for i := range 2 * maxNotes {
		ns.isNew(now, Note{By: fmt.Sprint(i)})
	}
	if len(ns) > maxNotes {
		t.Errorf("got %d remembered, want at most %d", len(ns), maxNotes)
	}
}
