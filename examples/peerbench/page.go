package main

import (
	"fmt"
	"os"
	"strings"
)

// The tables of a page stand between these lines.
const (
	pageBegin       = "<!-- peerbench: begin -->\n"
	pageEnd         = "<!-- peerbench: end -->\n"
	remotePageBegin = "<!-- peerbench remote: begin -->\n"
	remotePageEnd   = "<!-- peerbench remote: end -->\n"
)

// page is a Markdown file with a place for tables between two lines; the path ""
// is for no file.
type page struct{ path, begin, end string }

// check finds the place, before anything is measured: a wrong name should cost
// nobody minutes.
func (p page) check() error {
	if p.path == "" {
		return nil
	}
	_, _, err := p.around()
	return err
}

// replace puts tables there.
func (p page) replace(tables string) error {
	if p.path == "" {
		return nil
	}
	before, after, err := p.around() // again: it may have been edited meanwhile
	if err != nil {
		return err
	}
	return os.WriteFile(p.path, []byte(before+p.begin+tables+p.end+after), 0o644)
}

// around is the text before and after the place.
func (p page) around() (before, after string, err error) {
	text, err := os.ReadFile(p.path)
	if err != nil {
		return "", "", fmt.Errorf("-into: %w", err)
	}
	before, rest, begins := strings.Cut(string(text), p.begin)
	_, after, ends := strings.Cut(rest, p.end)
	if !begins || !ends {
		return "", "", fmt.Errorf("-into: %s lacks the lines %q and %q", p.path, strings.TrimSpace(p.begin), strings.TrimSpace(p.end))
	}
	return before, after, nil
}
