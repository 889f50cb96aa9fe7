package sim

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden output in testdata")

// TestScripts plays every story in testdata and compares what it prints.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	akka, akkaErr := filepath.Glob("testdata/akka/*.txt")
	if err = errors.Join(err, akkaErr); err != nil || len(files) == 0 || len(akka) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	files = append(files, akka...)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseScript(string(want)).Run(Config{})
	if err != nil {
		t.Fatal(err)
	}
	compareStory(t, file, got.Text, string(want))
}

// compareStory compares a story with its golden output, or rewrites that.
func compareStory(t *testing.T, file, got, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestCommandsThatMakeNoSense(t *testing.T) {
	for _, text := range []string{
		"frobnicate", "start 1", "start n0", "start n99999999", "cut n1", "cut | n1", "run", "run soon", "seed", "seed x",
		"start n1\ntiming fast", "timing slow", "links 1ms 2ms", "links 1ms to 2ms loss", "links 1ms to 2ms rain 1",
		"links 1ms to 2ms loss much", "down n1", "down n1 at", "name n1", "seeds bert", "settle", "heal n1",
	} {
		_, err := ParseScript(text).Run(Config{New: newFake})
		if err == nil {
			t.Errorf("%q was played", text)
		}
	}
}
