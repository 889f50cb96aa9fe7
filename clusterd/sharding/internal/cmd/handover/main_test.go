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

// TestSystemHandover moves primaries under load: nothing is lost, repeated, refused or
// left unknown. How long the gaps are, the log tells.
func TestSystemHandover(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	var out strings.Builder
	o := options{n: 10, keys: 4}
	o.Preset, o.Pause = "fast", 5*time.Millisecond
	err := o.run(t.Context(), &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
	if want := " 0 not done, 0 of unknown outcome, 0 keys"; !strings.Contains(out.String(), want) {
		t.Errorf("want%q", want)
	}
}
