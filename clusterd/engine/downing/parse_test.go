package downing

import (
	"errors"
	"testing"
)

func TestParseReadsWhatStringWrites(t *testing.T) {
	for _, s := range strategies {
		if got, err := Parse(s.String()); err != nil || got != s.Strategy {
			t.Errorf("%q: got %v, %v", s.String(), got, err)
		}
	}
	if got, err := Parse(""); err != nil || got != (KeepMajority{}) {
		t.Errorf("empty: got %v, %v, want keep-majority", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"majority", "keep-majority:3", "static-quorum", "static-quorum:0", "static-quorum:x",
		"keep-referee", "keep-referee:host", "keep-oldest:1", "down-all:", "lease", "lease-majority:0s", "lease-majority:soon",
	} {
		if got, err := Parse(text); !errors.Is(err, ErrUnknownStrategy) {
			t.Errorf("%q: got %v, %v, want ErrUnknownStrategy", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range strategies {
		f.Add(s.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Errorf("%q parsed to %v, its text to %v, %v", text, s, again, err)
		}
	})
}
