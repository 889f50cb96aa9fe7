package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/sim"
)

// TestBrokenLinksTable plays every cell of the table of broken links in
// docs/partitions.md: pairs of nodes that do not hear each other while all others
// hear both, and who is Up at the end. After the heal everybody is together again.
func TestBrokenLinksTable(t *testing.T) {
	race.SkipPure(t)
	for _, row := range readTable(t, "broken") {
		for _, strategy := range slices.Sorted(keys(row.lives)) {
			t.Run(fmt.Sprintf("line %d %s %s", row.line, row.cut, strategy), func(t *testing.T) {
				playLinks(t, row.cut, strategy, row.lives[strategy])
			})
		}
	}
}

func playLinks(t *testing.T, links, strategy, want string) {
	t.Helper()
	s, view := newPartition(t, strategy, 5)
	for _, link := range strings.Fields(links) {
		var a, b int
		if _, err := fmt.Sscanf(link, "%d-%d", &a, &b); err != nil {
			t.Fatalf("%q: %v", link, err)
		}
		s.Cut([]int{a}, []int{b})
	}
	s.Run(engine.Lan().Mend - time.Second)
	if got := up(view(1)); got != "1 2 3 4 5" {
		t.Errorf("got %q up while the links may mend, want all", got)
	}
	s.Run(12 * time.Second)
	for _, id := range numbers(t, want) {
		if got := up(view(id)); got != want {
			t.Errorf("n%d sees %q up, want %q", id, got, want)
		}
	}
	s.Heal()
	if err := s.Finish(2 * time.Minute); err != nil {
		t.Errorf("after the heal: %v", err)
	}
}

// up lists who is Up in a converged snapshot, "" if it has not converged.
func up(snap *engine.Snapshot) string {
	if !snap.Converged {
		return ""
	}
	var ids []string
	for _, m := range snap.Members {
		if m.Status == member.Up {
			ids = append(ids, strings.TrimPrefix(m.Address, strings.TrimSuffix(sim.Address(1), "1")))
		}
	}
	return strings.Join(ids, " ")
}
