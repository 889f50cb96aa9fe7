package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	o, err := parse([]string{"-nodes", "10", "-k", "2,3", "-runs", "0.2"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := o.print(&out); err != nil {
		t.Errorf("got %v:\n%s", err, out.String())
	}
	if got := strings.Count(out.String(), "(d) delegate"); got != 8 {
		t.Errorf("got %d lines of the default strategy, want 8:\n%s", got, out.String())
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-nodes", "x"}, {"-k", "0"}, {"-nonsense"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v: got no error", args)
		}
	}
	if o, err := parse([]string{"-loss", "0.2"}); err != nil || len(o.faults) != 1 || o.faults[0].Loss != 0.2 {
		t.Errorf("got %+v, %v, want the one fault asked for", o, err)
	}
}
