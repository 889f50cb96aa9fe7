package main

import (
	"strings"
	"testing"

	"github.com/pando-go/pando/clusterd/internal/race"
)

// The shows in a small form: what they check, not how fast it is.
func TestShows(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nodes on loopback")
	}
	for _, c := range []struct {
		name string
		cfg  config
		want string
	}{
		{"handover", config{show: "handover", n: race.Less(4, 1)}, "asks that failed, or whose sum was not the next: 0"},
		{"join", config{show: "join", entities: race.Less(2000, 200), state: 16}, "moved 4096 slots, the least possible is 4096: 1.0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if err := run(t.Context(), c.cfg, &out); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v, printed\n%s\nwant %q", err, out.String(), c.want)
			}
		})
	}
	if err := run(t.Context(), config{show: "nothing"}, nil); err == nil {
		t.Error("an unknown show is no error")
	}
}
