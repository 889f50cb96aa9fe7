package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// table is a Markdown table whose first column is text, the others are numbers.
type table struct {
	head []string
	rows [][]string
}

func (t table) String() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	rule := []string{"---"}
	for range t.head[1:] {
		rule = append(rule, "---:")
	}
	line(rule)
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// number writes three digits, or all before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return thousands(int(math.Round(v)))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// text is the median, bold if it should stand out, and, of more than one value, the
// range.
func (s spread) text(bold bool) string {
	if s.n == 0 {
		return "–"
	}
	mid := number(s.mid)
	if bold {
		mid = "**" + mid + "**"
	}
	if s.n == 1 {
		return mid
	}
	return fmt.Sprintf("%s [%s–%s]", mid, number(s.min), number(s.max))
}

// perOp is the median of allocations.
func (s spread) perOp() string {
	switch {
	case s.n == 0 || s.mid < 0:
		return "–"
	case s.mid < few:
		return "0"
	}
	return strconv.FormatFloat(s.mid, 'f', 1, 64)
}
