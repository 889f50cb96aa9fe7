package sim_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/sim"
)

var (
	rounds     = flag.Int("rounds", 3, "how many rounds TestPartitionRounds plays with every strategy")
	firstRound = flag.Uint64("round", 0, "the first of them")
)

// tried are the strategies of the rounds, those of the table.
var tried = []string{
	"keep-majority", "static-quorum:3", "static-quorum:4", "keep-oldest", "keep-referee:n3", "lease-majority", "down-all",
}

// TestPartitionRounds draws cuts of five nodes in two from seeds: both ways, in one
// direction, and links that flap in either way, and plays each with every
// strategy. While a cut lasts, exactly the side lives that the strategy lets live.
// All along I1 and I3 hold, so nothing hosted ever runs twice, also while links
// flap, and after the heal all are together in one cluster.
//
//	go test ./clusterd/sim -run TestPartitionRounds -rounds 1000 -timeout 1h
func TestPartitionRounds(t *testing.T) {
	race.SkipPure(t)
	for seed := *firstRound; seed < *firstRound+uint64(*rounds); seed++ {
		for _, strategy := range tried {
			for _, kind := range []string{"cut", "one way", "flapping", "flapping one way"} {
				t.Run(fmt.Sprintf("round %d %s %s", seed, strategy, kind), func(t *testing.T) {
					newRound(t, seed, strategy, kind).play()
				})
			}
		}
	}
}

// round is one cut of five nodes.
type round struct {
	t        *testing.T
	rng      *rand.Rand
	strategy string
	kind     string
	sides    [2][]int // in a one-way cut the first does not reach the second
}

func newRound(t *testing.T, seed uint64, strategy, kind string) *round {
	r := &round{t: t, rng: rand.New(rand.NewPCG(seed, 4)), strategy: strategy, kind: kind}
	mask := 1 + r.rng.IntN(1<<5-2)
	for id := range 5 {
		side := mask >> id & 1
		r.sides[side] = append(r.sides[side], id+1)
	}
	return r
}

func (r *round) cut(s *sim.Sim) {
	if strings.Contains(r.kind, "one way") {
		s.CutOneWay(r.sides[0], r.sides[1])
		return
	}
	s.Cut(r.sides[0], r.sides[1])
}

func (r *round) play() {
	r.t.Helper()
	s, view := newPartition(r.t, r.strategy, 5)
	want := r.lives()
	if strings.HasPrefix(r.kind, "flapping") {
		r.flap(s)
	} else {
		r.cut(s)
		s.Run(25 * time.Second) // less than T_giveup: a cluster that nobody may lead is given up then
		got := nobody
		for _, side := range r.sides {
			if !alone(view, side) {
				continue
			}
			if got != nobody {
				r.t.Errorf("two sides live: %s and %v", got, side)
			}
			got = text(side)
		}
		if got != want {
			r.t.Errorf("%v | %v: got %s alive, want %s", r.sides[0], r.sides[1], got, want)
		}
	}
	s.Heal()
	if err := s.Finish(2 * time.Minute); err != nil {
		r.t.Errorf("%v | %v: after the heal: %v", r.sides[0], r.sides[1], err)
	}
}

// flap cuts and heals for a minute, for times around those of detection, of leases
// and of removal.
func (r *round) flap(s *sim.Sim) {
	for end := s.Now() + time.Minute; s.Now() < end && s.Err() == nil; {
		r.cut(s)
		s.Run(time.Duration(r.rng.Int64N(int64(8 * time.Second))))
		s.Heal()
		s.Run(time.Duration(r.rng.Int64N(int64(4 * time.Second))))
	}
}

// lives returns who goes on by the strategy's own word, in the five nodes of which
// the first is the oldest.
func (r *round) lives() string {
	rule, err := downing.Parse(spell(r.strategy))
	if err != nil {
		r.t.Fatal(err)
	}
	v := &member.View{Number: 1}
	for id := 1; id <= 5; id++ {
		v.Members = append(v.Members, member.Entry{Node: member.Node{Address: sim.Address(id)}, Status: member.Up, UpNumber: uint64(id)})
	}
	for _, side := range r.sides {
		names := map[string]bool{}
		for _, id := range side {
			names[sim.Address(id)] = true
		}
		if rule.Quorum(v, func(n member.Node) bool { return names[n.Address] }) {
			return text(side)
		}
	}
	return nobody
}

func text(side []int) string { return strings.Trim(fmt.Sprint(side), "[]") }
