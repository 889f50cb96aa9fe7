package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/internal/trial"
)

func TestMain(m *testing.M) {
	trial.Main()
	os.Exit(m.Run())
}

// TestSystemJoin has a fourth node join: it gets its share by itself, no copy is
// moved needlessly, and what clients see is linearizable.
func TestSystemJoin(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	var out strings.Builder
	o := options{n: 2000, size: 100}
	o.Preset, o.Pause = "fast", 5*time.Millisecond
	err := o.run(t.Context(), &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"moved: 48 of 192, the least possible is 48;", "balance 1.000", " 0 keys not linearizable"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q", want)
		}
	}
}
