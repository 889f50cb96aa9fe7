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

// page is a Markdown file with a place for tables; "" for no file.
type page string

// check finds the place, before anything is measured: a wrong name should cost
// nobody minutes.
func (p page) check() error {
	if p == "" {
		return nil
	}
	_, _, err := p.around()
	return err
}

// replace puts tables there.
func (p page) replace(tables string) error {
	if p == "" {
		return nil
	}
	before, after, err := p.around() // again: it may have been edited meanwhile
	if err != nil {
		return err
	}
	return os.WriteFile(string(p), []byte(before+pageBegin+tables+pageEnd+after), 0o644)
}

// around is the text before and after the place.
func (p page) around() (before, after string, err error) {
	text, err := os.ReadFile(string(p))
	if err != nil {
		return "", "", fmt.Errorf("-into: %w", err)
	}
	before, rest, begins := strings.Cut(string(text), pageBegin)
	_, after, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		return "", "", fmt.Errorf("-into: %s lacks the lines %q and %q", p, strings.TrimSpace(pageBegin), strings.TrimSpace(pageEnd))
	}
	return before, after, nil
}
