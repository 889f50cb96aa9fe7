package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what people may call themselves and say.
const (
	nameMax = 64      // runes of a room's or a user's name
	textMax = 4 << 10 // bytes of a line
)

// checkName refuses names that cannot be shown: what is "room" or "user".
func checkName(what, name string) error {
	switch n := utf8.RuneCountInString(name); {
	case name == "":
		return fmt.Errorf("%s is missing: give it a name of 1 to %d characters", what, nameMax)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s is not valid UTF-8", what)
	case n > nameMax:
		return fmt.Errorf("%s is %d characters long, at most %d are allowed", what, n, nameMax)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%s contains a control character", what)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%s begins or ends with a space", what)
	}
	return nil
}

// checkText refuses lines that are empty or too long.
func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("the line is empty")
	case len(text) > textMax:
		return fmt.Errorf("the line is %d bytes long, at most %d are allowed", len(text), textMax)
	}
	return nil
}

var errLineID = errors.New("id must be AUTHOR.NUMBER: 1 to 32 letters, digits, - or _, then a number that grows from line to line")

// parseLineID splits the id of a line, "author.number". The author is one
// client for as long as it lives, over all its connections; its numbers grow.
// Both are zero for "".
func parseLineID(id string) (author string, number uint64, err error) {
	if id == "" {
		return "", 0, nil
	}
	author, digits, ok := strings.Cut(id, ".")
	number, err = strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || number == 0 || author == "" || len(author) > 32 || strings.ContainsFunc(author, notInAuthor) {
		return "", 0, errLineID
	}
	return author, number, nil
}

func notInAuthor(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// anonymous begins the author of lines that came without an id; no id does.
const anonymous = "@"

// lineID is the inverse of parseLineID.
func lineID(author string, number uint64) string {
	if author == "" || strings.HasPrefix(author, anonymous) {
		return ""
	}
	return author + "." + strconv.FormatUint(number, 10)
}
