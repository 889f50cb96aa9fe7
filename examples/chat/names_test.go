package main

import (
	"strings"
	"testing"
)

func TestCheckText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"one rune", "ä", true}, {"as long as may be", strings.Repeat("x", textMax), true},
		{"one byte more", strings.Repeat("x", textMax+1), false}, {"empty", "", false}, {"blank", " \n\t", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := checkText(c.text); (err == nil) != c.ok {
				t.Errorf("got %v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestParseLineID(t *testing.T) {
	for _, c := range []struct {
		id     string
		author string
		number uint64
		ok     bool
	}{
		{"", "", 0, true},
		{"k3f.17", "k3f", 17, true},
		{"A-b_9.18446744073709551615", "A-b_9", 1<<64 - 1, true},
		{"k3f", "", 0, false},
		{"k3f.", "", 0, false},
		{".1", "", 0, false},
		{"k3f.0", "", 0, false},
		{"k3f.-1", "", 0, false},
		{"k3f.18446744073709551616", "", 0, false},
		{"@k.1", "", 0, false},
		{strings.Repeat("a", 33) + ".1", "", 0, false},
	} {
		author, number, err := parseLineID(c.id)
		if author != c.author || number != c.number || (err == nil) != c.ok {
			t.Errorf("%q: got %q, %d, %v; want %q, %d, ok %v", c.id, author, number, err, c.author, c.number, c.ok)
		}
		if c.ok && lineID(author, number) != c.id {
			t.Errorf("%q: got %q back", c.id, lineID(author, number))
		}
	}
}

// FuzzPostOf feeds what a client may send: it is refused or stays within the limits.
func FuzzPostOf(f *testing.F) {
	f.Add("hello", "k3f.1", uint64(0))
	f.Add("", "", badFrame)
	f.Add(strings.Repeat("x", textMax+1), "@.1", uint64(7))
	f.Fuzz(func(t *testing.T, text, id string, seq uint64) {
		post, refused := postOf(lineFrame{Text: text, ID: id, Seq: seq})
		if (post == nil) == (refused == nil) {
			t.Fatalf("got post %v and refused %v, want one of them", post, refused)
		}
		if post != nil && (len(post.GetText()) > textMax || strings.HasPrefix(post.GetAuthor(), anonymous)) {
			t.Fatalf("got %v, want it within the limits", post)
		}
	})
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä 漢": "plain ä 漢", "\x1b[2J": "�[2J", "a\nb": "a b", "\u202ex": "�x", "\u009b": "�",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
