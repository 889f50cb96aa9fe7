package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestOneSeedPrintsItsStory(t *testing.T) {
	var out bytes.Buffer
	if err := (options{seed: 3, nodes: 3}).run(&out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"seed 3\n", "start n", "finish 90s", "hash "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestFreshSeedsPrintASummary(t *testing.T) {
	var out bytes.Buffer
	if err := (options{runs: 3, from: 7, nodes: 3}).run(&out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if got := out.String(); !strings.HasPrefix(got, "3 runs from seed 7, 0 failed, ") {
		t.Errorf("got %q, want a summary of 3 runs without failures", got)
	}
}

func TestScriptThatIsNotThere(t *testing.T) {
	if err := (options{script: "testdata/none.txt"}).run(&bytes.Buffer{}); err == nil {
		t.Error("no error for a script that does not exist")
	}
}
