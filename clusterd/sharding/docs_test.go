package sharding

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestScenarioTable finds each test that docs/sharding.md names.
func TestScenarioTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/sharding.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Redis's scenarios")
	named := regexp.MustCompile("`([a-z/]+) (Test\\w+)`").FindAllStringSubmatch(table, -1)
	if len(named) < 10 {
		t.Fatalf("%d tests are named, want more: has the table moved?", len(named))
	}
	for _, m := range named {
		files, err := filepath.Glob(filepath.Join("../..", m[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(src), "\nfunc "+m[2]+"(")
		}
		if !found {
			t.Errorf("%s has no %s", m[1], m[2])
		}
	}
}
