package seedjoin

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// removedFrom makes a process one that the cluster of these addresses removed.
func removedFrom(id member.Identity, voters ...string) func(*Config) {
	f := Former{Identity: id}
	for _, v := range voters {
		f.Voters = append(f.Voters, member.Node{Address: v, UID: 1})
	}
	return func(c *Config) { c.Former = f }
}

// TestRemovedSeedsFoundNothing: both seeds were removed while cut off from the
// rest, which lives. They have the majority of the seed list, and even a third
// process that remembers nothing does not make them found.
func TestRemovedSeedsFoundNothing(t *testing.T) {
	for _, symmetric := range []bool{false, true} {
		w := newWorld(t, 1)
		rest := w.up(c, []string{c})
		w.until(time.Minute, "the rest has a cluster", func() bool { return rest.founded == 1 })
		living := w.clusters[0].id
		w.cut = func(from, to string) bool { return (from == c) != (to == c) }
		mod := func(cfg *Config) {
			cfg.Symmetric = symmetric
			removedFrom(living, a, b, c)(cfg)
		}
		w.up(a, []string{a, b}, mod)
		w.up(b, []string{a, b}, mod)
		w.up(d, []string{a, b})
		w.run(10 * time.Minute)
		if len(w.clusters) != 1 {
			t.Fatalf("symmetric %t: founded beside the cluster that removed them", symmetric)
		}
		w.heal()
		w.until(time.Minute, "all are back", func() bool { return len(w.clusters[0].members) == 4 })
	}
}

// TestFormerIsVoidWhenItsVotersForgot: the cluster that removed this process
// exists no more, for its voters have started anew.
func TestFormerIsVoidWhenItsVotersForgot(t *testing.T) {
	tests := []struct {
		name    string
		voters  []string
		running []string // of them, started anew
		founds  bool
	}{
		{"two of three, itself among them", []string{a, b, c}, []string{b}, true},
		{"the other of two", []string{a, b}, []string{b}, true},
		{"one of four beside itself", []string{a, b, c, d}, []string{b}, false},
		{"nobody", []string{b, c, d}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 1)
			p := w.up(a, []string{a}, removedFrom(member.Identity{Cluster: member.ClusterID{1}}, test.voters...))
			for _, v := range test.running {
				w.up(v, []string{a})
			}
			w.run(5 * time.Minute)
			if got := p.founded == 1; got != test.founds {
				t.Errorf("founded = %t, want %t", got, test.founds)
			}
			if waits := eventsOf[Waiting](p); !test.founds && len(waits) == 0 {
				t.Error("the operator is not told for whom it waits")
			}
		})
	}
}
