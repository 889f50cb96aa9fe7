package remote

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestDocsNameTests: the tests by which the docs stand exist.
func TestDocsNameTests(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	exists := make(map[string]bool)
	for _, path := range sources {
		for _, m := range matches(t, path, `(?m)^func (Test\w+)\(`) {
			exists[m] = true
		}
	}
	for _, page := range []string{"remote.md", "security.md"} {
		names := matches(t, filepath.Join("..", "docs", page), "`(Test\\w+)`")
		if len(names) == 0 {
			t.Errorf("%s names no test", page)
		}
		for _, name := range names {
			if !exists[name] {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
}

// matches returns the first group of each match in a file.
func matches(t *testing.T, path, pattern string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(b, -1) {
		all = append(all, string(m[1]))
	}
	return all
}
