package sim

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var (
	oneSeed = flag.Uint64("seed", 0, "replay this random story alone")
	fresh   = flag.Int("fresh", 0, "run this many random stories from fresh seeds instead of the stored ones")
)

// stored is how many seeds from 1 on plain `go test` runs.
const stored = 6

func TestRandom(t *testing.T) {
	switch {
	case *oneSeed != 0:
		t.Log(Random(*oneSeed, 0))
		tryRandom(t, *oneSeed)
	case *fresh > 0:
		first := uint64(time.Now().UnixNano())
		for i := range *fresh {
			tryRandom(t, first+uint64(i))
		}
	default:
		for seed := range uint64(stored) {
			tryRandom(t, seed+1)
		}
	}
}

func tryRandom(t *testing.T, seed uint64) {
	t.Helper()
	if _, err := Random(seed, 0).Run(Config{Sealed: seed%10 == 0}); err != nil {
		t.Errorf("repeat with -run TestRandom -seed=%d: %v", seed, err)
	}
}

// TestFoundStories plays the random stories that once broke an invariant; the
// first line of each says which, and why.
func TestFoundStories(t *testing.T) {
	files, err := filepath.Glob("testdata/found/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata/found: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseScript(string(text)).Run(Config{}); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestRandomStoryIsFixedByItsSeed(t *testing.T) {
	if a, b := Random(5, 0).String(), Random(5, 0).String(); a != b {
		t.Errorf("one seed gave two stories:\n%s\n%s", a, b)
	}
	if a, b := Random(5, 0).String(), Random(6, 0).String(); a == b {
		t.Error("two seeds gave one story")
	}
}

func TestShrink(t *testing.T) {
	long := ParseScript("seeds n1 n2\nstart n1\nrun 1s\nstart n2\ncut n1 | n2\nrun 1s\nheal\ncalm\nrun 1s")
	cfg := Config{New: newFake}
	got := Shrink(long, cfg)
	if want := "start n1\ncalm\n"; got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}
