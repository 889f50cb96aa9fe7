package main

import (
	"strings"
	"testing"
)

func TestHello(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "hello Ada\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
