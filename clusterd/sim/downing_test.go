package sim

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestAkkaDowningTable holds that the table of Akka's downing scenarios in
// docs/partitions.md has its rows and names scripts and tests that exist.
func TestAkkaDowningTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/partitions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## Akka's downing scenarios in the simulator\n")
	if !found {
		t.Fatal("docs/partitions.md has no section on Akka's downing scenarios")
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d\d) \| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(text, -1) {
		rows[m[1]] = m[2]
	}
	want := []int{55, 56, 57, 58, 59, 64, 65}
	for _, row := range want {
		checkRow(t, fmt.Sprint(row), rows)
	}
	if len(rows) != len(want) {
		t.Errorf("got %d rows, want %v", len(rows), want)
	}
}
