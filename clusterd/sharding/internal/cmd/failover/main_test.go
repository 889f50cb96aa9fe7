package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/internal/trial"
)

func TestMain(m *testing.M) {
	trial.Main()
	os.Exit(m.Run())
}

// TestSystemFailover kills five primaries under load: what was acknowledged is not
// lost, and the histories of all keys are linearizable.
func TestSystemFailover(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("starts processes and kills them")
	}
	var out strings.Builder
	o := options{n: 5, level: "quorum", keys: 8, seed: 1}
	o.Preset, o.Pause = "fast", 5*time.Millisecond
	err := o.run(t.Context(), &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}
