package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be a node, as the command is.
func TestMain(m *testing.M) {
	if os.Getenv(asNode) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSystemFirstSeedTraps springs each trap three times.
func TestSystemFirstSeedTraps(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes, for some seconds")
	}
	for i := range traps {
		tr := &traps[i]
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			for repeat := range 3 {
				r, err := tr.run(t.Context(), rand.New(rand.NewPCG(uint64(i), uint64(repeat))), repeat)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("repeat %d: %s after %v", repeat+1, r.end, r.took)
			}
		})
	}
}

// Nothing but what the nodes themselves agree on counts as one cluster.
func TestTogether(t *testing.T) {
	good := func() []word {
		up := []string{"a#1", "b#2"}
		return []word{
			{Self: "a#1", Cluster: "x", Converged: true, Up: up},
			{Self: "b#2", Cluster: "x", Converged: true, Up: up},
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(w *word)
		want  bool
	}{
		{"all agree", func(*word) {}, true},
		{"nothing said", func(w *word) { *w = word{} }, false},
		{"another cluster", func(w *word) { w.Cluster = "y" }, false},
		{"not converged", func(w *word) { w.Converged = false }, false},
		{"another incarnation", func(w *word) { w.Self = "b#3" }, false},
		{"a member that does not run", func(w *word) { w.Up = append(w.Up[:2:2], "c#3") }, false},
		{"a member that is unreachable", func(w *word) { w.Others = 1 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			crew := &crew{last: good()}
			c.spoil(&crew.last[1])
			if got := crew.together(0, 1); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Two clusters are a good end only if both sides told both sizes.
func TestApart(t *testing.T) {
	crew := &crew{
		last: []word{
			{Self: "a#1", Cluster: "x", Converged: true, Up: []string{"a#1", "c#3"}},
			{Self: "b#2", Cluster: "y", Converged: true, Up: []string{"b#2"}},
			{Self: "c#3", Cluster: "x", Converged: true, Up: []string{"a#1", "c#3"}},
		},
		told: []*sides{nil, {Own: 1, Other: 2}, {Own: 2, Other: 2}},
	}
	nodes := []int{0, 1, 2}
	if crew.apart(nodes) {
		t.Error("got true, want false: one side told a wrong size")
	}
	crew.told[2] = &sides{Own: 2, Other: 1}
	if !crew.apart(nodes) {
		t.Error("got false, want true: both sides told both sizes")
	}
}

func TestTable(t *testing.T) {
	row := &trap{name: "last"}
	table := &table{results: []result{
		{row, oneCluster, 3 * time.Second, 1}, {row, oneCluster, time.Second, 2},
		{row, oneCluster, 2 * time.Second, 1}, {row, islands, 0, 2},
	}}
	var out bytes.Buffer
	table.print(&out)
	want := []string{"tries", "one", "cluster", "islands", "told", ">1", "founded", "median", "s", "worst", "s",
		"the", "first", "seed", "is", "started", "last", "4", "3", "1", "2", "2.00", "3.00"}
	if got := strings.Fields(out.String()); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{ // order: each is checked by itself
		"-n 0": "want -n", "-parallel 0": "want -n", "-only nothing": `-only "nothing"`, "more": "want -n",
	} {
		if err := runCommand(context.Background(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", args, err, want)
		}
	}
}
