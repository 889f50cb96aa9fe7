package main

import (
	"fmt"
	"os"
	"strings"
)

// The tables of a page stand between these lines.
const (
	pageBegin = "<!-- peerbench: begin -->\n"
	pageEnd   = "<!-- peerbench: end -->\n"
)

// page is a Markdown file with a place for the tables.
type page struct{ path, before, after string }

// page reads the file that the tables shall go into, nil if none; before anything
// is measured, so that a wrong name costs nobody minutes.
func (o options) page() (*page, error) {
	if o.into == "" {
		return nil, nil
	}
	text, err := os.ReadFile(o.into)
	if err != nil {
		return nil, fmt.Errorf("-into: %w", err)
	}
	before, rest, begins := strings.Cut(string(text), pageBegin)
	_, after, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		return nil, fmt.Errorf("-into: %s lacks the lines %q and %q", o.into, strings.TrimSpace(pageBegin), strings.TrimSpace(pageEnd))
	}
	return &page{o.into, before, after}, nil
}

// replace puts the tables there.
func (p *page) replace(tables string) error {
	return os.WriteFile(p.path, []byte(p.before+pageBegin+tables+pageEnd+p.after), 0o644)
}
