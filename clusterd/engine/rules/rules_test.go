package rules

import (
	"errors"
	"strings"
	"testing"
)

func TestEveryRuleIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		if r.Text() == "" || r.Breaks() == "" || strings.ContainsAny(r.String(), " (") || seen[r.String()] {
			t.Errorf("rule %d is %q, %q, breaks %q: want a name of its own, a text and an invariant", r, r, r.Text(), r.Breaks())
		}
		seen[r.String()] = true
	}
}

func TestSets(t *testing.T) {
	s, err := Parse("S1-silence V2-read")
	if want := Of(V2Read, S1Silence); err != nil || s != want {
		t.Errorf("got %v, %v, want %v", s, err, want)
	}
	if got, want := s.String(), "V2-read S1-silence"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !s.Has(V2Read) || s.Has(V2Finish) || (Set{}).Has(V2Read) {
		t.Error("Has: got another set than was parsed")
	}
	if _, err := Parse("V2-read V9"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want %v", err, ErrUnknown)
	}
}
