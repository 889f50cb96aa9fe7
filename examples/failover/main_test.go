package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be a node, as the command is.
func TestMain(m *testing.M) {
	if os.Getenv(asNode) != "" || os.Getenv(asCrowd) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSystemTwoKills measures two rounds, the leader's death among them.
func TestSystemTwoKills(t *testing.T) {
	c, err := newCluster(3, "fast")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	r, err := c.measure(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range r.rounds {
		if len(one.removed) != 2 || len(one.dead) != 2 || len(one.answers) != 1 {
			t.Errorf("round %d: got %+v, want 2 removals, 2 deaths and an answer", i, one)
		}
	}
}

func TestReport(t *testing.T) {
	r := &report{}
	for _, s := range []time.Duration{3, 1, 2} {
		one := r.begin()
		one.removed = []time.Duration{0, s * time.Second}
		one.answers = []time.Duration{s*time.Second + 500*time.Millisecond}
	}
	var out bytes.Buffer
	r.print(&out, 5, "lan")
	want := `3 kills in 5 nodes, timing lan; seconds from the kill until the last node knows
                            median   p90  worst
               unreachable       -     -      -
                   removed    2.00  3.00   3.00
  entity answers elsewhere    2.50  3.50   3.50
          memberlist: dead       -     -      -
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{ // order: each is checked by itself
		"-n 0": "want -n", "-nodes 2": "want -n", "-timing slow": `-timing "slow"`, "more": "want -n",
	} {
		if err := runCommand(context.Background(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", args, err, want)
		}
	}
}
