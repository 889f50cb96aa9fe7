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

// TestSystemCrowd forms a small crowd of either system and measures it.
func TestSystemCrowd(t *testing.T) {
	for _, system := range []string{"pando", "memberlist"} {
		t.Run(system, func(t *testing.T) {
			s := crowdSetup{System: system, Nodes: 20, Timing: "lan"}
			row, err := measureCrowd(t.Context(), s, 2, 0, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if row.rest.Bytes == 0 || row.rest.Goroutines == 0 || row.form.CPU <= 0 {
				t.Errorf("got %+v, want bytes, goroutines and processor time", row)
			}
		})
	}
}

func TestCrowdTable(t *testing.T) {
	rows := []crowdRow{{
		system: "pando", formed: 2 * time.Second, form: sample{CPU: 3},
		rest: sample{CPU: 5, Bytes: 4000, Goroutines: 20, Memory: 40 << 10},
	}}
	var out bytes.Buffer
	printCrowd(&out, rows, 4, 2, 10*time.Second)
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"4 nodes in 2 processes, at rest for 10s pando", "CPU seconds to form 3.0", "all nodes 0.500",
		"CPU ms a node and second 125.00", "bytes a node and second 100", "goroutines a node 5.0", "KiB 10",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}

func TestCrowdFlags(t *testing.T) {
	for args, want := range map[string]string{ // order: each is checked by itself
		"-nodes 2": "want -nodes", "-processes 0": "want -nodes", "-timing slow": `-timing "slow"`, "more": "want -nodes",
	} {
		if err := runCrowd(context.Background(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", args, err, want)
		}
	}
}
