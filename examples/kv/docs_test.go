package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pando-go/pando/examples/kv/internal/store"
)

// TestDocsNameTests holds that each test which docs/kv.md names exists.
func TestDocsNameTests(t *testing.T) {
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(page(t), -1)
	if len(found) < 20 {
		t.Errorf("the page names %d tests only", len(found))
	}
	for _, m := range found {
		if !tests[m[1]] {
			t.Errorf("the page names %s, which does not exist", m[1])
		}
	}
}

// TestDocsNameCommands holds that the page has every command that is served.
func TestDocsNameCommands(t *testing.T) {
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`[A-Z]+`).FindAllString(page(t), -1) {
		words[w] = true
	}
	for _, c := range store.Commands() {
		if !words[strings.ToUpper(c.Name)] {
			t.Errorf("the page does not have %s", c.Name)
		}
	}
	for _, v := range verbs() {
		if !words[strings.ToUpper(v.name)] {
			t.Errorf("the page does not have %s", v.name)
		}
	}
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/kv.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
